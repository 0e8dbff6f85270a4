/**
 * The picture of the page at /: one player at a time, and what stands around it.
 *
 * @module screen
 */
import { token } from './token.js'
import { WHEPPlayer } from './whep.js'
import { badgeWord, words } from './words.js'

/** Milliseconds without a new picture after which the page says so. */
const stallAfter = 4_000
/** The same where the page knows that nothing feeds the stream. */
const stallUnfed = 1_000
const element = (id) => document.getElementById(id)

/**
 * Plays one stream into the page's stage. Events: `statechange` with detail `{state, reason, name}`; `picture` when the
 * first picture of a session is shown, with detail milliseconds since the connection was begun; `stream` when there is
 * another MediaStream.
 */
export class Screen extends EventTarget {
  /** The stream that is connected to, or to be connected to; '' for none. */
  name = ''
  /** @type {WHEPPlayer|null} */
  player = null
  /** Whether something feeds the stream, where the page knows. @type {boolean|undefined} */
  fed
  /** Whether sound arrives. */
  hears = false
  #video = element('video')
  #pictureAt = 0
  #connectingSince = 0
  #blocked = false
  #announced = ''
  #wanted = '' // the name that Connect would take

  constructor() {
    super()
    const video = this.#video
    if ('requestVideoFrameCallback' in video) this.#watchPictures()
    else video.addEventListener('timeupdate', () => this.#picture())
    for (const event of ['pause', 'playing']) video.addEventListener(event, () => this.show())
    document.addEventListener('visibilitychange', () => {
      if (this.#pictureAt > 0) this.#pictureAt = performance.now()
      this.show()
    })
    element('again').addEventListener('click', () => this.player?.state === 'playing' ? this.#play() : this.player?.retry())
    element('sound-prompt').addEventListener('click', () => this.#mute(false))
    element('mute').addEventListener('click', () => this.#mute(!video.muted))
    element('fullscreen').addEventListener('click', () => this.#fullscreen())
    video.addEventListener('dblclick', () => this.#fullscreen())
    setInterval(() => this.show(), 1000)
    this.show()
  }

  /** Whether a stream is played, or waited for. */
  get connected() { return this.player !== null }

  /** The name that the page would connect to. */
  set wanted(name) {
    this.#wanted = name
    this.show()
  }

  /** Plays a stream instead of the one that is played. @param {string} name */
  connect(name) {
    this.disconnect()
    this.name = name
    const player = new WHEPPlayer(`/whep/${encodeURIComponent(name)}`, { token: token() || undefined })
    this.player = player
    player.addEventListener('statechange', () => this.player === player && this.#changed())
    player.addEventListener('track', ({ detail }) => this.player === player && this.#track(detail))
    player.start()
  }

  /** Gives the session back. */
  disconnect() {
    const { player } = this
    if (!player) return
    this.player = null
    this.name = ''
    player.close()
    this.#pictureAt = 0
    this.#video.srcObject = null
    element('note').hidden = true
    this.dispatchEvent(new CustomEvent('stream'))
    this.show()
  }

  /** What is played now. @returns {MediaStream|null} */
  get stream() { return this.#video.srcObject }

  #changed() {
    const { state, reason } = this.player
    if (state !== 'playing') this.#pictureAt = 0
    if (state === 'connecting') this.#connectingSince = performance.now()
    this.dispatchEvent(new CustomEvent('statechange', { detail: { state, reason, name: this.name } }))
    this.show()
  }

  #track({ track, title }) {
    const { stream } = this.player
    const note = element('note')
    if (this.#video.srcObject !== stream) {
      this.#video.srcObject = stream
      note.hidden = true
    }
    if (title) {
      note.textContent = title
      note.hidden = false
    }
    if (track.kind === 'audio') element('mute').disabled = false
    this.#play()
    this.dispatchEvent(new CustomEvent('stream'))
  }

  async #play() {
    try {
      await this.#video.play()
      this.#blocked = false
    } catch (error) {
      this.#blocked = error.name === 'NotAllowedError'
    }
    this.show()
  }

  #watchPictures() {
    this.#video.requestVideoFrameCallback(() => {
      this.#picture()
      this.#watchPictures()
    })
  }

  #picture() {
    if (this.player?.state !== 'playing' || this.#video.srcObject !== this.player.stream) return
    const first = this.#pictureAt === 0
    this.#pictureAt = performance.now()
    if (!first) return
    this.dispatchEvent(new CustomEvent('picture', { detail: this.#pictureAt - this.#connectingSince }))
    this.show()
  }

  #pictures() {
    const expected = this.player.stream?.getVideoTracks().length > 0
    if (!expected) return 'coming' // sound alone
    if (this.#pictureAt === 0) return 'awaited'
    // A page that is not looked at is shown no pictures.
    const stall = this.fed === false ? stallUnfed : stallAfter
    return document.hidden || performance.now() - this.#pictureAt < stall ? 'coming' : 'stopped'
  }

  #words() {
    if (!this.player) {
      return this.#wanted
        ? { headline: 'Not connected', detail: `Press Connect to watch “${this.#wanted}”.` }
        : { headline: 'Not connected', detail: 'Choose a stream first.' }
    }
    const facts = this.#facts()
    if (this.player.state === 'playing' && facts.pictures !== 'coming' && this.fed === false) {
      return { headline: `Nothing feeds “${this.name}” now`, detail: 'It goes on here by itself as soon as something does.', busy: true, word: 'Waiting' }
    }
    return { ...words(this.player, this.name, facts), word: badgeWord(this.player.state, facts) }
  }

  #facts() {
    return {
      pictures: this.#pictures(), sound: this.hears, blocked: this.#blocked, paused: this.#video.paused, hasToken: Boolean(token()),
      connectingFor: performance.now() - this.#connectingSince,
    }
  }

  /** Puts the words into the page. What stays the same is not touched: a screen reader would say it again. */
  show() {
    const said = this.#words()
    const state = this.player?.state ?? 'idle'
    const playing = state === 'playing' && !said.headline
    const stage = element('stage')
    stage.dataset.state = playing ? 'playing' : 'curtain'
    stage.toggleAttribute('data-busy', Boolean(said.busy))
    if (!playing) for (const part of ['headline', 'detail', 'remedy']) say(part, said[part])
    say('countdown', said.countdown)
    element('again').hidden = !said.button
    if (said.button) say('again', said.button)
    showLists(said.lists ?? {})

    const badge = element('badge')
    badge.dataset.state = state === 'playing' && !playing ? 'connecting' : state
    say('badge-word', playing ? `Playing “${this.name}”` : said.word ?? 'Not connected')
    this.#announce(!this.player ? '' : playing ? 'Playing' : [`${said.headline}.`, said.detail, said.remedy].filter(Boolean).join(' '))

    const sound = this.player?.stream?.getAudioTracks().length > 0
    element('sound-prompt').hidden = !(playing && sound && this.#video.muted)
    element('mute').disabled = !sound
    element('mute').setAttribute('aria-pressed', String(!this.#video.muted))
  }

  /** Others announce as well: only what is new here is said. */
  #announce(text) {
    if (text === this.#announced) return
    this.#announced = text
    if (text) say('announcement', text)
  }

  #mute(muted) {
    this.#video.muted = muted
    if (this.#blocked || this.#video.paused) this.#play()
    this.show()
    if (element('sound-prompt').hidden && document.activeElement === document.body) element('mute').focus({ focusVisible: false })
  }

  #fullscreen() {
    const screen = element('screen')
    if (document.fullscreenElement) document.exitFullscreen()
    else if (screen.requestFullscreen) screen.requestFullscreen()
    else this.#video.webkitEnterFullscreen?.() // iPhones show only videos on the full screen
  }
}

function say(id, text = '') {
  const target = element(id)
  if (target.textContent !== text) target.textContent = text
}

function showLists(lists) {
  const rows = Object.entries(lists).filter(([, values]) => values?.length)
  const list = element('lists'), key = JSON.stringify(rows)
  if (list.dataset.key === key) return
  list.dataset.key = key
  list.hidden = rows.length === 0
  list.replaceChildren(...rows.flatMap(([term, values]) => [
    Object.assign(document.createElement('dt'), { textContent: term }),
    Object.assign(document.createElement('dd'), { textContent: values.join(', ') }),
  ]))
}
