/**
 * Measures what a publisher sends: reads the connection's counters (W3C webrtc-stats) and makes figures of two readings.
 *
 * @module sending
 */
import { codecOf, pairOf } from './meter.js'

/**
 * Figures of the time between two readings. What the browser does not tell, or what no time has passed for, is undefined.
 * @typedef {object} Sent
 * @property {SentMedia} video
 * @property {SentMedia} audio
 * @property {number} [roundTrip] milliseconds
 * @property {number} [loss] part of the packets that the server missed lately, 0 to 1
 */

/**
 * @typedef {object} SentMedia
 * @property {boolean} there
 * @property {string} codec `H264`, `VP8`, `Opus`, …; '' if unknown
 * @property {number} [bitRate] kbit/s, payload
 * @property {number} [width] of the largest picture, pixels
 * @property {number} [height]
 * @property {number} [frameRate] pictures sent a second
 * @property {'none'|'cpu'|'bandwidth'|'other'} [limited] why fewer or smaller pictures are sent than the device makes
 * @property {number} [keyFrameRequests] since the session began
 * @property {number} [resent] packets, since the session began
 */

/**
 * Takes out of a report what is measured here; the layers of a simulcast are added up.
 * @param {Map<string, object>} report an RTCStatsReport
 * @param {number} at milliseconds
 */
export function sentIn(report, at) {
  const all = [...report.values()]
  const of = (kind) => {
    const layers = all.filter((one) => one.type === 'outbound-rtp' && (one.kind ?? one.mediaType) === kind)
    if (layers.length === 0) return undefined
    const largest = layers.toSorted((a, b) => (b.frameWidth ?? 0) - (a.frameWidth ?? 0))[0]
    const sum = (key) => layers.some((layer) => layer[key] !== undefined)
      ? layers.reduce((total, layer) => total + (layer[key] ?? 0), 0) : undefined
    return {
      ...largest, codec: codecOf(report.get(largest.codecId)),
      bytesSent: sum('bytesSent'), retransmittedPacketsSent: sum('retransmittedPacketsSent'),
    }
  }
  const pair = pairOf(report)
  const losses = all.filter(({ type, fractionLost }) => type === 'remote-inbound-rtp' && fractionLost !== undefined)
  return {
    at, video: of('video'), audio: of('audio'), roundTrip: pair?.currentRoundTripTime,
    loss: losses.length > 0 ? Math.max(...losses.map(({ fractionLost }) => fractionLost)) : undefined,
  }
}

/**
 * Makes figures of two readings.
 * @param {ReturnType<typeof sentIn>} now
 * @param {ReturnType<typeof sentIn>|null} before
 * @returns {Sent}
 */
export function figuresOf(now, before) {
  const seconds = before ? (now.at - before.at) / 1000 : 0
  const [video, audio] = ['video', 'audio'].map((kind) => media(now[kind], before?.[kind], seconds))
  return { video, audio, roundTrip: now.roundTrip ? now.roundTrip * 1000 : undefined, loss: now.loss }
}

function media(now, before, seconds) {
  if (!now) return { there: false, codec: '' }
  const perSecond = (key, factor) => before && before.ssrc === now.ssrc && seconds > 0 && now[key] !== undefined
    ? Math.max(0, now[key] - (before[key] ?? 0)) * factor / seconds : undefined
  return {
    there: (now.bytesSent ?? 0) > 0, codec: now.codec,
    bitRate: perSecond('bytesSent', 8 / 1000), frameRate: perSecond('framesSent', 1),
    width: now.frameWidth || undefined, height: now.frameHeight || undefined,
    limited: now.qualityLimitationReason, keyFrameRequests: now.pliCount, resent: now.retransmittedPacketsSent,
  }
}
