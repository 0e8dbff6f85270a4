/**
 * Cameras, microphones and screens: opens them, changes them, and says in words why one cannot be had.
 *
 * @module capture
 */
import { Sound } from './sound.js'

/** @typedef {import('./whep.js').Reason} Reason */

/**
 * What is wanted.
 * @typedef {object} Wishes
 * @property {string} camera a device's id, '' for the usual one, 'none' for none
 * @property {string} microphone the same
 * @property {number} height of the picture, pixels; 0 takes it as it is
 * @property {number} rate frames a second
 * @property {'speech'|'music'} sound
 */

/**
 * What is open now. Events: `change` when a track is another one, or gone; `ended` with detail `camera`, `microphone` or
 * `screen` when a device was unplugged, or the sharing of a screen was ended elsewhere; `devices` when the list of them
 * may be another one.
 */
export class Capture extends EventTarget {
  /** @type {''|'camera'|'screen'} */
  kind = ''
  /** The picture to publish. @type {MediaStreamTrack|null} */
  video = null
  /** The sound to publish: of the microphone, of the screen, or both. @type {MediaStreamTrack|null} */
  audio = null
  /** Measures the sound. */
  sound = new Sound()
  #open = { video: null, microphone: null, system: null }
  #asked = 0

  constructor() {
    super()
    navigator.mediaDevices?.addEventListener('devicechange', () => this.dispatchEvent(new CustomEvent('devices')))
  }

  /**
   * Opens a camera with its microphone, or a screen. What was open before is closed first: phones have one camera at a time.
   * @param {'camera'|'screen'} kind
   * @param {Wishes} wishes
   * @returns {Promise<Reason|null>} what is missing, though something may be open
   */
  async open(kind, wishes) {
    const asked = ++this.#asked
    const { reason, tracks } = kind === 'camera' ? await this.#openCamera(wishes) : await this.#openScreen(wishes)
    if (asked !== this.#asked) { // somebody was quicker with another choice
      for (const track of Object.values(tracks)) track?.stop()
      return null
    }
    if (tracks.video || tracks.microphone) {
      this.kind = kind
      this.#use(tracks)
    }
    this.dispatchEvent(new CustomEvent('devices')) // names are told from now on
    return reason
  }

  /**
   * Takes another microphone, leaving the picture alone.
   * @param {Wishes} wishes
   * @returns {Promise<Reason|null>}
   */
  async changeMicrophone(wishes) {
    this.#open.microphone?.stop()
    const { track, reason } = await openMicrophone(wishes)
    this.#use({ ...this.#open, microphone: track })
    return reason
  }

  /** Takes another size or rate where the device can. @param {Wishes} wishes */
  async resize(wishes) {
    await this.video?.applyConstraints(this.kind === 'screen' ? screenOf(wishes) : sizeOf(wishes)).catch(() => {})
  }

  /** Closes everything. */
  close() {
    this.#asked++
    this.kind = ''
    this.#use({})
  }

  async #openCamera(wishes) {
    const { camera, microphone } = wishes
    const there = await kinds()
    const constraints = {
      video: camera !== 'none' && there.has('videoinput') && { ...sizeOf(wishes), ...exactly(camera) },
      audio: microphone !== 'none' && there.has('audioinput') && soundOf(wishes),
    }
    const reason = camera !== 'none' && !constraints.video ? noDevice('camera')
      : microphone !== 'none' && !constraints.audio ? noDevice('microphone') : null
    if (!constraints.video && !constraints.audio) return { reason: reason ?? nothingChosen, tracks: {} }
    for (const track of Object.values(this.#open)) track?.stop()
    try {
      const stream = await navigator.mediaDevices.getUserMedia(constraints)
      return { reason, tracks: { video: stream.getVideoTracks()[0], microphone: stream.getAudioTracks()[0] } }
    } catch (error) {
      this.kind = ''
      this.#use({})
      const what = !constraints.video ? 'microphone' : !constraints.audio ? 'camera' : 'camera or microphone'
      return { reason: await explain(error, what), tracks: {} }
    }
  }

  async #openScreen(wishes) {
    let stream
    try {
      stream = await navigator.mediaDevices.getDisplayMedia({
        video: screenOf(wishes), audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
        systemAudio: 'include', surfaceSwitching: 'include', selfBrowserSurface: 'exclude',
      })
    } catch (error) {
      return { reason: await explain(error, 'screen'), tracks: {} }
    }
    const there = wishes.microphone !== 'none' && (await kinds()).has('audioinput')
    if (there && this.#open.microphone) this.#open.microphone.stop()
    const { track, reason } = there ? await openMicrophone(wishes) : { track: null, reason: null }
    return { reason, tracks: { video: stream.getVideoTracks()[0], system: stream.getAudioTracks()[0], microphone: track } }
  }

  #use({ video = null, microphone = null, system = null }) {
    for (const track of Object.values(this.#open)) {
      if (track && ![video, microphone, system].includes(track)) track.stop()
    }
    this.#open = { video, microphone, system }
    this.video = video
    this.audio = this.sound.mix([microphone, system].filter(Boolean))
    this.sound.listen(this.audio)
    this.#watch(video, this.kind)
    this.#watch(microphone, 'microphone')
    this.dispatchEvent(new CustomEvent('change'))
  }

  #watch(track, what) {
    if (!track) return
    track.onended = () => {
      const { video, microphone, system } = this.#open
      if (track === video) {
        this.kind = ''
        this.#use({ microphone })
      } else if (track === microphone) {
        this.#use({ video, system })
      } else {
        return
      }
      this.dispatchEvent(new CustomEvent('ended', { detail: what }))
    }
  }
}

