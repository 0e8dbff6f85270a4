/**
 * Measures what a player receives: reads the connection's counters (W3C webrtc-stats) and makes figures of two readings.
 *
 *     const meter = new Meter()
 *     setInterval(async () => show(await meter.measure(player.peerConnection)), 1000)
 *
 * @module meter
 */

/**
 * Figures of the time between two readings. What the browser does not tell, or what no time has passed for, is undefined.
 * @typedef {object} Figures
 * @property {number} at when they were read, as performance.now() counts
 * @property {number} seconds that passed since the reading before; 0 for the first
 * @property {Media} video
 * @property {Media} audio
 * @property {number} [loss] part of the packets that were lost on the way, 0 to 1, video and audio together
 * @property {number} [lost] packets lost since the session began
 * @property {number} [roundTrip] milliseconds
 * @property {string} [server] address, port and protocol that media comes from, where the browser tells
 */

/**
 * One kind of media.
 * @typedef {object} Media
 * @property {boolean} there whether any was received
 * @property {string} codec `H264`, `VP8`, `Opus`, …; '' if unknown
 * @property {number} [bitRate] kbit/s, payload
 * @property {number} [jitterBuffer] milliseconds that media was held before it was decoded
 * @property {number} [jitter] milliseconds, between packets (RFC 3550 6.4.1)
 * @property {number} [width] of the picture, pixels
 * @property {number} [height]
 * @property {number} [frameRate] pictures decoded a second
 * @property {number} [dropped] pictures decoded too late to be shown, or not at all, since the session began
 * @property {number} [freezes] since the session began
 * @property {number} [frozen] seconds, all freezes together
 * @property {number} [freezesNow] since the reading before
 */

/** Keeps the reading before. */
export class Meter {
  #connection = null
  #before = null
  #read
  #figure

  /**
   * Measures what comes in, unless told what to measure.
   * @param {(report: Map<string, object>, at: number) => object} [read] takes the counters out of an RTCStatsReport
   * @param {(now: object, before: object|null) => object} [figure] makes figures of two readings
   */
  constructor(read = countersOf, figure = figuresOf) {
    this.#read = read
    this.#figure = figure
  }

  /**
   * Reads the counters.
   * @param {RTCPeerConnection|null} connection
   * @returns {Promise<Figures|null>} null where there is no connection
   */
  async measure(connection) {
    if (connection !== this.#connection) {
      this.#connection = connection
      this.#before = null
    }
    if (!connection) return null
    const report = await connection.getStats()
    if (connection !== this.#connection) return null
    const counters = this.#read(report, performance.now())
    const figures = this.#figure(counters, this.#before)
    this.#before = counters
    return figures
  }
}

/**
 * Takes out of a report what is measured here.
 * @param {Map<string, object>} report an RTCStatsReport
 * @param {number} at
 */
export function countersOf(report, at) {
  const all = [...report.values()]
  const inbound = (kind) => {
    const stats = all.find((one) => one.type === 'inbound-rtp' && (one.kind ?? one.mediaType) === kind)
    return stats && { ...stats, codec: codecOf(report.get(stats.codecId)) }
  }
  const pair = pairOf(report)
  return { at, video: inbound('video'), audio: inbound('audio'), pair, remote: report.get(pair?.remoteCandidateId) }
}

/** The candidate pair that is used. @param {Map<string, object>} report an RTCStatsReport */
export function pairOf(report) {
  const all = [...report.values()]
  const selected = report.get(all.find(({ type, selectedCandidatePairId }) =>
    type === 'transport' && selectedCandidatePairId)?.selectedCandidatePairId)
  return selected ?? all.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded')
}

/** A codec's name, of its statistics. @param {object|undefined} stats */
export function codecOf(stats) {
  const name = stats?.mimeType?.split('/')[1] ?? ''
  return name.toLowerCase() === 'opus' ? 'Opus' : name
}

/**
 * Makes figures of two readings.
 * @param {ReturnType<typeof countersOf>} now
 * @param {ReturnType<typeof countersOf>|null} before
 * @returns {Figures}
 */
export function figuresOf(now, before) {
  const seconds = before ? (now.at - before.at) / 1000 : 0
  const [video, audio] = ['video', 'audio'].map((kind) => media(now[kind], comparable(now[kind], before?.[kind]), seconds))
  const roundTrip = now.pair?.currentRoundTripTime
  return {
    at: now.at, seconds, video, audio, ...loss(now, before),
    roundTrip: roundTrip ? roundTrip * 1000 : undefined, // Firefox says 0 before the first one
    server: now.remote?.address && addressOf(now.remote),
  }
}

/** The reading before, unless another stream of packets is received since. */
function comparable(now, before) {
  return before && now && before.ssrc === now.ssrc ? before : undefined
}

function media(now, before, seconds) {
  if (!now) return { there: false, codec: '' }
  const gained = (key) => before && now[key] !== undefined && before[key] !== undefined ? Math.max(0, now[key] - before[key]) : undefined
  const perSecond = (key, factor) => {
    const gain = gained(key)
    return gain === undefined || seconds <= 0 ? undefined : gain * factor / seconds
  }
  const held = gained('jitterBufferDelay'), emitted = gained('jitterBufferEmittedCount')
  return {
    there: (now.packetsReceived ?? 0) > 0,
    codec: now.codec,
    bitRate: perSecond('bytesReceived', 8 / 1000),
    jitterBuffer: emitted > 0 && held !== undefined ? held / emitted * 1000 : undefined,
    jitter: now.jitter === undefined ? undefined : now.jitter * 1000,
    width: now.frameWidth || undefined,
    height: now.frameHeight || undefined,
    frameRate: perSecond('framesDecoded', 1),
    dropped: now.framesDropped,
    freezes: now.freezeCount,
    frozen: now.totalFreezesDuration,
    freezesNow: gained('freezeCount'),
  }
}

function loss(now, before) {
  let lost, lostNow = 0, receivedNow = 0
  for (const kind of ['video', 'audio']) {
    const stats = now[kind]
    if (stats?.packetsLost === undefined) continue
    lost = (lost ?? 0) + Math.max(0, stats.packetsLost)
    const last = comparable(stats, before?.[kind])
    if (!last) continue
    // What was retransmitted after all is counted back (RFC 3550 6.4.1).
    lostNow += Math.max(0, stats.packetsLost - last.packetsLost)
    receivedNow += Math.max(0, (stats.packetsReceived ?? 0) - (last.packetsReceived ?? 0))
  }
  const all = lostNow + receivedNow
  return { lost, loss: all > 0 ? lostNow / all : undefined }
}

function addressOf({ address, port, protocol }) {
  return `${address.includes(':') ? `[${address}]` : address}:${port} ${protocol}`
}
