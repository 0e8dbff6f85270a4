/**
 * Measures from glass to glass: reads the clock that the test pattern carries in its picture, and compares the moment at
 * which the picture is shown with the server's time. The sound's place against the picture is measured with it.
 *
 * Nothing is a figure here that was not measured: a reading has a value or the reason why not.
 *
 * @module clock
 */
import { call, wantsToken } from './api.js'
import { Ear } from './ear.js'

/** Times wrap at 2^32 ms in the picture. */
const turn = 2 ** 32
/** Milliseconds after which the server is asked for its time again. */
const renewal = 30_000
const probesEach = 8
/** Two clocks drift apart by no more than this, parts of the time passed. */
const drift = 100e-6
/** Milliseconds of pictures that a reading is made of. */
const window = 1_500
/** Milliseconds without a picture after which no reading holds any more. */
const staleness = 3_000

/**
 * Reads the blocks of the test pattern; package publisher/pattern says how they are laid out.
 * @param {(x: number, y: number) => number} brightness of a pixel, 0 to 255
 * @param {number} width of the whole picture
 * @param {number} height
 * @returns {{frame: number, millis: number, live: boolean}|null} null where the blocks cannot be read
 */
export function readCode(brightness, width, height) {
  const rows = [0, 1].map((row) => readRow((column) => mean(brightness, width, height, column, row), row))
  const [frame, clock] = rows
  if (!frame || !clock || frame.live !== clock.live) return null
  return { frame: frame.value, millis: clock.value, live: frame.live }
}

function readRow(level, row) {
  const white = level(0), black = level(1)
  if (white - black < 40) return null
  const bit = (column) => level(column) > (white + black) / 2 ? 1 : 0
  const number = (from, to) => {
    let value = 0
    for (let column = from; column <= to; column++) value = value * 2 + bit(column)
    return value
  }
  const value = number(2, 33), live = bit(34) === 1
  let check = (row === 0 ? 0x5 : 0xA) ^ (live ? 0 : 0xF)
  for (let shift = 0; shift < 32; shift += 4) check ^= (value >>> shift) & 0xF
  return number(35, 38) === check && bit(39) ? { value, live } : null
}

/** The brightness of the inner half of a block. */
function mean(brightness, width, height, column, row) {
  const inner = (from, to) => {
    const quarter = Math.floor((to - from) / 4)
    return [from + quarter, Math.max(to - quarter, from + quarter + 1)]
  }
  const [left, right] = inner(Math.floor(column * width / 40), Math.floor((column + 1) * width / 40))
  const [top, bottom] = inner(height - Math.floor((2 - row) * height / 24), height - Math.floor((1 - row) * height / 24))
  let sum = 0
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += brightness(x, y)
  return sum / ((right - left) * (bottom - top))
}

/** Looks at a video's blocks by way of a small canvas: eight pixels of it for each block. */
class PictureReader {
  #canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 16 })
  #context = this.#canvas.getContext('2d', { willReadFrequently: true })

  /** @param {HTMLVideoElement} video */
  read(video) {
    const { videoWidth: width, videoHeight: height } = video
    if (width === 0) return null
    const strip = 2 * Math.floor(height / 24)
    this.#context.imageSmoothingEnabled = false
    this.#context.drawImage(video, 0, height - strip, width, strip, 0, 0, 320, 16)
    const { data } = this.#context.getImageData(0, 0, 320, 16)
    return readCode((x, y) => data[((y - 176) * 320 + x) * 4 + 1], 320, 192) // green is bright enough
  }
}

/**
 * Estimates the server's clock from one question and its answer, as Cristian did: the server looked at its clock at some
 * moment between the two.
 * @param {number} sent as performance.now() counts
 * @param {number} received
 * @param {number} server the server's time, Unix milliseconds
 * @returns {{offset: number, uncertainty: number, at: number}} what to add to performance.now()
 */
export function estimate(sent, received, server) {
  return { offset: server - (sent + received) / 2, uncertainty: (received - sent) / 2, at: received }
}

/** The estimate as it stands at a later moment: the clocks may have drifted. */
export function aged(one, now) {
  return { ...one, uncertainty: one.uncertainty + Math.max(0, now - one.at) * drift }
}

