/**
 * The figures over the picture: what is received and how late, once a second, as small graphs.
 *
 * @module overlay
 */
import { Glass } from './clock.js'
import { Meter } from './meter.js'
import { numberOf } from './numbers.js'

/** @typedef {import('./meter.js').Figures & {latency: import('./clock.js').Reading, skew: import('./clock.js').Reading}} Measured */

/** One graph each: how it looks, its value, and the words for it where they are more than value and unit. */
const graphs = [
  { label: 'Latency', unit: 'ms', least: 200, value: ({ latency }) => latency.value, words: ({ latency }) => within(latency) },
  { label: 'Sound late by', unit: 'ms', least: 100, signed: true, value: ({ skew }) => skew.value, words: ({ skew }) => within(skew) },
  { label: 'Bit rate', unit: 'kbit/s', least: 100, value: ({ video, audio }) => sum(video.bitRate, audio.bitRate) },
  { label: 'Frames', unit: 'fps', least: 30, value: ({ video }) => video.frameRate },
  { label: 'Loss', unit: '%', digits: 1, least: 1, value: ({ loss }) => loss === undefined ? undefined : loss * 100, words: lossWords },
  { label: 'Round trip', unit: 'ms', digits: 1, least: 10, value: ({ roundTrip }) => roundTrip },
  { label: 'Jitter buffer', unit: 'ms', least: 100, value: ({ video }) => video.jitterBuffer },
  { label: 'Freezes', unit: '', least: 1, bars: true, value: ({ video }) => video.freezesNow, words: freezeWords },
]

const within = ({ value, uncertainty }) => value === undefined ? undefined : `${numberOf(value)} ± ${Math.max(1, Math.round(uncertainty))} ms`
const sum = (one, other) => one === undefined && other === undefined ? undefined : (one ?? 0) + (other ?? 0)

function lossWords({ loss, lost }) {
  if (loss === undefined) return undefined
  return lost > 0 ? `${numberOf(loss * 100, 1)} % (${lost})` : '0 %'
}

function freezeWords({ video: { freezes, frozen } }) {
  if (freezes === undefined) return undefined
  return freezes > 0 && frozen !== undefined ? `${freezes} (${numberOf(frozen, 1)} s)` : String(freezes)
}

/** The overlay. Event `figures` once a second, also while it is closed: detail is what the meter says, or null. */
export class Overlay extends EventTarget {
  #host
  #facts
  #note
  #screen
  #meter = new Meter()
  #glass
  #graphs = []
  #loading = null
  #last = 0

  /**
   * @param {HTMLElement} host
   * @param {import('./screen.js').Screen} screen
   * @param {HTMLVideoElement} video
   */
  constructor(host, screen, video) {
    super()
    this.#host = host
    this.#screen = screen
    this.#facts = host.querySelector('[data-part=facts]')
    this.#note = host.querySelector('[data-part=note]')
    this.#glass = new Glass(video)
    screen.addEventListener('stream', () => this.#follow())
    screen.addEventListener('statechange', () => this.#follow())
    document.addEventListener('visibilitychange', () => this.#follow())
    setInterval(() => this.#measure(), 1000)
  }

  get open() { return !this.#host.hidden }

  set open(open) {
    this.#host.hidden = !open
    if (open) this.#load()
    this.#follow()
    this.#measure()
  }

  /** Another token or server: times are asked for anew. */
  forget() {
    this.#glass.forget()
  }

  /** Pictures and sound are looked at only while somebody sees the result. */
  #follow() {
    if (this.open && !document.hidden && this.#screen.stream) this.#glass.start(this.#screen.stream)
    else this.#glass.stop()
  }

  async #load() {
    this.#loading ??= import('./graphs.js')
    try {
      const { Graph } = await this.#loading
      if (this.#graphs.length > 0) return
      this.#graphs = graphs.map((look) => ({ ...look, graph: new Graph(look) }))
      this.#host.querySelector('[data-part=graphs]').replaceChildren(...this.#graphs.map(({ graph }) => graph.element))
      this.#measure()
    } catch (error) {
      this.#loading = null
      this.#note.textContent = `The graphs could not be loaded: ${error.message}`
    }
  }

  async #measure() {
    const { player } = this.#screen
    const at = performance.now()
    const figures = player?.state === 'playing' ? await this.#meter.measure(player.peerConnection).catch(() => null) : null
    this.dispatchEvent(new CustomEvent('figures', { detail: figures }))
    if (!figures) {
      if (this.#last > 0) for (const { graph } of this.#graphs) graph.push(at, undefined)
      this.#say({ facts: 'Nothing is received.', notes: [] })
      return
    }
    if (figures.seconds > 0 && figures.seconds < 0.5) return // opened between two readings
    this.#last = at
    const all = { ...figures, ...this.#reading() }
    for (const { graph, value, words } of this.#graphs) graph.push(at, value(all), words?.(all))
    if (this.open) this.#say({ facts: factsOf(figures), notes: notesOf(all) })
  }

  /** @returns {{latency: import('./clock.js').Reading, skew: import('./clock.js').Reading}} */
  #reading() {
    if (this.open) return this.#glass.reading()
    return { latency: { why: '' }, skew: { why: '' } }
  }

  #say({ facts, notes }) {
    if (this.#facts.textContent !== facts) this.#facts.textContent = facts
    const text = notes.join(' ')
    if (this.#note.textContent !== text) this.#note.textContent = text
    this.#note.hidden = text === ''
  }
}

/** What is received, in a line. @param {import('./meter.js').Figures} figures */
export function factsOf({ video, audio, server }) {
  return [
    video.width && `${video.width} × ${video.height}`, video.codec, audio.codec,
    video.dropped !== undefined && `${video.dropped} frames dropped`, server && `from ${server}`,
  ].filter(Boolean).join(' · ')
}

/** Why there is no latency and no skew. @param {Measured} all */
function notesOf({ latency, skew }) {
  if (latency.why && latency.why === skew.why) return [`Latency and sound: ${lower(latency.why)}`]
  return [latency.why && `Latency: ${lower(latency.why)}`, skew.why && `Sound: ${lower(skew.why)}`].filter(Boolean)
}

const lower = (sentence) => sentence[0].toLowerCase() + sentence.slice(1)
