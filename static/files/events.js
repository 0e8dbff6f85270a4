/**
 * Tells what happens on the server, from its event stream. EventSource cannot send a bearer token, so the stream is read
 * by fetch. It is closed while the page is hidden and goes on after the last event seen.
 *
 * @module events
 */
import { authorization, reasonOf } from './api.js'

const firstBackOff = 500
const lastBackOff = 10_000
/** The server sends at least a comment every 15 s. */
const silence = 40_000
const longestLine = 1 << 20

/**
 * @typedef {object} ServerEvent
 * @property {string} id
 * @property {string} name
 * @property {object} data
 */

/** Cuts an event stream (HTML, 9.2.6) into its events. */
export class EventParser {
  /** Milliseconds that the stream asks to wait before a new connection, if it does. @type {number|undefined} */
  retry
  #rest = ''
  #begun = false
  #id = ''
  #name = ''
  #data = []

  /**
   * Takes the next piece of text.
   * @param {string} text
   * @returns {{id: string, name: string, data: string}[]} the events that it completes; id is the last one sent so far
   */
  push(text) {
    if (!this.#begun && text !== '') {
      this.#begun = true
      text = text.replace(/^\uFEFF/, '')
    }
    this.#rest += text
    const events = []
    for (;;) {
      const end = /\r\n|\r(?!$)|\n/.exec(this.#rest) // a CR at the end may be half of a CRLF
      if (!end) break
      const line = this.#rest.slice(0, end.index)
      this.#rest = this.#rest.slice(end.index + end[0].length)
      const event = line === '' ? this.#dispatch() : this.#field(line)
      if (event) events.push(event)
    }
    if (this.#rest.length > longestLine) throw new RangeError('a line of the event stream is too long')
    return events
  }

  #field(line) {
    const colon = line.indexOf(':')
    if (colon === 0) return // a comment
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') this.#data.push(value)
    if (field === 'event') this.#name = value
    if (field === 'id' && !value.includes('\0')) this.#id = value
    if (field === 'retry' && /^\d+$/.test(value)) this.retry = Number(value)
  }

  #dispatch() {
    const event = { id: this.#id, name: this.#name || 'message', data: this.#data.join('\n') }
    const empty = this.#data.length === 0
    this.#name = ''
    this.#data = []
    return empty ? undefined : event
  }
}

/**
 * The server's events.
 *
 * - `event` with detail {@link ServerEvent}
 * - `missed`: the server no longer has all events since the last one seen; what is shown should be asked for again
 * - `statechange`: see `state` and `reason`
 */
export class EventStream extends EventTarget {
  /** @type {'closed'|'connecting'|'open'|'waiting'|'refused'} */
  state = 'closed'
  /** Why it is waiting or refused. @type {import('./api.js').Reason|null} */
  reason = null
  #path
  #last
  #wanted = false
  #abort = null
  #timer = 0
  #attempts = 0

  /**
   * Prepares a stream; it does nothing before `start()`.
   * @param {string} [last] the id after which to begin; '0' is the oldest event that the server keeps, '' is now
   * @param {string} [path]
   */
  constructor(last = '', path = '/api/v1/events') {
    super()
    this.#last = last
    this.#path = path
    document.addEventListener('visibilitychange', () => document.hidden ? this.#pause() : this.#resume())
    addEventListener('pagehide', () => this.#pause())
    addEventListener('pageshow', (event) => event.persisted && this.#resume())
    addEventListener('online', () => this.state === 'waiting' && this.#resume())
  }

  /** Listens, anew if it was refused or waits. */
  start() {
    this.#wanted = true
    this.#attempts = 0
    this.#resume()
  }

  /** Stops listening. */
  close() {
    this.#wanted = false
    this.#pause()
  }

  #pause() {
    clearTimeout(this.#timer)
    this.#abort?.abort()
    this.#abort = null
    this.#to('closed', null)
  }

  #resume() {
    if (!this.#wanted || document.hidden || this.#abort) return
    clearTimeout(this.#timer)
    this.#abort = new AbortController()
    this.#listen(this.#abort).catch((error) => this.#failed(error))
  }

  async #listen(abort) {
    this.#to('connecting', this.reason)
    const quiet = new Watchdog(silence, () => abort.abort())
    const parser = new EventParser()
    let reason = { code: 'unreachable', detail: 'The server does not answer.', remedy: 'It may be restarting, or this device may be offline.' }
    try {
      const response = await fetch(this.#path, {
        headers: { Accept: 'text/event-stream', ...authorization(), ...(this.#last && { 'Last-Event-ID': this.#last }) },
        cache: 'no-store', signal: abort.signal,
      })
      if (!response.ok) {
        reason = await reasonOf(response)
      } else {
        reason = { code: 'events_ended', detail: 'The server ended the event stream.' }
        this.#attempts = 0
        if (this.#abort === abort) this.#to('open', null)
        await this.#read(response.body, parser, quiet, abort)
      }
    } catch {
      // Said by reason already.
    } finally {
      quiet.stop()
    }
    if (this.#abort !== abort) return // given up meanwhile
    this.#abort = null
    this.#again(reason, parser.retry)
  }

  async #read(body, parser, quiet, abort) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || this.#abort !== abort) return
      quiet.feed()
      for (const event of parser.push(value)) this.#tell(event)
    }
  }

  #tell({ id, name, data }) {
    let parsed
    try {
      parsed = JSON.parse(data)
    } catch {
      return // not an event of ours
    }
    if (name === 'missed') {
      this.dispatchEvent(new CustomEvent('missed', { detail: parsed }))
      return
    }
    if (id) this.#last = id
    this.dispatchEvent(new CustomEvent('event', { detail: { id, name, data: parsed } }))
  }

  #again(reason, retry) {
    if (reason.status >= 400 && reason.status < 500 && ![408, 425, 429].includes(reason.status)) {
      this.#to('refused', reason)
      return
    }
    const backOff = Math.max(retry ?? 0, Math.min(lastBackOff, firstBackOff * 2 ** this.#attempts++)) * (0.75 + Math.random() / 2)
    this.#timer = setTimeout(() => this.#resume(), Math.max(backOff, reason.retryAfter ?? 0))
    this.#to('waiting', reason)
  }

  #failed(error) {
    this.#abort = null
    this.#again({ code: 'events_failed', detail: `The event stream could not be read: ${error.message}.` })
  }

  #to(state, reason) {
    const same = this.state === state && this.reason?.code === reason?.code
    this.state = state
    this.reason = reason
    if (!same) this.dispatchEvent(new CustomEvent('statechange', { detail: { state, reason } }))
  }
}

/** Calls a function when it was not fed for so many milliseconds. */
class Watchdog {
  #timer = 0
  #patience
  #bark
  constructor(patience, bark) {
    this.#patience = patience
    this.#bark = bark
    this.feed()
  }

  feed() {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#bark, this.#patience)
  }

  stop() {
    clearTimeout(this.#timer)
  }
}
