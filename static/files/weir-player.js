/**
 * `<weir-player>`: a live stream as an element, for any page. It plays by whep.js and says in words why nothing plays.
 *
 *     <script type="module" src="https://weir.example/static/weir-player.js"></script>
 *     <weir-player stream="test" autoplay muted></weir-player>
 *
 * Its size is the page's business; without one it is as wide as its container, 16 to 9. A page with a
 * Content-Security-Policy needs the server in `script-src` and `connect-src`; nothing in it is inline.
 *
 * @module weir-player
 */
import { WHEPPlayer } from './whep.js'
import { words } from './words.js'

/** Milliseconds without a new picture after which the element says so. */
const stallAfter = 4_000

const sheet = new CSSStyleSheet()
sheet.replaceSync(`
  :host { display: block; position: relative; width: 100%; aspect-ratio: 16 / 9; overflow: hidden; background: #0a0c0d; color: #f3f5f5;
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
  :host([hidden]) { display: none; }
  video { display: block; width: 100%; height: 100%; object-fit: contain; }
  [part=curtain] { position: absolute; inset: 0; display: grid; align-content: safe center; justify-items: center; gap: .6rem; padding: 1rem;
    box-sizing: border-box; overflow: auto; text-align: center; background: rgb(10 12 13 / .82); }
  [hidden] { display: none !important; }
  p { margin: 0; max-width: 34rem; overflow-wrap: anywhere; text-wrap: pretty; }
  p:empty { display: none; }
  [part=headline] { font-size: 1.1em; font-weight: 600; }
  [part=detail] { color: #c3cbce; }
  button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .4rem 1.1rem; border: 0; border-radius: 999px;
    background: #f3f5f5; color: #14181a; cursor: pointer; }
  button:focus-visible { outline: 3px solid #8fe3e9; outline-offset: 2px; }
  [part=spinner] { width: 1.75rem; height: 1.75rem; box-sizing: border-box; border: 3px solid rgb(255 255 255 / .22); border-top-color: #fff;
    border-radius: 50%; animation: turn .9s linear infinite; }
  @keyframes turn { to { transform: rotate(1turn); } }
  @media (prefers-reduced-motion: reduce) { [part=spinner] { animation-duration: 4s; } }
`)

/**
 * The element.
 *
 * @element weir-player
 *
 * @attr {string} src the stream's WHEP endpoint, relative to the page; wins over `stream`
 * @attr {string} stream the stream's name on the server that this module came from
 * @attr {boolean} autoplay begins by itself, and again whenever the element comes into a page. Browsers allow that only
 *   with `muted`, or to pages that the user has used before; else a button says "Play"
 * @attr {boolean} muted without sound at first; the property `video.muted` tells how it is now
 * @attr {boolean} controls the browser's own controls
 * All of them may be changed at any time. Each is a property of the same name, too.
 *
 * @prop {string} token bearer token for a private stream, '' for none; no attribute, as it would stand in the page
 * @prop {WHEPPlayer|null} player what plays; null while nothing is to play
 * @prop {HTMLVideoElement} video the picture
 * @prop {import('./whep.js').State} state `idle` while nothing is to play
 * @prop {import('./whep.js').Reason|null} reason why nothing plays; null while something does
 *
 * @fires statechange when `state` or `reason` changes; detail `{state, reason, retryAt}`
 * @fires track for each track of each session; detail `{track, transceiver, title}`
 * @fires refused for each refusal of the server, also those that it says to retry; detail the Reason
 * @fires restarted after an ICE restart
 * Each is the event of whep.js, sent again from the element; none bubbles.
 *
 * @csspart video the picture; `object-fit` is `contain`
 * @csspart curtain lies over the picture while nothing plays
 * @csspart spinner turns in the curtain while something is under way
 * @csspart headline what is the matter, in a few words
 * @csspart detail the same in a sentence or two, and what can be done
 * @csspart button goes on, or tries again
 */
export class WeirPlayer extends HTMLElement {
  static observedAttributes = ['src', 'stream', 'muted', 'controls', 'autoplay']

  /** @type {WHEPPlayer|null} */
  #player = null
  #video = document.createElement('video')
  #curtain = part('div', 'curtain')
  #spinner = part('div', 'spinner')
  #headline = part('p', 'headline')
  #detail = part('p', 'detail')
  #button = part('button', 'button')
  #token = ''
  #blocked = false
  #pictureAt = 0
  #connectingSince = 0
  #timer = 0