/**
 * Chooses between what is known of the server's clock and a new estimate.
 * @param {{offset: number, uncertainty: number, at: number}|null} known
 * @param {{offset: number, uncertainty: number, at: number}} fresh
 */
export function better(known, fresh) {
  if (!known) return fresh
  const then = aged(known, fresh.at)
  // They must agree: otherwise a clock was set, or this machine slept.
  if (Math.abs(then.offset - fresh.offset) > then.uncertainty + fresh.uncertainty) return fresh
  return fresh.uncertainty <= then.uncertainty ? fresh : known
}

/** How coarse the browser's clock is, in milliseconds, judged by some of its readings. @param {number[]} readings */
export function grain(readings) {
  const whole = (unit) => readings.every((reading) => Math.abs(reading / unit - Math.round(reading / unit)) * unit < 1e-3)
  return [100, 1000 / 60, 20, 1].find(whole) ?? 0.1
}

/** The server's time, asked again and again. */
export class ServerClock {
  /** Why it is not known. @type {import('./api.js').Reason|null} */
  reason = null
  #known = null
  #asking = false
  #askedAt = -Infinity

  /** What to add to performance.now(), and how far off that may be; null while not known. */
  at(now) {
    return this.#known && aged(this.#known, now)
  }

  /** Asks when it is time to. */
  async renew(now = performance.now()) {
    if (this.#asking || now - this.#askedAt < (this.reason ? renewal / 6 : renewal)) return
    this.#asking = true
    this.#askedAt = now
    try {
      const probes = []
      for (let i = 0; i < probesEach; i++) probes.push(await probe())
      const coarse = grain(probes.flatMap(({ sent, received }) => [sent, received]))
      const estimates = probes.map(({ sent, received, server }) => estimate(sent, received, server))
      const best = estimates.reduce((one, other) => other.uncertainty < one.uncertainty ? other : one)
      this.#known = better(this.#known, { ...best, uncertainty: best.uncertainty + coarse })
      this.reason = null
    } catch (error) {
      this.reason = error.reason ?? { code: 'clock', detail: String(error) }
    } finally {
      this.#asking = false
    }
  }

  /** Forgets what is known and asks at the next opportunity. */
  forget() {
    this.#known = null
    this.reason = null
    this.#askedAt = -Infinity
  }
}

async function probe() {
  const sent = performance.now()
  const { unix_ms: server } = await call('GET', '/api/v1/time')
  return { sent, received: performance.now(), server }
}

/** A difference of two times that wrap, as near to zero as can be. */
export function wrapped(difference, around = turn) {
  const rest = ((difference % around) + around) % around
  return rest >= around / 2 ? rest - around : rest
}

/** @param {number[]} values at least one */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * Pictures a second of the pattern, told by the numbers and clocks of its pictures.
 * @param {{frame: number, millis: number}[]} codes in order
 * @returns {number|undefined} undefined before a second of them was seen
 */
export function rateOf(codes) {
  if (codes.length < 2) return undefined
  const [first, last] = [codes[0], codes.at(-1)]
  const millis = wrapped(last.millis - first.millis), frames = wrapped(last.frame - first.frame)
  return millis >= 900 && frames > 0 ? Math.round(frames * 1000 / millis) || undefined : undefined
}

/**
 * How much later than the picture the sound comes. The pattern's frame n belongs to second n/rate, and a beep begins on each
 * second: so all pictures tell where the second begins, not only the one that flashes.
 * @param {{frame: number, shown: number}[]} pictures with the moments at which they were shown, milliseconds
 * @param {number} heard the moment of a beep, on the same clock
 * @param {number} rate pictures a second
 * @returns {number} milliseconds; negative where the sound is early
 */
export function skewOf(pictures, heard, rate) {
  const first = pictures[0].shown - pictures[0].frame % rate * 1000 / rate
  const begins = pictures.map(({ frame, shown }) => wrapped(shown - frame % rate * 1000 / rate - first, 1000))
  return wrapped(heard - first - median(begins), 1000)
}

/**
 * @typedef {{value: number, uncertainty: number}|{why: string}} Reading milliseconds, or why there are none
 */

/** Measures one video while it is told to. */
export class Glass {
  #video
  #reader = new PictureReader()
  #clock = new ServerClock()
  #ear = new Ear()
  #running = false
  #callback = 0
  /** The newest pictures with a code. @type {{frame: number, millis: number, live: boolean, shown: number}[]} */
  #pictures = []
  #seenAt = -Infinity
  #skews = []

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video
    this.#ear.addEventListener('beep', ({ detail }) => this.#beep(detail))
    document.addEventListener('visibilitychange', () => document.hidden || this.#clock.forget())
  }

