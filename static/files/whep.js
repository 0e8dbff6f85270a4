/**
 * whep.js plays a live stream by WHEP (draft-ietf-wish-whep) and goes on playing it: it waits for a stream that is not
 * there yet, restarts ICE when the network changes, makes a new session when the old one is gone, and gives the
 * session back when the page is left. One file, no dependencies; import it from any page:
 *
 *     <video id="video" autoplay muted playsinline></video>
 *     <p id="words"></p>
 *     <script type="module">
 *       import { WHEPPlayer } from 'https://weir.example/static/whep.js'
 *
 *       const player = new WHEPPlayer('https://weir.example/whep/test')
 *       player.addEventListener('track', () => { video.srcObject = player.stream })
 *       player.addEventListener('statechange', () => { words.textContent = player.reason?.detail ?? player.state })
 *       player.start()
 *     </script>
 *
 * What to know:
 *
 * - `stream` is a new object with each session: set `srcObject` anew at `track`, as above.
 * - Browsers begin by themselves only without sound: keep `muted` until somebody has pressed something.
 * - A page with a Content-Security-Policy needs the server in `script-src` and `connect-src`; nothing else.
 * - A page served by HTTPS can use only a server that is, too; one on the same machine (localhost) excepted.
 * - Other WHEP servers are played as well, if they let the page read `Location` (`Access-Control-Expose-Headers`).
 * - weir-player.js, beside this file, is an element made of it: `<weir-player stream="test" autoplay muted>`.
 *
 * Exported besides the player are what whip.js, the publisher beside this file, is made of as well: a session, and
 * functions on session descriptions, which need no browser.
 *
 * @module whep
 */

/**
 * Why nothing plays: what the server's problem document said (RFC 9457), or what happened here.
 * @typedef {object} Reason
 * @property {string} code a stable word: the server's, or one of `unreachable`, `no_webrtc`, `not_whep`,
 *   `ice_failed`, `dtls_failed`, `connection_lost`, `session_ended`, `browser_refused`
 * @property {string} detail what is the matter, as a sentence
 * @property {string} [remedy] what can be done about it
 * @property {number} [status] the HTTP status
 * @property {number} [retryAfter] milliseconds the server asks to wait
 * @property {string[]} [offered] what this browser offered
 * @property {string[]} [has] what the stream has
 * @property {string} [request] the request's id, for the server's log
 * @property {Candidate[]} [candidates] the server's addresses that were tried
 */

/**
 * An address of the server (RFC 8839 5.1).
 * @typedef {object} Candidate
 * @property {string} address
 * @property {number} port
 * @property {string} protocol `udp` or `tcp`
 * @property {string} type `host`, `srflx`, `prflx` or `relay`
 */

/**
 * @typedef {object} Options
 * @property {string} [token] bearer token, sent with each request (RFC 6750); a private stream asks for one
 * @property {AbortSignal} [signal] closes the player when aborted
 * @property {RTCIceServer[]} [iceServers] used besides those that the server names in Link fields
 * @property {('video'|'audio')[]} [kinds] what to ask for; both unless told
 * @property {number} [connectTimeout] milliseconds from the answer to the first connection; 12000
 * @property {number} [disconnectGrace] milliseconds a connection may be interrupted before ICE is restarted; 3000
 */

/**
 * - `idle`: not started, or given back when the page was left
 * - `connecting`: a session is being made; `reason` still says why the last one failed
 * - `playing`: connected, media may flow
 * - `interrupted`: the connection is broken, ICE is being restarted
 * - `waiting`: nothing plays, see `reason`; it is tried again at `retryAt`
 * - `refused`: nothing plays, see `reason`, and trying again by itself would not help: `retry()` does
 * - `closed`: `close()` was called; the player is of no use any more
 * @typedef {'idle'|'connecting'|'playing'|'interrupted'|'waiting'|'refused'|'closed'} State
 */

