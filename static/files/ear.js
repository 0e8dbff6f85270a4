/**
 * Listens to a stream for the pattern's beeps and tells when each is heard.
 *
 * @module ear
 */

/** Milliseconds after which sound without a beep has none. */
const patience = 4_000

/** Event `beep`: detail is the moment at which its beginning comes out of the speaker, as performance.now() counts. */
export class Ear extends EventTarget {
  /** Why no beeps are told of; '' while they are. */
  why = ''
  /** @type {AudioContext|null} */
  #context = null
  #ready = null
  #source = null
  #track = null
  #since = 0
  #heardAt = -Infinity
  #offsets = []
  #timer = 0

  /**
   * Listens to the sound of a stream; does nothing where it does so already.
   * @param {MediaStream|null} stream
   */
  listen(stream) {
    const track = stream?.getAudioTracks()[0] ?? null
    if (track === this.#track && this.#context) {
      this.#judge()
      return
    }
    this.#disconnect()
    this.#track = track
    this.#since = performance.now()
    if (!track) {
      this.why = 'No sound is received.'
      return
    }
    this.#open(track).catch((error) => { this.why = `The sound cannot be examined: ${error.message}` })
  }

  /** Ends; `listen` begins anew. */
  stop() {
    this.#disconnect()
    this.#track = null
    clearInterval(this.#timer)
    this.#context?.close().catch(() => {})
    this.#context = null
    this.#ready = null
  }

  /** Milliseconds that a beep may be off by: the browser hands sound on in blocks. */
  get uncertainty() {
    return Math.max(5, (this.#context?.baseLatency ?? 0) * 1000)
  }

  async #open(track) {
    if (!globalThis.AudioWorkletNode) {
      this.why = globalThis.isSecureContext
        ? 'This browser cannot examine sound.'
        : 'Browsers examine sound only on pages that come by HTTPS or from this machine.'
      return
    }
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: 'interactive' })
      this.#ready = this.#context.audioWorklet.addModule(new URL('./beep.js', import.meta.url))
      this.#timer = setInterval(() => this.#look(), 100)
    }
    const context = this.#context
    await this.#ready
    if (context !== this.#context || track !== this.#track) return
    this.#source = context.createMediaStreamSource(new MediaStream([track]))
    const node = new AudioWorkletNode(context, 'weir-beep', { numberOfOutputs: 0 })
    node.port.onmessage = ({ data }) => this.#beep(data)
    this.#source.connect(node)
    this.#judge()
  }

  #disconnect() {
    this.#source?.disconnect()
    this.#source = null
    this.#heardAt = -Infinity
  }

  /** Keeps where the context's clock stands against performance.now(). */
  #look() {
    const context = this.#context
    if (context.state === 'suspended') context.resume().catch(() => {}) // granted once the page was clicked
    if (context.state === 'running') {
      const { contextTime, performanceTime } = context.getOutputTimestamp()
      if (performanceTime > 0) {
        this.#offsets.push(performanceTime - contextTime * 1000)
        if (this.#offsets.length > 20) this.#offsets.shift()
      }
    } else {
      this.#offsets = []
    }
    this.#judge()
  }

  #judge() {
    const now = performance.now()
    if (!this.#context) return
    if (this.#context.state !== 'running') {
      this.why = 'The browser lets sound be examined only after a click or a key on this page.'
      this.#since = now
    } else if (now - this.#heardAt < patience) {
      this.why = ''
    } else {
      this.why = now - this.#since < patience ? 'Listening for the beep.' : 'No beep is heard in this sound; the test pattern has one.'
    }
  }

  #beep(seconds) {
    this.#heardAt = performance.now()
    if (this.#offsets.length === 0) return
    const sorted = [...this.#offsets].sort((a, b) => a - b)
    const heard = seconds * 1000 + sorted[sorted.length >> 1]
    this.dispatchEvent(new CustomEvent('beep', { detail: heard }))
  }
}
