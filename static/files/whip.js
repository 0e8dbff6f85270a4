/**
 * whip.js publishes a live stream by WHIP (RFC 9725) and goes on publishing it: it restarts ICE when the network changes,
 * makes a new session when the old one is gone, and gives the session back when the page is left. It needs nothing but
 * whep.js beside it; import it from any page:
 *
 *     <button id="go">Publish</button>
 *     <p id="words"></p>
 *     <script type="module">
 *       import { WHIPPublisher } from 'https://weir.example/static/whip.js'
 *
 *       const publisher = new WHIPPublisher('https://weir.example/whip/lobby', { token: 'TOKEN' })
 *       publisher.addEventListener('statechange', () => { words.textContent = publisher.reason?.detail ?? publisher.state })
 *       go.onclick = async () => publisher.start(await navigator.mediaDevices.getUserMedia({ video: true, audio: true }))
 *     </script>
 *
 * What to know:
 *
 * - Browsers give cameras, microphones and screens only to pages that came by HTTPS or from the machine itself.
 * - Sound goes as Opus, which every WebRTC endpoint takes (RFC 7874 3).
 * - The tracks stay the page's: whip.js stops none. To mute, set `track.enabled`; to change the device, `replaceTrack`.
 *   Neither needs a new session.
 * - Of a stream that somebody else publishes the server refuses a second publisher with 409. That is told and not tried
 *   again, but for a while after this one has lost its connection: the server may still hold the old session.
 * - A publisher with the same token takes the stream over. This one then stops and says so; it does not fight.
 *
 * @module whip
 */
import { askForStereo, lostConnection, noWebRTC, Refused, Session, unexpected, worthRetrying } from './whep.js'

/** @typedef {import('./whep.js').Reason} Reason its code may also be `no_media`, `no_codec`, `held`, `not_whip` or `taken_over` */

/**
 * @typedef {object} Options
 * @property {string} [token] bearer token, sent with each request (RFC 6750)
 * @property {AbortSignal} [signal] closes the publisher when aborted
 * @property {RTCIceServer[]} [iceServers] used besides those that the server names in Link fields
 * @property {string[]} [codecs] names of the video codecs to offer, the preferred one first: `['H264', 'VP8']`; without
 *   any all that the browser has, in its order
 * @property {number} [maxBitRate] of the video, bit/s; 0 leaves it to the browser
 * @property {number} [maxAudioBitRate] bit/s; 0 leaves it to the browser
 * @property {''|'motion'|'detail'|'text'} [contentHint] what the video shows: `motion` keeps the frame rate when bits are
 *   short, the others keep the resolution
 * @property {boolean} [stereo] sends both channels of the sound where it has two; true unless told
 * @property {boolean} [simulcast] sends the video in three sizes; false unless told
 * @property {number} [connectTimeout] milliseconds from the answer to the first connection; 12000
 * @property {number} [disconnectGrace] milliseconds a connection may be interrupted before ICE is restarted; 3000
 */

/**
 * - `idle`: not started, stopped, or given back when the page was left
 * - `connecting`: a session is being made; `reason` still says why the last one failed
 * - `publishing`: connected, media flows
 * - `interrupted`: the connection is broken, ICE is being restarted
 * - `waiting`: nothing is published, see `reason`; it is tried again at `retryAt`
 * - `refused`: nothing is published, see `reason`, and trying again by itself would not help: `retry()` does
 * - `closed`: `close()` was called; the publisher is of no use any more
 * @typedef {'idle'|'connecting'|'publishing'|'interrupted'|'waiting'|'refused'|'closed'} State
 */

const firstBackOff = 500
const lastBackOff = 10_000
/** A connection that held for this many milliseconds was a good one: the back-off begins anew. */
const goodFor = 10_000
/** For this many milliseconds after a connection was lost the server may hold its session: consent ends after 30 s (RFC 7675). */
const heldFor = 45_000

/** Reasons of the server for which a session is not to be made again by itself. */
const final = ['taken_over', 'ended_by_operator']

/**
 * Publishes what `start` is given, session after session.
 *
 * Events, each a CustomEvent:
 * - `statechange`, with detail `{state, reason, retryAt}`
 * - `refused`, with a {@link Reason} as detail, for each refusal of the server, also those that are tried again
 * - `restarted`, after an ICE restart
 */