async function openMicrophone(wishes) {
  if (wishes.microphone === 'none') return { track: null, reason: null }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: soundOf(wishes) })
    return { track: stream.getAudioTracks()[0], reason: null }
  } catch (error) {
    return { track: null, reason: await explain(error, 'microphone') }
  }
}

/** The kinds of device that there are; before somebody has allowed one, browsers tell no more of them. */
async function kinds() {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => [])
  return new Set(devices.map(({ kind }) => kind))
}

function sizeOf({ height, rate }) {
  return { frameRate: { ideal: rate }, ...height > 0 && { height: { ideal: height }, width: { ideal: Math.round(height * 16 / 9) } } }
}

function screenOf({ height, rate }) {
  return { frameRate: { ideal: rate, max: rate }, ...height > 0 && { height: { max: height } } }
}

function exactly(device) {
  return device && { deviceId: { exact: device } }
}

function soundOf({ microphone, sound }) {
  const clean = sound === 'speech'
  return {
    ...exactly(microphone), echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean,
    channelCount: { ideal: clean ? 1 : 2 },
  }
}

/**
 * Why this page can have no device at all.
 * @returns {Reason & {address?: string}|null} null where it can
 */
export function unavailable() {
  if (navigator.mediaDevices?.getUserMedia) return null
  if (globalThis.isSecureContext) {
    return { code: 'no_devices', detail: 'This browser gives pages no camera.', remedy: 'Use a current Firefox, Chrome, Edge or Safari.' }
  }
  return {
    code: 'not_secure', address: location.origin,
    detail: 'Browsers give cameras, microphones and screens only to pages that come by HTTPS, or from the machine itself.',
    remedy: `Open this page by https://, or on the machine where Weir runs as ${local()}. To try it out, Chrome takes this address under chrome://flags/#unsafely-treat-insecure-origin-as-secure:`,
  }
}

function local() {
  return `http://localhost${location.port && `:${location.port}`}${location.pathname}`
}

/** @type {Reason} */
const nothingChosen = { code: 'no_media', detail: 'Neither camera nor microphone is chosen.', remedy: 'Choose one under “What to send”, or share a screen.' }

/** @returns {Reason} */
function noDevice(what) {
  return {
    code: `no_${what}`, detail: `This device has no ${what}, or the system hides it from the browser.`,
    remedy: what === 'camera'
      ? 'Plug one in and try again, share a screen, or choose “No camera” to send sound alone.'
      : 'Plug one in: until then there is no sound.',
  }
}

/**
 * Puts an error of getUserMedia or getDisplayMedia into words.
 * @param {DOMException} error
 * @param {string} what was asked for
 * @returns {Promise<Reason>}
 */
async function explain(error, what) {
  switch (error.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return what === 'screen' ? notShared : /system/i.test(error.message) ? bySystem(what) : notAllowed(what, await blocked(what))
    case 'NotFoundError':
      return noDevice(what.startsWith('camera') ? 'camera' : what)
    case 'OverconstrainedError':
      return { code: 'gone', detail: `The chosen ${what} is not there any more.`, remedy: 'Choose another one.' }
    case 'NotReadableError':
    case 'AbortError':
      return what === 'screen' ? notCaptured : {
        code: 'busy', detail: `The ${what} cannot be read: another program may be using it.`,
        remedy: 'Close the program that uses it, or choose another device, then try again.',
      }
  }
  return { code: 'failed', detail: `The browser could not open the ${what}: ${error.message}`, remedy: 'Try again, or choose another device.' }
}

/** Whether the browser does not even ask any more; false where it does not tell. */
async function blocked(what) {
  const names = ['camera', 'microphone'].filter((name) => what.includes(name))
  const states = await Promise.all(names.map((name) => navigator.permissions?.query({ name }).then(({ state }) => state, () => '')))
  return states.includes('denied')
}

/** @returns {Reason} */
function notAllowed(what, always) {
  return {
    code: 'denied', detail: `The browser was not allowed to use the ${what}.`,
    remedy: always
      ? 'It does not ask again by itself: press the sign before the page’s address, allow camera and microphone there, then try again.'
      : 'Try again, and allow it when the browser asks.',
  }
}

/** @returns {Reason} */
function bySystem(what) {
  return {
    code: 'denied', detail: `The operating system does not let the browser use the ${what}.`,
    remedy: 'Allow it in the system’s privacy settings, then start the browser anew.',
  }
}

/** @type {Reason} */
const notCaptured = {
  code: 'failed', detail: 'The system does not hand out the picture of the screen.', remedy: 'Try a window or a tab instead.',
}

/** @type {Reason} */
const notShared = {
  code: 'not_shared', detail: 'No screen was chosen.',
  remedy: 'Try again and choose a screen, a window or a tab. On a Mac, allow the browser to record the screen in the system’s privacy settings.',
}
