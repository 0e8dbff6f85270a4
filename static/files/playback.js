/**
 * What can be done with a film that is played: stand still, go elsewhere, once or over and over.
 *
 * @module playback
 */
import { call } from './api.js'
import { clockTimeOf } from './numbers.js'
import { addressOf } from './upload.js'

const element = (id) => document.getElementById(id)

/**
 * Where a film should be by now.
 * @param {{at: number, place: number}} known Unix milliseconds, and where it was then, in milliseconds
 * @param {{paused: boolean, loop: boolean, duration: number, now: number}} film
 * @returns {number} milliseconds
 */
export function placeOf({ at, place }, { paused, loop, duration, now }) {
  const by = paused ? place : place + Math.max(0, now - at)
  if (!duration) return by
  return loop ? by % duration : Math.min(by, duration)
}

/** What the parameters of a source are that this part has in hand. @param {object} [params] of the stream's source */
export function isFilm(params) {
  return typeof params?.file === 'string' && typeof params?.paused === 'boolean'
}

/** The controls. Events: `done` with a sentence in detail; `refused` with `{what, reason}`; `changed` when the server was told. */
export class Playback extends EventTarget {
  #name = ''
  #source = null
  #duration = 0
  #file = ''
  #known = null // where it was, and when
  #held = false // somebody has the slider
  #busy = false

  constructor() {
    super()
    element('film-pause').addEventListener('click', () => this.#pause())
    element('film-begin').addEventListener('click', () => this.#go(0))
    element('film-loop').addEventListener('change', ({ target }) => this.#change({ loop: target.checked },
      target.checked ? `“${this.#name}” is played over and over.` : `“${this.#name}” ends with the film.`))
    const slider = element('film-at')
    slider.addEventListener('input', () => {
      this.#held = true
      this.#write(slider.value * 1000)
    })
    slider.addEventListener('change', () => {
      this.#held = false
      this.#go(slider.value * 1000)
    })
    setInterval(() => this.#tick(), 250)
  }

  /** @param {string} name @param {object|null} source as the API describes it */
  show(name, source) {
    const shown = source?.state === 'live' && isFilm(source.params)
    element('playback').hidden = !shown
    if (!shown) {
      this.#source = null
      return
    }
    const other = name !== this.#name || source.since !== this.#source?.since
    this.#name = name
    this.#source = source
    if (other) this.#known = { at: Date.parse(source.since), place: source.params.start * 1000 }
    if (source.params.file !== this.#file) this.#look(source.params.file)
    const pause = element('film-pause'), word = source.params.paused ? 'Play' : 'Pause'
    if (pause.textContent !== word) pause.textContent = word
    element('film-loop').checked = source.params.loop
    this.#tick()
  }

  async #look(file) {
    this.#file = file
    this.#duration = 0
    try {
      const { report } = await call('GET', addressOf(file))
      if (this.#file === file) this.#duration = report?.duration_ms ?? 0
    } catch (error) {
      if (!error.reason) throw error // else the file is gone: it plays on, its length is not known
    }
    this.#tick()
  }

  #place() {
    const { paused, loop } = this.#source.params
    return placeOf(this.#known, { paused, loop, duration: this.#duration, now: Date.now() })
  }

  #tick() {
    if (!this.#source || this.#held) return
    const slider = element('film-at')
    slider.hidden = !this.#duration
    slider.max = Math.max(0.1, this.#duration / 1000)
    slider.step = Math.max(0.1, Math.round(this.#duration / 10_000) / 10)
    slider.value = this.#place() / 1000
    this.#write(this.#place())
  }

  #write(milliseconds) {
    const time = clockTimeOf(milliseconds)
    const text = this.#duration ? `${time} of ${clockTimeOf(this.#duration)}` : time
    if (element('film-time').textContent === text) return
    element('film-time').textContent = text
    element('film-at').setAttribute('aria-valuetext', text)
  }

  #pause() {
    const paused = !this.#source.params.paused
    const known = { at: Date.now(), place: this.#place() }
    this.#change({ paused }, paused ? `“${this.#name}” stands still.` : `“${this.#name}” goes on.`, known)
  }

  #go(milliseconds) {
    const was = this.#source.params.start
    // A value that it has already would change nothing.
    const start = Math.round(milliseconds) / 1000 === was ? Math.round(milliseconds + 1) / 1000 : Math.round(milliseconds) / 1000
    this.#change({ start }, `“${this.#name}” goes to ${clockTimeOf(milliseconds)}.`, { at: Date.now(), place: milliseconds })
  }

  async #change(params, done, known) {
    if (this.#busy || !this.#source) return
    this.#busy = true
    const name = this.#name
    try {
      const stream = await call('PATCH', `/api/v1/streams/${name}`, { params })
      if (known) this.#known = { ...known, at: Date.now() }
      if (this.#name === name && this.#source) this.#source = stream.source
      this.dispatchEvent(new CustomEvent('done', { detail: done }))
    } catch (error) {
      if (!error.reason) throw error
      this.dispatchEvent(new CustomEvent('refused', { detail: { what: `Change “${name}”`, reason: error.reason } }))
    } finally {
      this.#busy = false
      this.dispatchEvent(new CustomEvent('changed'))
    }
  }
}