  constructor() {
    super()
    const shadow = this.attachShadow({ mode: 'open' })
    shadow.adoptedStyleSheets = [sheet]
    Object.assign(this.#video, { playsInline: true, autoplay: true })
    this.#video.setAttribute('part', 'video')
    this.#video.setAttribute('aria-label', 'Live stream')
    this.#spinner.setAttribute('aria-hidden', 'true')
    this.#button.type = 'button'
    this.#headline.setAttribute('role', 'status')
    this.#curtain.append(this.#spinner, this.#headline, this.#detail, this.#button)
    shadow.append(this.#video, this.#curtain)
    this.#button.addEventListener('click', () => this.#press())
    for (const name of ['pause', 'playing']) this.#video.addEventListener(name, () => this.#show())
    // Without frame callbacks the clock of the video tells that it moves.
    if ('requestVideoFrameCallback' in this.#video) this.#watchPictures()
    else this.#video.addEventListener('timeupdate', () => this.#sawPicture())
  }

  get src() { return this.getAttribute('src') ?? '' }
  set src(value) { this.setAttribute('src', value) }

  get stream() { return this.getAttribute('stream') ?? '' }
  set stream(value) { this.setAttribute('stream', value) }

  get autoplay() { return this.hasAttribute('autoplay') }
  set autoplay(value) { this.toggleAttribute('autoplay', Boolean(value)) }

  get muted() { return this.hasAttribute('muted') }
  set muted(value) { this.toggleAttribute('muted', Boolean(value)) }

  get controls() { return this.hasAttribute('controls') }
  set controls(value) { this.toggleAttribute('controls', Boolean(value)) }

  get token() { return this.#token }
  set token(value) {
    this.#token = String(value ?? '')
    if (!this.#player) return
    this.#player.token = this.#token
    this.#player.retry()
  }

  get player() { return this.#player }
  get video() { return this.#video }
  get state() { return this.#player?.state ?? 'idle' }
  get reason() { return this.#player?.reason ?? null }

  /** Begins to play, or goes on where the video was paused. */
  play() {
    if (!this.#player) this.#open()
    else this.#playVideo()
  }

  /** Gives the session back. */
  stop() {
    const player = this.#player
    this.#player = null
    player?.close()
    clearInterval(this.#timer)
    this.#video.srcObject = null
    this.#show()
  }

  connectedCallback() {
    if (this.autoplay && !this.#player) this.#open()
    this.#show()
  }

  disconnectedCallback() {
    // An element that is only moved is back by then, and its session goes on.
    queueMicrotask(() => this.isConnected || this.stop())
  }

  attributeChangedCallback(name, before, value) {
    if (before === value) return
    if (name === 'muted') this.#video.muted = this.muted
    if (name === 'controls') this.#video.controls = this.controls
    if (name === 'autoplay' && this.autoplay && this.isConnected && !this.#player) this.#open()
    if (name === 'src' || name === 'stream') {
      const goOn = this.#player !== null || this.autoplay
      this.stop()
      if (goOn && this.isConnected) this.#open()
    }
    this.#show()
  }

  /** The WHEP endpoint; '' where neither attribute names one. */
  get #endpoint() {
    if (this.src) return new URL(this.src, this.baseURI).href
    return this.stream ? new URL(`../whep/${encodeURIComponent(this.stream)}`, import.meta.url).href : ''
  }

  #open() {
    const endpoint = this.#endpoint
    if (!endpoint) return
    const player = new WHEPPlayer(endpoint, { token: this.#token })
    this.#player = player
    player.addEventListener('statechange', () => {
      if (player !== this.#player) return
      if (player.state !== 'playing') this.#pictureAt = 0
      if (player.state === 'connecting') this.#connectingSince = performance.now()
      this.#show()
    })
    player.addEventListener('track', () => {
      if (this.#video.srcObject !== player.stream) this.#video.srcObject = player.stream
      this.#playVideo()
    })
    for (const name of ['statechange', 'track', 'refused', 'restarted']) {
      player.addEventListener(name, ({ detail }) => this.dispatchEvent(new CustomEvent(name, { detail })))
    }
    this.#timer = setInterval(() => this.#show(), 1000)
    player.start()
  }

  async #playVideo() {
    try {
      await this.#video.play()
      this.#blocked = false
    } catch (error) {
      this.#blocked = error.name === 'NotAllowedError'
    }
    this.#show()
  }

  #press() {
    if (this.#player && ['refused', 'waiting'].includes(this.#player.state)) this.#player.retry()
    else this.play()
  }

  #watchPictures() {
    this.#video.requestVideoFrameCallback(() => {
      this.#sawPicture()
      this.#watchPictures()
    })
  }

  #sawPicture() {
    if (this.state !== 'playing' || this.#video.srcObject !== this.#player.stream) return
    const first = this.#pictureAt === 0
    this.#pictureAt = performance.now()
    if (first) this.#show()
  }

  get #pictures() {
    const expected = this.#player.stream?.getVideoTracks().length > 0
    // A page that is not looked at is shown no pictures.
    const recent = this.#pictureAt > 0 && (document.hidden || performance.now() - this.#pictureAt < stallAfter)
    if (!expected || recent) return 'coming'
    return this.#pictureAt === 0 ? 'awaited' : 'stopped'
  }

  /** Puts the words into the curtain. What stays the same is not touched: a screen reader would say it again. */
  #show() {
    const said = this.#player
      ? words(this.#player, this.stream || nameIn(this.#endpoint), {
        pictures: this.#pictures, blocked: this.#blocked, hasToken: this.#token !== '',
        // The browser's own controls say it, and lie under the curtain.
        paused: this.#video.paused && this.#video.srcObject !== null && !this.controls,
        connectingFor: performance.now() - this.#connectingSince,
      })
      : { headline: this.#endpoint ? 'Not playing' : 'No stream is named', button: this.#endpoint && 'Play' }
    this.#curtain.hidden = !said.headline
    this.#spinner.hidden = !said.busy
    say(this.#headline, said.headline)
    say(this.#detail, [said.detail, said.remedy, said.countdown].filter(Boolean).join(' '))
    this.#button.hidden = !said.button
    if (said.button) say(this.#button, said.button)
  }
}

function part(name, part) {
  const element = document.createElement(name)
  element.setAttribute('part', part)
  return element
}

function say(element, text = '') {
  if (element.textContent !== text) element.textContent = text
}

/** The stream's name in /whep/{stream} or /{stream}/whep. */
function nameIn(endpoint) {
  const parts = new URL(endpoint).pathname.split('/').filter((part) => part && part !== 'whep')
  return decodeURIComponent(parts.at(-1) ?? '')
}

if (!customElements.get('weir-player')) customElements.define('weir-player', WeirPlayer)
