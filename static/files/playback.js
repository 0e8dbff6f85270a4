/**
 * What can be done with a film that is played: stand still, go elsewhere, once or over and over.
 *
 * @module playback
 */
import { call } from './api.js'
import { clockTimeOf } from './numbers.js'

const element = (id) => document.getElementById(id)

/**
 * Where a film is by now.
 * @param {{position_ms: number, duration_ms: number, paused: boolean}} playback as the server told it
 * @param {{loop: boolean, passed: number}} since whether it goes round, and how many milliseconds ago that was
 * @returns {number} milliseconds
 */
export function placeOf({ position_ms: position, duration_ms: duration, paused }, { loop, passed }) {
  const by = paused ? position : position + Math.max(0, passed)
  if (!duration) return by
  return loop ? by % duration : Math.min(by, duration)
}

/** After how many milliseconds the server is asked again where a film is. */
const askAgain = 5000

/**
 * The controls. Events: `done` with a sentence in detail; `refused` with `{what, reason}`; `changed` with `{name, stream}`, as the server
 * describes it now; `doubt` when it is to be asked again where the film is.
 */
export class Playback extends EventTarget {
  #name = ''
  #source = null
  #told = 0 // when the server said so, by performance.now()
  #asked = false // since then
  #held = false // somebody has the slider
  #busy = false
  #next = null // what to ask for after that: {name, params, done}
  #aim = null // milliseconds: where it is sent, until the server has answered

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
    const shown = Boolean(source?.playback) && source.state === 'live'
    element('playback').hidden = !shown
    if (!shown) {
      this.#source = null
      return
    }
    this.#name = name
    if (source !== this.#source) {
      this.#source = source
      this.#told = performance.now()
      this.#asked = false
    }
    const pause = element('film-pause'), word = source.playback.paused ? 'Play' : 'Pause'
    if (pause.textContent !== word) pause.textContent = word
    if (!this.#busy) element('film-loop').checked = source.params.loop
    this.#tick()
  }

  #place() {
    return this.#aim ?? placeOf(this.#source.playback, { loop: this.#source.params.loop, passed: performance.now() - this.#told })
  }

  #tick() {
    if (!this.#source) return
    if (!this.#asked && !document.hidden && performance.now() - this.#told > askAgain) {
      this.#asked = true
      this.dispatchEvent(new CustomEvent('doubt'))
    }
    if (this.#held) return
    const slider = element('film-at'), duration = this.#source.playback.duration_ms
    slider.hidden = !duration
    slider.max = Math.max(0.1, duration / 1000)
    slider.step = Math.max(0.1, Math.round(duration / 10_000) / 10)
    slider.value = this.#place() / 1000
    this.#write(this.#place())
  }

  #write(milliseconds) {
    if (!this.#source) return // it has ended meanwhile
    const time = clockTimeOf(milliseconds)
    const duration = this.#source.playback.duration_ms
    const text = duration ? `${time} of ${clockTimeOf(duration)}` : time
    if (element('film-time').textContent === text) return
    element('film-time').textContent = text
    element('film-at').setAttribute('aria-valuetext', text)
  }

  #pause() {
    const paused = !this.#source.playback.paused
    this.#change({ paused }, paused ? `“${this.#name}” stands still.` : `“${this.#name}” goes on.`)
  }

  #go(milliseconds) {
    if (!this.#source) return // it has ended meanwhile
    this.#aim = milliseconds
    const was = this.#source.params.start
    // A value that it has already would change nothing.
    const start = Math.round(milliseconds) / 1000 === was ? Math.round(milliseconds + 1) / 1000 : Math.round(milliseconds) / 1000
    this.#change({ start }, `“${this.#name}” goes to ${clockTimeOf(milliseconds)}.`)
  }

  async #change(params, done) {
    if (!this.#source) return
    if (this.#busy) {
      const waits = this.#next?.name === this.#name ? this.#next.params : {}
      this.#next = { name: this.#name, params: { ...waits, ...params }, done } // of many of a kind, as a key makes that is held, the last one counts
      return
    }
    this.#busy = true
    const name = this.#name
    try {
      const stream = await call('PATCH', `/api/v1/streams/${name}`, { params })
      this.#busy = false
      if (!this.#next) this.#aim = null
      this.dispatchEvent(new CustomEvent('changed', { detail: { name, stream } }))
      this.dispatchEvent(new CustomEvent('done', { detail: done }))
    } catch (error) {
      if (!error.reason) throw error
      this.#next = this.#aim = null
      this.dispatchEvent(new CustomEvent('doubt'))
      this.dispatchEvent(new CustomEvent('refused', { detail: { what: `Change “${name}”`, reason: error.reason } }))
    } finally {
      this.#busy = false
    }
    const next = this.#next
    this.#next = null
    if (next && next.name === this.#name) this.#change(next.params, next.done)
    else this.#aim = null
  }
}
