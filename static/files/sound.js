/**
 * The sound that is published: mixes two sources into one track, and tells how loud it is.
 *
 * @module sound
 */

/** Below this many dB a source counts as silent; it is also the meter's lower end. */
export const silence = -60

/** Mixes and measures. Nothing runs before `mix` or `listen`. */
export class Sound {
  #context = null
  #mixed = []
  #analyser = null
  #source = null
  #samples = new Float32Array(2048)

  /**
   * Makes one track of several; of one, that track itself.
   * @param {MediaStreamTrack[]} tracks
   * @returns {MediaStreamTrack|null} null of none
   */
  mix(tracks) {
    for (const node of this.#mixed) node.disconnect()
    this.#mixed = []
    if (tracks.length < 2) return tracks[0] ?? null
    const context = this.#open()
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 2 })
    this.#mixed = tracks.map((track) => new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) }))
    for (const node of this.#mixed) node.connect(out)
    return out.stream.getAudioTracks()[0]
  }

  /** Measures this track from now on, or none. @param {MediaStreamTrack|null} track */
  listen(track) {
    this.#source?.disconnect()
    this.#source = null
    if (!track) return
    const context = this.#open()
    this.#analyser ??= new AnalyserNode(context, { fftSize: this.#samples.length })
    this.#source = new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) })
    this.#source.connect(this.#analyser)
  }

  /** The loudest of the last 40 ms, in dB below full scale; -Infinity where nothing is heard. @returns {number} */
  level() {
    if (!this.#source) return -Infinity
    this.#analyser.getFloatTimeDomainData(this.#samples)
    return 20 * Math.log10(this.#samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0))
  }

  #open() {
    this.#context ??= new AudioContext({ sampleRate: 48_000 })
    this.#context.resume() // browsers let no sound run before something was pressed
    return this.#context
  }
}

/**
 * Says how loud it is.
 * @param {number} level dB below full scale
 * @returns {'silent'|'quiet'|'good'|'too loud'}
 */
export function loudness(level) {
  if (level < -50) return 'silent'
  if (level < -32) return 'quiet'
  return level < -1 ? 'good' : 'too loud'
}
