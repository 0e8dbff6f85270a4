/**
 * The card of the page at /publish in which is chosen what is sent: devices, size, codec, bits.
 *
 * @module publishform
 */
import { sendable } from './whip.js'

const element = (id) => document.getElementById(id)
const key = 'weir.publish'

/** What the server relays, and the order in which a choice is made. */
const relayed = ['H264', 'VP8', 'VP9', 'AV1', 'H265']
const heights = { 0: 'as it comes', 360: '360p', 480: '480p', 720: '720p', 1080: '1080p', 1440: '1440p', 2160: '2160p' }
const bitRates = [500, 1000, 1500, 2500, 4000, 6000, 8000, 12_000]
const usualHeight = { camera: '720', screen: '1080' }

/** The card. Events: `change` with the name of what was changed as detail. */
export class PublishForm extends EventTarget {
  #codecs = sendable().filter((name) => relayed.includes(name)).sort((a, b) => relayed.indexOf(a) - relayed.indexOf(b))
  #kept = read()

  constructor() {
    super()
    fill('height', Object.entries(heights).sort(([a], [b]) => a - b).map(([value, text]) => [value, text]))
    fill('bits', [['0', 'automatic'], ...bitRates.map((rate) => [String(rate), rate < 1000 ? `${rate} kbit/s` : `${rate / 1000} Mbit/s`])])
    fill('codec', [['auto', 'automatic'], ...this.#codecs.map((name) => [name, name])])
    fill('camera', [['', 'the usual one'], ['none', 'No camera: sound alone']])
    fill('microphone', [['', 'the usual one'], ['none', 'No microphone']])
    element('mirror').checked = true
    element('height').value = usualHeight.camera
    for (const control of element('form').elements) {
      if (!control.name) continue
      if (this.#kept[control.name] !== undefined) set(control, this.#kept[control.name])
      control.addEventListener('change', () => this.#changed(control))
    }
    element('form').addEventListener('submit', (event) => event.preventDefault())
    this.#hint()
  }

  /** What is wanted of the devices. @returns {import('./capture.js').Wishes} */
  get wishes() {
    return {
      camera: element('camera').value, microphone: element('microphone').value, sound: element('sound').value,
      height: Number(element('height').value), rate: Number(element('rate').value),
    }
  }

  /** Whether the own view is to be a mirror. */
  get mirrored() { return element('mirror').checked }

  /** What is wanted of the publisher. @param {''|'camera'|'screen'} kind @returns {import('./whip.js').Options} */
  options(kind) {
    const codec = element('codec').value, music = element('sound').value === 'music'
    return {
      codecs: codec === 'auto' ? this.#codecs.slice(0, 2) : [codec], maxBitRate: Number(element('bits').value) * 1000,
      contentHint: kind === 'screen' ? element('hint').value : 'motion', stereo: music, maxAudioBitRate: music ? 160_000 : 0,
    }
  }

  /** Shows what belongs to a camera, or to a screen. @param {''|'camera'|'screen'} kind */
  show(kind) {
    for (const part of element('form').querySelectorAll('[data-for]')) part.hidden = part.dataset.for !== (kind || 'camera')
    if (kind && this.#kept.height === undefined) element('height').value = usualHeight[kind]
    const other = element('other')
    other.hidden = kind === ''
    other.textContent = kind === 'screen' ? 'Use the camera instead' : 'Share a screen instead'
  }

  /** Lists the devices anew; browsers tell their names only once one was allowed. */
  async list() {
    const devices = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? []
    for (const [id, kind, none] of [['camera', 'videoinput', 'No camera: sound alone'], ['microphone', 'audioinput', 'No microphone']]) {
      // Chromium lists the usual ones twice, a second time under an id of their own.
      const named = devices.filter((device) => device.kind === kind && device.deviceId && !['default', 'communications'].includes(device.deviceId))
      const chosen = this.#kept[id] ?? ''
      fill(id, [['', 'the usual one'], ...named.map(({ deviceId, label }, i) => [deviceId, label || `${i + 1}`]), ['none', none]])
      set(element(id), [...element(id).options].some(({ value }) => value === chosen) ? chosen : '')
    }
    const known = devices.some(({ label }) => label)
    element('device-hint').textContent = known ? '' : 'Their names are told once you have allowed one.'
  }

  #changed(control) {
    this.#kept[control.name] = control.type === 'checkbox' ? control.checked : control.value
    try {
      sessionStorage.setItem(key, JSON.stringify(this.#kept))
    } catch {
      // Then nothing outlives a reload.
    }
    this.#hint()
    this.dispatchEvent(new CustomEvent('change', { detail: control.name }))
  }

  #hint() {
    element('codec-hint').textContent = {
      H265: 'Few browsers play H265.', AV1: 'AV1 needs few bits and much of this machine; not all devices play it.',
      VP9: 'VP9 needs fewer bits than H264 and more of this machine.',
      H264: 'H264 plays everywhere.', VP8: 'VP8 plays everywhere but on some old phones.',
    }[element('codec').value] ?? (this.#codecs.length > 0 ? `Automatic is ${this.#codecs[0]} here.` : '')
  }
}

function fill(id, choices) {
  element(id).replaceChildren(...choices.map(([value, text]) => new Option(text, value)))
}

function set(control, value) {
  if (control.type === 'checkbox') control.checked = Boolean(value)
  else if ([...control.options].some((option) => option.value === value)) control.value = value
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '{}') ?? {}
  } catch {
    return {}
  }
}