  /**
   * Begins, or goes on with another stream.
   * @param {MediaStream|null} stream what the video shows, for its sound
   */
  start(stream) {
    this.#ear.listen(stream)
    if (this.#running) return
    this.#running = true
    this.#pictures = []
    this.#skews = []
    this.#next()
  }

  /** Ends; the page is as quick as without it. */
  stop() {
    this.#running = false
    this.#video.cancelVideoFrameCallback?.(this.#callback)
    this.#ear.stop()
  }

  /** Another token is there, or the server is another one. */
  forget() {
    this.#clock.forget()
    this.#pictures = []
    this.#skews = []
  }

  #next() {
    if (!this.#running || !this.#video.requestVideoFrameCallback) return
    this.#callback = this.#video.requestVideoFrameCallback((now, metadata) => {
      this.#look(metadata.expectedDisplayTime || metadata.presentationTime || now)
      this.#next()
    })
  }

  #look(shown) {
    this.#seenAt = shown
    const code = this.#reader.read(this.#video)
    if (!code) return
    const last = this.#pictures.at(-1)
    // Another source, or the clip from its beginning: nothing before it belongs to it.
    if (last && (last.live !== code.live || wrapped(code.frame - last.frame) < 0 || shown - last.shown > window)) {
      this.#pictures = []
      if (last.live !== code.live) this.#skews = []
    }
    this.#pictures.push({ ...code, shown })
    while (this.#pictures[0].shown < shown - window) this.#pictures.shift()
  }

  #beep(heard) {
    const rate = rateOf(this.#pictures)
    // What is heard now is compared with what is shown now.
    if (!rate || Math.abs(this.#pictures.at(-1).shown - heard) > window) return
    this.#skews.push({ at: heard, value: skewOf(this.#pictures, heard, rate) })
    if (this.#skews.length > 7) this.#skews.shift()
  }

  /**
   * What is measured now.
   * @returns {{latency: Reading, skew: Reading}}
   */
  reading(now = performance.now()) {
    if (!this.#video.requestVideoFrameCallback) {
      const why = 'This browser does not tell when a picture is shown.'
      return { latency: { why }, skew: { why } }
    }
    const last = this.#pictures.at(-1)
    if (!last || now - last.shown > staleness) {
      const why = now - this.#seenAt < staleness ? 'This picture carries no clock that can be read; the test pattern does.' : 'Waiting for a picture.'
      return { latency: { why }, skew: { why } }
    }
    return { latency: this.#latency(last, now), skew: this.#skew(now) }
  }

  /** @returns {Reading} */
  #latency(last, now) {
    if (!last.live) return { why: 'Recorded clip: its clock is not live.' }
    this.#clock.renew(now)
    const server = this.#clock.at(now)
    if (!server) return { why: whyNoTime(this.#clock.reason) }
    const value = median(this.#pictures.map(({ shown, millis }) => wrapped(shown + server.offset - millis)))
    return { value, uncertainty: server.uncertainty + 0.5 } // the picture's clock counts whole milliseconds
  }

  /** @returns {Reading} */
  #skew(now) {
    const fresh = this.#skews.filter(({ at }) => now - at < 5 * staleness).map(({ value }) => value)
    if (this.#ear.why || fresh.length === 0) return { why: this.#ear.why || 'Listening for the beep.' }
    const value = median(fresh)
    const spread = 1.5 * median(fresh.map((one) => Math.abs(one - value))) // one that a busy machine spoilt does not count
    return { value, uncertainty: Math.max(spread, this.#ear.uncertainty) }
  }
}

function whyNoTime(reason) {
  if (!reason) return 'Asking the server for its time.'
  if (wantsToken(reason)) return 'The server tells its time to administrators only: without a token there is no latency.'
  return `The server’s time is not known: ${reason.detail}`
}