const sdpType = 'application/sdp'
const fragmentType = 'application/trickle-ice-sdpfrag'
const requestTimeout = 15_000
/** A server may hold an offer for a minute, until somebody publishes or the stream is free. */
const heldTimeout = 75_000
/** Milliseconds after which a server that has not answered an offer is asked whether it holds it. */
const heldAfter = 1_000
/** Seconds for which a server is asked to hold its answer until the stream is live. */
const awaited = 20
/** A browser has six connections to a server of HTTP/1.1: players that wait must leave some of them. */
const mostAwaiting = 3
let awaiting = 0
const restartTimeout = 8_000
/** Candidates that come within this many milliseconds go in one PATCH. */
const trickleDelay = 20
const firstBackOff = 500
const lastBackOff = 10_000
/** A connection that held for this long was a good one: the back-off begins anew. */
const goodFor = 10_000

/**
 * Plays one stream into `stream`, session after session.
 *
 * Events, each a CustomEvent:
 * - `statechange`, with detail `{state, reason, retryAt}`
 * - `track`, with detail `{track, transceiver, title}`, for each track of each session; `title` is what the stream's
 *   publisher calls it
 * - `refused`, with a {@link Reason} as detail, for each refusal of the server, also those that it says to retry
 * - `restarted`, after an ICE restart
 */
export class WHEPPlayer extends EventTarget {
  #endpoint
  #options
  /** @type {State} */
  #state = 'idle'
  /** @type {Reason|null} */
  #reason = null
  /** @type {Session|null} */
  #session = null
  /** @type {MediaStream|null} */
  #stream = null
  #retryAt = 0
  #retryTimer = 0
  /** The question whether the stream is live yet, while it is under way. @type {AbortController|null} */
  #awaiting = null
  /** The last attempt was made since the stream was said to be live. */
  #hurried = false
  #attempts = 0
  #playingSince = 0
  #suspended = false
  #listeners = new AbortController()

