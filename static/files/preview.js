/**
 * A small live picture beside the choice of a device: of the stream that has the device already, else of a private stream
 * that is there for the preview alone and ends with it.
 *
 * @module preview
 */
import { authorization, call } from './api.js'
import { showReason } from './notice.js'
import { token } from './token.js'
import { WHEPPlayer } from './whep.js'

const element = (id) => document.getElementById(id)
const key = 'weir.preview'

/** Whether a stream is there for a preview alone. @param {string} name */
export function isPreview(name) {
  return /^preview-[0-9a-z]{8}$/.test(name)
}

/** The preview. Event `refused` with detail `{what, reason}`. */
export class Preview extends EventTarget {
  #start
  #player = null
  #picture = null
  #own = '' // name of the stream that was started for it
  #streams = []
  #kind = null
  #device = ''
  #turn = 0

  /** @param {() => {source: string, params: object}|null} start says what to start */
  constructor(start) {
    super()
    this.#start = start
    element('preview').addEventListener('click', () => this.#player ? this.stop() : this.#begin())
    addEventListener('pagehide', () => this.#leave())
    try {
      const left = sessionStorage.getItem(key) // of a page that crashed
      if (left) this.#end(left)
    } catch {
      // Then nothing is known of one.
    }
  }

  /** @param {object[]} streams as the API lists them */
  know(streams) { this.#streams = streams }

  /** @param {boolean} possible @param {object} kind @param {string} device '' for the first that works */
  offer(possible, kind, device) {
    if (this.#player && (this.#kind?.name !== kind?.name || this.#device !== device)) this.stop()
    this.#kind = kind
    this.#device = device
    element('preview').hidden = !possible && !this.#player
  }

  async #begin() {
    const turn = ++this.#turn
    showReason(element('preview-refusal'), null)
    const running = this.#streams.find(({ live, source }) => live && source?.kind === this.#kind?.name && source.params?.device === this.#device)
    const name = running?.name ?? await this.#borrow(turn)
    if (!name || turn !== this.#turn) return
    const player = this.#player = new WHEPPlayer(`/whep/${encodeURIComponent(name)}`, { token: token() || undefined })
    const video = this.#picture = Object.assign(document.createElement('video'), { id: 'preview-video', autoplay: true, muted: true, playsInline: true })
    video.setAttribute('aria-label', 'Preview of the device')
    element('preview-box').prepend(video)
    player.addEventListener('track', () => {
      if (this.#player !== player) return
      video.srcObject = player.stream
      video.play().catch(() => {})
    })
    player.addEventListener('statechange', () => this.#player === player && this.#say(name))
    player.start()
    this.#say(name)
  }

  /** Starts a private stream for the preview. @returns {Promise<string>} its name; '' where it is refused */
  async #borrow(turn) {
    const start = this.#start()
    if (!start) return ''
    const name = `preview-${crypto.randomUUID?.().slice(0, 8) ?? Math.random().toString(36).slice(2, 10)}`
    element('preview').setAttribute('aria-disabled', 'true')
    try {
      await call('POST', `/api/v1/streams/${name}`, { ...start, private: true })
      if (turn !== this.#turn) {
        this.#end(name)
        return ''
      }
      this.#own = name
      keep(name)
      return name
    } catch (error) {
      if (!error.reason) throw error
      showReason(element('preview-refusal'), error.reason)
      this.dispatchEvent(new CustomEvent('refused', { detail: { what: 'Preview', reason: error.reason } }))
      return ''
    } finally {
      element('preview').removeAttribute('aria-disabled')
    }
  }

  #say(name) {
    const { state, reason } = this.#player ?? {}
    element('preview-box').hidden = !this.#player
    element('preview').textContent = this.#player ? 'End the preview' : 'Preview'
    element('preview').setAttribute('aria-expanded', String(Boolean(this.#player)))
    const of = name && name === this.#own ? 'Seen by you alone.' : name ? `It is the picture of “${name}”.` : ''
    const words = { playing: of, connecting: 'Connecting to the picture.', waiting: 'Waiting for the picture.', refused: reason?.detail, interrupted: 'The connection is being repaired.' }[state] ?? ''
    if (element('preview-text').textContent !== words) element('preview-text').textContent = words
  }

  /** Ends it, and the stream that was started for it. */
  async stop() {
    this.#turn++
    this.#player?.close()
    this.#player = null
    this.#picture?.remove()
    this.#picture = null
    this.#say('')
    const own = this.#own
    this.#own = ''
    if (own) await this.#end(own)
  }

  async #end(name) {
    try {
      await call('DELETE', `/api/v1/streams/${name}`)
    } catch (error) {
      if (!error.reason) throw error // else it is gone, or the server is
    }
    keep('')
  }

  /** The page goes: its last request goes with it. */
  #leave() {
    if (!this.#own) return
    fetch(`/api/v1/streams/${this.#own}`, { method: 'DELETE', headers: authorization(), keepalive: true }).catch(() => {})
    keep('')
    this.#own = ''
    this.stop()
  }
}

function keep(name) {
  try {
    if (name) sessionStorage.setItem(key, name)
    else sessionStorage.removeItem(key)
  } catch {
    // Then a page that crashes leaves its stream behind.
  }
}