export class WHIPPublisher extends EventTarget {
  #endpoint
  /** @type {Options} */
  #options
  /** @type {State} */
  #state = 'idle'
  /** @type {Reason|null} */
  #reason = null
  /** @type {Session|null} */
  #session = null
  /** @type {Map<'video'|'audio', MediaStreamTrack>} */
  #tracks = new Map()
  /** Those of the session, by kind. @type {Map<'video'|'audio', RTCRtpSender>} */
  #senders = new Map()
  #retryAt = 0
  #retryTimer = 0
  #attempts = 0
  #publishingSince = 0
  #lostAt = -Infinity
  #suspended = false
  #listeners = new AbortController()

  /**
   * Prepares a publisher; it does nothing before `start()`.
   * @param {string|URL} endpoint the stream's WHIP endpoint
   * @param {Options} [options]
   */
  constructor(endpoint, options = {}) {
    super()
    this.#endpoint = new URL(endpoint, document.baseURI).href
    this.#options = {
      iceServers: [], codecs: [], maxBitRate: 0, maxAudioBitRate: 0, contentHint: '', stereo: true, simulcast: false,
      connectTimeout: 12_000, disconnectGrace: 3_000, ...options,
    }
    const { signal } = this.#listeners
    addEventListener('pagehide', () => this.#suspend(), { signal })
    addEventListener('pageshow', (event) => event.persisted && this.#resume(), { signal })
    addEventListener('online', () => this.#state === 'waiting' && this.retry(), { signal })
    options.signal?.addEventListener('abort', () => this.close(), { signal })
    if (options.signal?.aborted) this.close()
  }

  /** @returns {State} */
  get state() { return this.#state }

  /** Why nothing is published; null while something is. @returns {Reason|null} */
  get reason() { return this.#reason }

  /** When it is tried again, in milliseconds as Date.now() counts; 0 if not. @returns {number} */
  get retryAt() { return this.#retryAt }

  /** The bearer token, '' for none. A new one is sent from the next request on: `retry()` makes that now. @returns {string} */
  get token() { return this.#options.token ?? '' }

  set token(token) { this.#options.token = token }

  /** The current session's connection, to look at. @returns {RTCPeerConnection|null} */
  get peerConnection() { return this.#session?.connection ?? null }

  /** Where the server of the current session can be reached. @returns {import('./whep.js').Candidate[]} */
  get candidates() { return this.#session?.candidates ?? [] }

  /**
   * Starts to publish the first video and the first audio track of a stream. While something is published that is
   * replaced, see `replaceTrack`.
   * @param {MediaStream} stream
   */
  start(stream) {
    if (this.#state === 'closed') return
    this.#tracks.clear()
    for (const track of [stream.getVideoTracks()[0], stream.getAudioTracks()[0]]) {
      if (track) this.#keep(track.kind, track)
    }
    this.#attempts = 0
    this.#connect()
  }

  /**
   * Changes options. Bit rates and content hint hold from now on, the others from the next session on: `retry()` makes
   * that now.
   * @param {Options} options
   */
  configure(options) {
    Object.assign(this.#options, options)
    const video = this.#tracks.get('video')
    if (video) video.contentHint = this.#options.contentHint
    for (const kind of this.#senders.keys()) this.#limit(kind).catch(() => {}) // a session that ends has no limits
  }

  /** Tries again now, whatever went wrong before; a session that works is given up for a new one, and viewers stay. */
  retry() {
    if (this.#state !== 'closed' && this.#tracks.size > 0) this.#connect()
  }

  /**
   * Sends another track from now on, or nothing of that kind. Viewers see no break. Only a kind that the session does not
   * have yet takes a new one.
   * @param {'video'|'audio'} kind
   * @param {MediaStreamTrack|null} track
   * @returns {Promise<void>} rejected where the browser cannot send the track in the place of the other
   */
  async replaceTrack(kind, track) {
    this.#keep(kind, track)
    const sender = this.#senders.get(kind)
    if (sender) await sender.replaceTrack(track)
    else if (track && this.#session) this.#connect()
  }

  /**
   * Restarts ICE (RFC 9725 4.3.2), as happens by itself when the connection fails. Media goes on meanwhile if it can.
   * @returns {Promise<void>} settled when the session was told, or was given up for a new one
   */
  async restartICE() {
    if (this.#session && ['publishing', 'interrupted'].includes(this.#state)) await this.#restart(this.#session)
  }

  /** Ends the session. `start` begins anew. */
  stop() {
    if (this.#state === 'closed') return
    this.#drop()
    this.#suspended = false
    this.#to('idle', null)
  }

  /** Ends the session and the publisher. */
  close() {
    if (this.#state === 'closed') return
    this.#drop()
    this.#listeners.abort()
    this.#to('closed', null)
  }

  #keep(kind, track) {
    if (track) this.#tracks.set(kind, track)
    else this.#tracks.delete(kind)
    if (track && kind === 'video') track.contentHint = this.#options.contentHint
  }

  async #connect() {
    this.#drop()
    if (typeof RTCPeerConnection === 'undefined' || this.#tracks.size === 0) {
      this.#to('refused', this.#tracks.size === 0 ? noMedia : noWebRTC)
      return
    }
    this.#to('connecting', this.#reason)
    const purpose = {
      protocol: 'WHIP',
      prepare: (connection) => this.#prepare(connection),
      describe: (offer) => this.#options.stereo ? askForStereo(offer) : offer,
    }
    const session = new Session(this.#endpoint, { ...this.#options, ...purpose }, {
      connected: () => this.#connected(session),
      held: () => this.#session === session && this.#state === 'connecting' && this.#to('connecting', held),
      interrupted: () => this.#session === session && this.#restart(session),
      lost: (reason) => this.#session === session && this.#lost(session, reason),
    })
    this.#session = session
    try {
      await session.open()
    } catch (error) {
      if (this.#session === session) this.#failed(error instanceof Refused ? error.reason : unexpected(error))
    }
  }

  /** Adds what is sent, as one stream: its sound and picture belong together. */
  #prepare(connection) {
    const stream = new MediaStream()
    for (const [kind, track] of this.#tracks) {
      const transceiver = connection.addTransceiver(track, {
        direction: 'sendonly', streams: [stream], sendEncodings: this.#encodings(kind),
      })
      if (kind === 'audio') prefer(transceiver, ['opus'])
      else if (this.#options.codecs.length > 0) prefer(transceiver, this.#options.codecs)
      this.#senders.set(kind, transceiver.sender)
    }
  }

  #encodings(kind) {
    const layers = kind === 'video' && this.#options.simulcast ? simulcastLayers : [{}]
    return limited(layers.map((layer) => ({ ...layer })), this.#rateOf(kind))
  }

  async #limit(kind) {
    const sender = this.#senders.get(kind)
    const parameters = sender.getParameters()
    limited(parameters.encodings, this.#rateOf(kind))
    await sender.setParameters(parameters)
  }

  #rateOf(kind) {
    return kind === 'video' ? this.#options.maxBitRate : this.#options.maxAudioBitRate
  }

  #connected(session) {
    if (this.#session !== session || this.#state === 'publishing') return
    this.#publishingSince = Date.now()
    this.#to('publishing', null)
  }

  async #restart(session) {
    if (!session.works) this.#to('interrupted', lostConnection)
    try {
      await session.restart()
      if (this.#session === session) this.dispatchEvent(new CustomEvent('restarted'))
    } catch (error) {
      if (this.#session !== session) return
      if (this.#gone(error.reason)) return
      // The server may not know restarts, or not know the session any more: a new one serves as well.
      if (!session.works) this.#lost(session, lostConnection)
    }
  }

  /** Gives up where the session was ended for good, and says whether it was. @param {Reason|null|undefined} reason */
  #gone(reason) {
    if (!final.includes(reason?.code)) return false
    this.#drop()
    this.#to('refused', reason)
    return true
  }

  /** @param {Session} session @param {Reason} reason why it is of no use any more */
  async #lost(session, reason) {
    if (reason.code === 'session_ended') {
      const why = await session.whyEnded()
      if (this.#session !== session) return
      if (this.#gone(why)) return
    }
    this.#lostAt = Date.now()
    this.#again(reason)
  }

  /** @param {Reason} reason why the session could not be made */
  #failed(reason) {
    if (reason.status) this.dispatchEvent(new CustomEvent('refused', { detail: reason }))
    const published = reason.status === 409 && Date.now() - this.#lostAt > heldFor
    if (worthRetrying(reason) && !published) {
      this.#again(reason)
      return
    }
    this.#drop()
    this.#to('refused', reason)
  }

  /** @param {Reason} reason why a new session is needed */
  #again(reason) {
    this.#drop()
    if (this.#publishingSince && Date.now() - this.#publishingSince > goodFor) this.#attempts = 0
    this.#publishingSince = 0
    const backOff = Math.min(lastBackOff, firstBackOff * 2 ** this.#attempts++)
    // Publishers that were cut off together must not come back together.
    const delay = reason.retryAfter === undefined
      ? backOff * (0.75 + Math.random() / 2)
      : reason.retryAfter + Math.random() * 250
    this.#retryAt = Date.now() + delay
    this.#retryTimer = setTimeout(() => this.#connect(), delay)
    this.#to('waiting', reason)
  }

  /** Gives the session and a planned attempt up. */
  #drop(leaving = false) {
    clearTimeout(this.#retryTimer)
    this.#retryAt = 0
    const session = this.#session
    this.#session = null
    this.#senders.clear()
    // The server may hear of the end after the next offer.
    if (this.#state === 'publishing' || this.#state === 'interrupted') this.#lostAt = Date.now()
    session?.end(leaving)
  }

  #suspend() {
    if (['closed', 'idle', 'refused'].includes(this.#state)) return
    this.#drop(true)
    this.#suspended = true
    this.#to('idle', null)
  }

  #resume() {
    if (!this.#suspended) return
    this.#suspended = false
    this.#attempts = 0
    this.#connect()
  }

  #to(state, reason) {
    this.#state = state
    this.#reason = reason
    this.dispatchEvent(new CustomEvent('statechange', { detail: { state, reason, retryAt: this.#retryAt } }))
  }
}

/** @type {Reason} */
const held = {
  code: 'held', detail: 'The server has not answered yet: it may hold the request until the stream is free.', remedy: 'It begins by itself then.',
}

/** @type {Reason} */
const noMedia = { code: 'no_media', detail: 'There is nothing to publish.', remedy: 'Choose a camera, a microphone or a screen.' }

/** From the smallest to the largest; part is that of the bit rate. */
const simulcastLayers = [
  { rid: 'l', scaleResolutionDownBy: 4 }, { rid: 'm', scaleResolutionDownBy: 2 }, { rid: 'h', scaleResolutionDownBy: 1 },
]
const partOf = { l: 0.08, m: 0.22, h: 0.7 }

/** Puts the bit rate into encodings, which it also returns; 0 takes it out. */
function limited(encodings, rate) {
  for (const encoding of encodings) {
    if (rate > 0) encoding.maxBitrate = Math.round(rate * (partOf[encoding.rid] ?? 1))
    else delete encoding.maxBitrate
  }
  return encodings
}

/** Offers the named codecs alone, in this order, and their retransmissions (RFC 4588). */
function prefer(transceiver, names) {
  const { codecs } = RTCRtpSender.getCapabilities(transceiver.sender.track.kind)
  const wanted = names.flatMap((name) => codecs.filter((codec) => nameOf(codec) === name))
  if (wanted.length === 0) {
    throw new Refused({
      code: 'no_codec', detail: `This browser cannot send ${names.join(' or ')}.`, remedy: 'Choose another codec, or leave the choice to the browser.',
    })
  }
  transceiver.setCodecPreferences([...wanted, ...codecs.filter((codec) => nameOf(codec).toLowerCase() === 'rtx')])
}

function nameOf({ mimeType }) {
  return mimeType.slice(mimeType.indexOf('/') + 1)
}

/**
 * The video codecs that this browser can send.
 * @returns {string[]} `['VP8', 'H264', …]`, in the browser's order
 */
export function sendable() {
  const codecs = globalThis.RTCRtpSender?.getCapabilities?.('video')?.codecs ?? []
  return [...new Set(codecs.map(nameOf))].filter((name) => !/^(rtx|red|ulpfec|flexfec-03)$/i.test(name))
}