  /**
   * Prepares a player; it does nothing before `start()`.
   * @param {string|URL} endpoint the stream's WHEP endpoint
   * @param {Options} [options]
   */
  constructor(endpoint, options = {}) {
    super()
    this.#endpoint = new URL(endpoint, document.baseURI).href
    this.#options = {
      kinds: ['video', 'audio'], iceServers: [], connectTimeout: 12_000, disconnectGrace: 3_000, ...options,
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

  /** Why nothing plays; null while something does. @returns {Reason|null} */
  get reason() { return this.#reason }

  /**
   * When it is tried again at the earliest, in milliseconds as Date.now() counts; 0 if not. For a stream that is not live
   * it may be as soon as that is.
   * @returns {number}
   */
  get retryAt() { return this.#retryAt }

  /** The tracks of the current session; a new object with each session, null before. @returns {MediaStream|null} */
  get stream() { return this.#stream }

  /** The bearer token, '' for none. A new one is sent from the next request on: `retry()` makes that now. @returns {string} */
  get token() { return this.#options.token ?? '' }

  set token(token) { this.#options.token = token }

  /** The current session's connection, to look at. @returns {RTCPeerConnection|null} */
  get peerConnection() { return this.#session?.connection ?? null }

  /** Where the server of the current session can be reached. @returns {Candidate[]} */
  get candidates() { return this.#session?.candidates ?? [] }

  /** Starts to play, once. */
  start() {
    if (this.#state === 'idle') this.#connect()
  }

  /** Tries again now, whatever went wrong before; a session that plays is given up for a new one. */
  retry() {
    if (this.#state !== 'closed') this.#connect()
  }

  /**
   * Restarts ICE (RFC 9725 4.3.3), as happens by itself when the connection fails. Media goes on meanwhile if it can.
   * @returns {Promise<void>} settled when the session was told, or was given up for a new one
   */
  async restartICE() {
    if (this.#session && (this.#state === 'playing' || this.#state === 'interrupted')) await this.#restart(this.#session)
  }

  /** Ends the session and the player. */
  close() {
    if (this.#state === 'closed') return
    this.#drop()
    this.#listeners.abort()
    this.#to('closed', null)
  }

  async #connect() {
    this.#drop()
    if (typeof RTCPeerConnection === 'undefined') {
      this.#to('refused', noWebRTC)
      return
    }
    this.#to('connecting', this.#reason)
    this.#stream = new MediaStream()
    const session = new Session(this.#endpoint, { ...this.#options, ...playing(this.#options.kinds) }, {
      connected: () => this.#connected(session),
      held: () => this.#session === session && this.#state === 'connecting' && this.#to('connecting', notLive),
      interrupted: () => this.#session === session && this.#restart(session),
      lost: (reason) => this.#session === session && this.#again(reason),
      track: (detail) => this.#session === session && this.#track(detail),
    })
    this.#session = session
    try {
      await session.open()
    } catch (error) {
      if (this.#session === session) this.#failed(error instanceof Refused ? error.reason : unexpected(error))
    }
  }

  #connected(session) {
    if (this.#session !== session || this.#state === 'playing') return
    this.#playingSince = Date.now()
    this.#to('playing', null)
  }

  #track(detail) {
    this.#stream.addTrack(detail.track)
    this.dispatchEvent(new CustomEvent('track', { detail }))
  }

  async #restart(session) {
    if (!session.works) this.#to('interrupted', lostConnection)
    try {
      await session.restart()
      if (this.#session === session) this.dispatchEvent(new CustomEvent('restarted'))
    } catch {
      // The server may not know restarts, or not know the session any more: a new one serves as well.
      if (this.#session === session && !session.works) this.#again(lostConnection)
    }
  }

  /** @param {Reason} reason why the session could not be made */
  #failed(reason) {
    if (reason.status) this.dispatchEvent(new CustomEvent('refused', { detail: reason }))
    if (worthRetrying(reason)) {
      this.#again(reason)
      return
    }
    this.#drop()
    this.#to('refused', reason)
  }

  /** @param {Reason} reason why a new session is needed */
  #again(reason) {
    this.#drop()
    if (this.#playingSince && Date.now() - this.#playingSince > goodFor) this.#attempts = 0
    this.#playingSince = 0
    const backOff = Math.min(lastBackOff, firstBackOff * 2 ** this.#attempts++)
    // Viewers that were cut off together must not come back together.
    const delay = reason.retryAfter === undefined
      ? backOff * (0.75 + Math.random() / 2)
      : reason.retryAfter + Math.random() * 250
    this.#retryAt = Date.now() + delay
    if (reason.code === 'stream_not_live' && !this.#hurried && awaiting < mostAwaiting) this.#awaitLive(delay)
    else this.#retryTimer = setTimeout(() => this.#connect(), delay)
    this.#hurried = false
    this.#to('waiting', reason)
  }

  /**
   * Tries again when the server says that the stream is live. One that does not hold its answer until then, or knows no
   * such question, is asked by trying again, as it wants it: not before the delay is over.
   */
  async #awaitLive(delay) {
    const asking = new AbortController()
    this.#awaiting = asking
    const begun = Date.now()
    const giveUp = setTimeout(() => asking.abort(), awaited * 1000 + requestTimeout)
    awaiting++
    const facts = await factsOf(this.#endpoint, this.token, asking.signal, awaited)
    awaiting--
    clearTimeout(giveUp)
    if (this.#awaiting !== asking) return
    this.#hurried = facts?.live === true
    this.#retryTimer = setTimeout(() => this.#connect(), this.#hurried ? 0 : delay - (Date.now() - begun))
  }

  /** Gives the session and a planned attempt up. */
  #drop(leaving = false) {
    clearTimeout(this.#retryTimer)
    this.#awaiting?.abort()
    this.#awaiting = null
    this.#retryAt = 0
    const session = this.#session
    this.#session = null
    session?.end(leaving)
  }

  #suspend() {
    if (this.#state === 'closed' || this.#state === 'idle') return
    this.#drop(true)
    this.#suspended = true
    this.#to('idle', null)
  }

  #resume() {
    if (!this.#suspended) return
    this.#suspended = false
    this.#attempts = 0
    this.start()
  }

  #to(state, reason) {
    this.#state = state
    this.#reason = reason
    this.dispatchEvent(new CustomEvent('statechange', { detail: { state, reason, retryAt: this.#retryAt } }))
  }
}

/** What makes a session one of WHEP. */
const playing = (kinds) => ({
  protocol: 'WHEP',
  prepare(connection) {
    for (const kind of kinds) connection.addTransceiver(kind, { direction: 'recvonly' })
  },
  describe: askForStereo,
})

/**
 * What a session is given besides the player's options.
 * @typedef {object} Purpose
 * @property {'WHEP'|'WHIP'} protocol for the words alone
 * @property {(connection: RTCPeerConnection) => void} prepare adds what is to be sent or received
 * @property {(offer: string) => string} describe changes an offer before it is posted
 */

/**
 * What a session tells, none of it any more once ended.
 * @typedef {object} Listener
 * @property {() => void} connected media can flow, for the first time or again
 * @property {() => void} [held] the server holds the offer until the stream begins, or is free
 * @property {() => void} interrupted the connection is broken and was good before: ICE should be restarted
 * @property {(reason: Reason) => void} lost it is of no use any more
 * @property {(detail: {track: MediaStreamTrack, transceiver: RTCRtpTransceiver, title: string}) => void} [track]
 */

/** One session, of WHEP or WHIP, with its peer connection. */
export class Session {
  connection
  /** @type {Candidate[]} */
  candidates = []
  #endpoint
  #options
  #tell
  #url = ''
  #etag = ''
  #answer = ''
  #posting = new AbortController()
  /** The server holds the offer. */
  #held = false
  #ended = false
  #everConnected = false
  /** The restart whose requests are under way. @type {Promise<void>|null} */
  #restarting = null
  /** A restart was asked for because the connection broke, and it is not back yet. */
  #repairing = false
  #trickles = true
  /** @type {RTCIceCandidate[]} */
  #gathered = []
  #allGathered = false
  #trickleTimer = 0
  #watchTimer = 0
  /** PATCHes go one after the other, so that they arrive in order. */
  #patches = Promise.resolve()

  /**
   * @param {string} endpoint
   * @param {Options & Purpose} options
   * @param {Listener} tell
   */
  constructor(endpoint, options, tell) {
    this.#endpoint = endpoint
    this.#options = options
    this.#tell = tell
  }

  /**
   * Makes the session. It fails with Refused when the server, or this browser, will not have it.
   *
   * The offer is posted before it becomes the local description, as candidates are gathered from then on: the ICE
   * servers that the 201 names are in use from the first one. Meanwhile nothing is lost, nobody could be asked yet.
   */
  async open() {
    const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: this.#options.iceServers })
    this.connection = connection
    this.#options.prepare(connection)
    connection.addEventListener('icecandidate', ({ candidate }) => this.#gather(candidate))
    connection.addEventListener('iceconnectionstatechange', () => this.#watchStates())
    connection.addEventListener('connectionstatechange', () => this.#watchStates())
    const titles = new Map()
    connection.addEventListener('track', ({ track, transceiver }) => {
      if (!this.#ended) this.#tell.track?.({ track, transceiver, title: titles.get(transceiver.mid) ?? '' })
    })

    const offer = { type: 'offer', sdp: this.#options.describe((await connection.createOffer()).sdp) }
    const response = await this.#post(offer.sdp)
    if (response.status !== 201) throw new Refused(await this.#reasonOf(response))
    const location = response.headers.get('Location')
    if (!location) throw new Refused(notEndpoint(this.#options.protocol, 'The server made a session but does not say where it is.'))
    this.#url = new URL(location, response.url).href
    this.#etag = response.headers.get('ETag') ?? ''
    this.#answer = await response.text()
    if (this.#ended) { // while the request was under way
      this.#delete(false)
      return
    }

    const named = iceServersOf(response.headers.get('Link') ?? '')
    if (named.length > 0) {
      connection.setConfiguration({
        ...connection.getConfiguration(), iceServers: [...this.#options.iceServers, ...named],
      })
    }
    this.candidates = candidatesOf(this.#answer)
    for (const { mid, title } of sectionsOf(this.#answer)) titles.set(mid, title)
    try {
      await connection.setLocalDescription(offer)
      await connection.setRemoteDescription({ type: 'answer', sdp: this.#answer })
    } catch (error) {
      if (!this.#ended) throw new Refused(browserRefused(error))
    }
    if (this.#ended) return
    this.#watchDTLS()
    this.#watch(this.#options.connectTimeout)
  }

  /** Posts the offer. A server that holds it is given the time for that. */
  async #post(body) {
    const giveUp = () => this.#posting.abort(new DOMException('', 'TimeoutError'))
    let answered = false
    let timer = setTimeout(giveUp, requestTimeout)
    const look = setTimeout(async () => {
      // A publisher's endpoint has no facts: it may hold any offer.
      if (this.#options.protocol === 'WHEP' && (await factsOf(this.#endpoint, this.#options.token))?.live !== false) return
      if (answered || this.#ended) return
      clearTimeout(timer)
      timer = setTimeout(giveUp, heldTimeout)
      this.#held = true
      this.#tell.held?.()
    }, heldAfter)
    try {
      return await this.#request(this.#endpoint, { method: 'POST', headers: { 'Content-Type': sdpType }, body, signal: this.#posting.signal })
    } finally {
      answered = true
      clearTimeout(timer)
      clearTimeout(look)
      this.#held = false
    }
  }

  /** Restarts ICE. It fails when the server does not; the old ICE session then goes on as it can. */
  restart() {
    this.#restarting ??= this.#restartNow().finally(() => {
      this.#restarting = null
      this.#trickleSoon()
    })
    return this.#restarting
  }

  async #restartNow() {
    const { connection } = this
    try {
      const offer = await connection.createOffer({ iceRestart: true })
      this.#gathered = []
      this.#allGathered = false
      await connection.setLocalDescription({ type: 'offer', sdp: this.#options.describe(offer.sdp) })
      const fragment = await this.#patch(() => this.#restartPatch())
      this.#answer = restartedAnswer(this.#answer, fragment)
      this.candidates = candidatesOf(this.#answer)
      await connection.setRemoteDescription({ type: 'answer', sdp: this.#answer })
      this.#watch(restartTimeout)
    } catch (error) {
      if (!this.#ended && connection.signalingState === 'have-local-offer') {
        await connection.setLocalDescription({ type: 'rollback' })
      }
      throw error
    }
  }

  async #restartPatch() {
    const response = await this.#request(this.#url, {
      method: 'PATCH',
      headers: { 'Content-Type': fragmentType, 'If-Match': '*' },
      body: this.#takeFragment(),
    })
    if (response.status !== 200) throw new Refused(await this.#reasonOf(response))
    this.#etag = response.headers.get('ETag') ?? ''
    return response.text()
  }

  /**
   * Ends the session, here and at the server.
   * @param {boolean} leaving the page is being left: the request must outlive it
   */
  end(leaving) {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#trickleTimer)
    clearTimeout(this.#watchTimer)
    this.connection?.close()
    if (this.#held) this.#posting.abort() // there is no session yet
    if (this.#url) this.#delete(leaving)
  }

  /**
   * Asks the server why there is no such session any more: it remembers for a while.
   * @returns {Promise<Reason|null>} null where the session is there after all
   */
  async whyEnded() {
    try {
      const response = await this.#request(this.#url, { headers: { Accept: 'application/json' }, cache: 'no-store' })
      return response.ok ? null : await reasonOf(response)
    } catch (error) {
      return error.reason
    }
  }

  #delete(leaving) {
    fetch(this.#url, { method: 'DELETE', headers: this.#authorization(), keepalive: leaving })
      .catch(() => {}) // the server notices by itself within seconds
  }

  #gather(candidate) {
    if (candidate === null) this.#allGathered = true
    else if (candidate.candidate !== '') this.#gathered.push(candidate)
    this.#trickleSoon()
  }

  #trickleSoon() {
    clearTimeout(this.#trickleTimer)
    if (this.#ended || this.#restarting || !this.#trickles) return
    if (this.#gathered.length === 0 && !this.#allGathered) return
    this.#trickleTimer = setTimeout(() => this.#patch(() => this.#trickle()).catch(() => {}), trickleDelay)
  }

  /** Sends what was gathered. Losing it is no harm as a rule: the server's own candidates are in the answer. */
  async #trickle() {
    if (this.#ended || this.#restarting) return
    const response = await this.#request(this.#url, {
      method: 'PATCH',
      headers: { 'Content-Type': fragmentType, ...(this.#etag && { 'If-Match': this.#etag }) },
      body: this.#takeFragment(),
    })
    if (response.status === 404 && !this.#everConnected) this.#lose(endedSession)
    // 405, 422, 501: no trickle here. 412: a restart was quicker. Neither is tried again.
    if (!response.ok && response.status !== 412) this.#trickles = false
  }

  #takeFragment() {
    const fragment = fragmentOf(this.connection.localDescription.sdp, this.#gathered, this.#allGathered)
    this.#gathered = []
    this.#allGathered = false
    return fragment
  }

  #patch(send) {
    const result = this.#patches.then(send)
    this.#patches = result.then(() => {}, () => {})
    return result
  }

  /** Whether media can flow. @returns {boolean} */
  get works() {
    return ['connected', 'completed'].includes(this.connection.iceConnectionState) &&
      this.connection.connectionState === 'connected'
  }

  #watchStates() {
    if (this.#ended) return
    if (this.works) {
      this.#everConnected = true
      this.#repairing = false
      clearTimeout(this.#watchTimer)
      this.#tell.connected()
    } else if ([this.connection.iceConnectionState, this.connection.connectionState].includes('failed')) {
      this.#giveUp()
    } else if (this.connection.iceConnectionState === 'disconnected' && !this.#repairing) {
      this.#watch(this.#options.disconnectGrace)
    }
  }

  /** A server that ends a session closes DTLS; ICE would notice only half a minute later. */
  #watchDTLS() {
    const { connection } = this
    const transport = [...connection.getSenders(), ...connection.getReceivers()].find((end) => end.transport)?.transport
    transport?.addEventListener('statechange', () => {
      if (transport.state === 'closed') this.#lose(endedSession)
      if (transport.state === 'failed') this.#lose(failedDTLS)
    })
  }

  /** Gives the connection so many milliseconds to come up, or to come back. */
  #watch(milliseconds) {
    clearTimeout(this.#watchTimer)
    this.#watchTimer = setTimeout(() => this.works || this.#giveUp(), milliseconds)
  }

  /** The connection is broken: ICE is restarted, if it ever worked and that is not what has just failed. */
  #giveUp() {
    if (this.#ended || this.#restarting) return
    if (this.#everConnected && !this.#repairing) {
      this.#repairing = true
      this.#tell.interrupted()
    } else if (this.#everConnected) {
      this.#lose(lostConnection)
    } else if (['connected', 'completed'].includes(this.connection.iceConnectionState)) {
      this.#lose(failedDTLS)
    } else {
      this.#lose(failedICE(this.candidates))
    }
  }

  #lose(reason) {
    if (!this.#ended) this.#tell.lost(reason)
  }

  async #request(url, init) {
    try {
      return await fetch(url, {
        signal: AbortSignal.timeout(requestTimeout),
        ...init,
        headers: { ...init.headers, ...this.#authorization() },
      })
    } catch (cause) {
      throw new Refused({
        code: 'unreachable',
        detail: cause.name === 'TimeoutError' ? 'The server took too long to answer.' : 'The server does not answer.',
        remedy: 'It may be restarting, or this device may be offline.',
      })
    }
  }

  async #reasonOf(response) {
    const reason = await reasonOf(response)
    return response.status < 400 ? { ...reason, ...notEndpoint(this.#options.protocol, reason.detail) } : reason
  }

  #authorization() { return authorization(this.#options.token) }
}

const authorization = (token) => (token ? { Authorization: `Bearer ${token}` } : {})

/**
 * Asks a server like ours how it stands with a stream.
 * @param {string} endpoint the stream's
 * @param {string} [token]
 * @param {AbortSignal} [signal]
 * @param {number} [wait] seconds to hold the answer until the stream is live
 * @returns {Promise<{live: boolean}|null>} null where the server does not say
 */
export async function factsOf(endpoint, token, signal, wait) {
  const url = new URL(endpoint)
  if (wait) url.searchParams.set('wait', wait)
  try {
    const response = await fetch(url, { headers: { Accept: 'application/json', ...authorization(token) }, cache: 'no-store', signal })
    const facts = response.ok && response.headers.get('Content-Type')?.startsWith('application/json') ? await response.json() : null
    return typeof facts?.live === 'boolean' ? facts : null
  } catch {
    return null
  }
}

/** The server, or this browser, will not have it. */
export class Refused extends Error {
  /** @param {Reason} reason */
  constructor(reason) {
    super(reason.detail)
    this.reason = reason
  }
}

/** @type {Reason} */
const notLive = {
  code: 'stream_not_live', detail: 'Nobody publishes this stream at present.', remedy: 'It begins by itself when the publisher is there.',
}

/** @type {Reason} */
export const lostConnection = {
  code: 'connection_lost', detail: 'The connection broke.', remedy: 'It is being made again.',
}
const endedSession = { code: 'session_ended', detail: 'The server ended the session.', remedy: 'A new one is being made.' }
const failedDTLS = {
  code: 'dtls_failed', detail: 'The server was reached, but the encrypted connection could not be made.',
  remedy: 'Something between here and the server may be changing packets.',
}
/** @type {Reason} */
export const noWebRTC = {
  code: 'no_webrtc', detail: 'This browser has no WebRTC, or it is switched off.',
  remedy: 'Use a current Firefox, Chrome, Edge or Safari, and look for a privacy setting or extension that blocks it.',
}

/** @param {Candidate[]} candidates @returns {Reason} */
function failedICE(candidates) {
  const ports = [...new Set(candidates.map(({ protocol, port }) => `${protocol.toUpperCase()} port ${port}`))]
  const addresses = [...new Set(candidates.map(({ address }) => address))]
  return {
    code: 'ice_failed',
    detail: ports.length === 0
      ? 'The server named no address for media.'
      : `No answer came from ${ports.join(', ')} at ${addresses.join(', ')}.`,
    remedy: ports.length === 0
      ? 'Look at the network interfaces of the server.'
      : `Let ${ports.join(', ')} through the server's firewall; if none of these addresses can be reached from here, ` +
        'a TURN server is needed.',
    candidates,
  }
}

function notEndpoint(protocol, detail) {
  return { code: `not_${protocol.toLowerCase()}`, detail, remedy: `Is this the address of a ${protocol} endpoint?` }
}

function browserRefused(error) {
  return { code: 'browser_refused', detail: `The browser does not take the server's answer: ${error.message}` }
}

/** @param {Error} error @returns {Reason} */
export function unexpected(error) {
  return { code: 'browser_refused', detail: `The browser could not begin: ${error.message}` }
}

/** Whether the same request may be answered otherwise in a while. @param {Reason} reason */
export function worthRetrying({ code, status, retryAfter }) {
  if (retryAfter !== undefined) return true
  if (status === undefined) return !['no_webrtc', 'no_codec', 'not_whep', 'not_whip', 'browser_refused'].includes(code)
  return [408, 409, 425, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505)
}

/** Reads a refusal: a problem document, or whatever else came. @returns {Promise<Reason>} */
async function reasonOf(response) {
  const { status } = response
  const reason = { code: `http_${status}`, detail: `The server answered ${status} ${response.statusText}.`, status }
  const retryAfter = retryAfterOf(response.headers.get('Retry-After'))
  if (retryAfter !== undefined) reason.retryAfter = retryAfter
  const type = response.headers.get('Content-Type') ?? ''
  if (/^application\/(problem\+)?json\b/i.test(type)) {
    const problem = await response.json().catch(() => ({}))
    for (const key of ['code', 'detail', 'remedy', 'offered', 'has', 'request']) {
      if (problem[key]) reason[key] = problem[key]
    }
  } else {
    await response.body?.cancel()
  }
  return reason
}

/**
 * Reads Retry-After (RFC 9110 10.2.3): seconds or a date.
 * @param {string|null} value
 * @param {number} [now] milliseconds, as Date.now() counts
 * @returns {number|undefined} milliseconds to wait
 */
export function retryAfterOf(value, now = Date.now()) {
  if (!value) return undefined
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/**
 * Reads the ICE servers out of Link fields (RFC 9725 4.6, RFC 8288).
 * @param {string} field several fields joined with commas, as fetch does
 * @returns {RTCIceServer[]}
 */
export function iceServersOf(field) {
  const servers = []
  for (const [, urls, rest] of field.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))*)/g)) {
    const parameters = {}
    for (const [, key, quoted, token] of rest.matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))/g)) {
      parameters[key.toLowerCase()] = quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1')
    }
    if (!(parameters.rel ?? '').split(/\s+/).includes('ice-server') || !/^(stun|turn)s?:/i.test(urls)) continue
    const { username, credential } = parameters
    servers.push(username === undefined ? { urls } : { urls, username, credential })
  }
  return servers
}

/**
 * Asks for stereo: Chrome and Safari play Opus in mono unless their own offer says `stereo=1` (RFC 7587 6.1).
 * @param {string} sdp an offer
 * @returns {string}
 */
export function askForStereo(sdp) {
  const opus = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) opus\//gim)].map(([, payloadType]) => payloadType))
  return sdp.replace(/^a=fmtp:(\d+) (?!.*\bstereo=)(.*?)(\r?)$/gm, (line, payloadType, parameters, end) =>
    opus.has(payloadType) ? `a=fmtp:${payloadType} ${parameters};stereo=1;sprop-stereo=1${end}` : line)
}

/**
 * Writes a fragment (RFC 8840): credentials of the local description and the candidates gathered for it.
 * @param {string} sdp the local description
 * @param {RTCIceCandidate[]} candidates
 * @param {boolean} complete no more will come
 * @returns {string}
 */
export function fragmentOf(sdp, candidates, complete) {
  const ufrag = /^a=ice-ufrag:(.*?)\r?$/m.exec(sdp)?.[1] ?? ''
  const pwd = /^a=ice-pwd:(.*?)\r?$/m.exec(sdp)?.[1] ?? ''
  const group = /^a=group:BUNDLE .*?(?=\r?$)/m.exec(sdp)?.[0]
  const lines = group ? [group] : []
  for (const [index, { media, mid }] of sectionsOf(sdp).entries()) {
    // A candidate gathered for credentials that were given up since would be taken for one of these.
    const own = candidates.filter((candidate) => (candidate.sdpMid ?? '') === mid &&
      (candidate.usernameFragment ?? ufrag) === ufrag)
    if (index > 0 && own.length === 0) continue
    lines.push(media, `a=mid:${mid}`, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`)
    lines.push(...own.map(({ candidate }) => `a=${candidate}`))
    if (complete) lines.push('a=end-of-candidates')
  }
  return lines.map((line) => `${line}\r\n`).join('')
}

/**
 * Rebuilds the answer after an ICE restart: the server's new credentials and candidates, everything else as it was.
 * @param {string} answer the answer so far
 * @param {string} fragment the reply to the restart (RFC 8840)
 * @returns {string}
 */
export function restartedAnswer(answer, fragment) {
  const fresh = (name) => new RegExp(`^a=${name}:(.*?)\r?$`, 'mi').exec(fragment)?.[1]
  const credentials = { 'ice-ufrag': fresh('ice-ufrag'), 'ice-pwd': fresh('ice-pwd') }
  if (!credentials['ice-ufrag'] || !credentials['ice-pwd']) {
    throw new SyntaxError('The reply to an ICE restart has no credentials.')
  }
  const candidates = [...new Set(fragment.split(/\r?\n/).filter((line) => /^a=candidate:/i.test(line)))]
  const kept = answer.split(/\r?\n/).filter((line) => line !== '' && !/^a=(candidate:|end-of-candidates)/.test(line))
  // All media goes over the transport of the first section that was not refused (RFC 9143): its candidates count.
  const first = kept.findIndex((line) => /^m=\S+ [1-9]/.test(line))
  const next = kept.findIndex((line, index) => index > first && line.startsWith('m='))
  kept.splice(next < 0 ? kept.length : next, 0, ...candidates, 'a=end-of-candidates')
  return kept.map((line) => {
    const [, name] = /^a=(ice-ufrag|ice-pwd):/.exec(line) ?? []
    if (name) line = `a=${name}:${credentials[name]}`
    // A changed description has another version (RFC 3264 8).
    line = line.replace(/^(o=\S+ \S+ )(\d+)/, (all, head, version) => head + (BigInt(version) + 1n))
    return `${line}\r\n`
  }).join('')
}

/**
 * Lists the media sections of a description.
 * @param {string} sdp
 * @returns {{media: string, mid: string, title: string}[]} the m= line, a=mid, and i= (RFC 8866 5.4)
 */
export function sectionsOf(sdp) {
  return sdp.split(/^(?=m=)/m).slice(1).map((section) => ({
    media: section.split(/\r?\n/, 1)[0],
    mid: /^a=mid:(.*?)\r?$/m.exec(section)?.[1] ?? '',
    title: /^i=(.*?)\r?$/m.exec(section)?.[1] ?? '',
  }))
}

/** Lists the candidates of a description. @param {string} sdp @returns {Candidate[]} */
export function candidatesOf(sdp) {
  const found = sdp.matchAll(/^a=candidate:\S+ \d+ (\S+) \d+ (\S+) (\d+) typ (\S+)/gm)
  const all = [...found].map(([, protocol, address, port, type]) => (
    { address, port: Number(port), protocol: protocol.toLowerCase(), type }))
  return all.filter((one, index) => index === all.findIndex((other) =>
    other.address === one.address && other.port === one.port && other.protocol === one.protocol))
}
