/**
 * Finds the beeps in the pattern's sound: 2000 Hz for a tenth of a second on each second, over tones three times as quiet.
 * Runs as an AudioWorklet, which posts the time of each beep's beginning in seconds of the context.
 *
 * @module beep
 */

const hertz = 2_000
/** The beep's amplitude is 0.55: half of it is reached in the middle of its rise. */
const threshold = 0.275
const rise = 0.0025 // seconds
/** Seconds after a beep's beginning without another. */
const rest = 0.5

/** Follows the strength of one frequency by a window of 10 ms, which is a whole number of its waves. */
export class BeepDetector {
  #rate
  #cosines
  #sines
  #samples
  #at = 0
  #real = 0
  #imaginary = 0
  #loud = false
  #last = -Infinity

  /** @param {number} rate samples a second */
  constructor(rate) {
    const length = Math.round(rate / 100)
    this.#rate = rate
    this.#samples = new Float64Array(length)
    this.#cosines = Float64Array.from({ length }, (_, i) => Math.cos(2 * Math.PI * hertz * i / rate))
    this.#sines = Float64Array.from({ length }, (_, i) => Math.sin(2 * Math.PI * hertz * i / rate))
  }

  /**
   * Takes the next samples.
   * @param {Float32Array[]} channels of equal length
   * @param {number} first number of the first sample
   * @returns {number[]} sample numbers, with fraction, at which beeps began
   */
  push(channels, first) {
    const found = []
    const length = this.#samples.length
    const late = length / 2 + rise * this.#rate / 2 // the window's own delay, and half of the rise
    for (let i = 0; i < (channels[0]?.length ?? 0); i++) {
      let sample = 0
      for (const channel of channels) sample += channel[i]
      this.#add(sample / channels.length)
      const loud = 2 / length * Math.hypot(this.#real, this.#imaginary) > threshold
      const number = first + i
      if (loud && !this.#loud && number - this.#last > rest * this.#rate) {
        this.#last = number
        found.push(number - late)
      }
      this.#loud = loud
    }
    return found
  }

  #add(sample) {
    const at = this.#at, change = sample - this.#samples[at]
    this.#samples[at] = sample
    this.#real += change * this.#cosines[at]
    this.#imaginary += change * this.#sines[at]
    this.#at = (at + 1) % this.#samples.length
    if (this.#at === 0) this.#sumUp()
  }

  /** Rounding errors must not add up for ever. */
  #sumUp() {
    this.#real = 0
    this.#imaginary = 0
    for (const [i, sample] of this.#samples.entries()) {
      this.#real += sample * this.#cosines[i]
      this.#imaginary += sample * this.#sines[i]
    }
  }
}

if (globalThis.AudioWorkletProcessor) {
  registerProcessor('weir-beep', class extends AudioWorkletProcessor {
    #detector = new BeepDetector(sampleRate)

    process([input]) {
      if (input.length > 0) {
        for (const at of this.#detector.push(input, currentFrame)) this.port.postMessage(at / sampleRate)
      }
      return true
    }
  })
}
