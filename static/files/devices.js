/**
 * The choice of a device in the page at /: what it can do, and how its picture looks.
 *
 * @module devices
 */
import { call } from './api.js'
import { showReason } from './notice.js'
import { numberOf } from './numbers.js'
import { Preview } from './preview.js'

const element = (id) => document.getElementById(id)

/** The formats of a device as choices: each size once in each format. @param {object} [report] @returns {{words: string, values: object}[]} */
export function formatsOf(report) {
  return (report?.formats ?? []).map(({ format, width, height, rates = [] }) => {
    const rate = Math.round(Math.max(0, ...rates))
    return {
      words: [`${width} × ${height}`, rate > 0 && `${numberOf(rate)} fps`, format].filter(Boolean).join(', '),
      values: { width, height, ...(rate > 0 && { rate }) },
    }
  })
}

/**
 * The choice. Events: `change` when another device was chosen; `enter` with values for the form in detail, when a format
 * was chosen; `refused` with detail `{what, reason}`.
 */
export class DevicePicker extends EventTarget {
  /** The parameter that it is for. */
  param = 'device'
  #kind = null
  #devices = []
  #filled = ''
  #wanted = ''
  #asking = null
  #preview

  /** @param {() => object|null} paramsOf reads the form, for the preview; null where something is wrong in it */
  constructor(paramsOf) {
    super()
    this.#preview = new Preview(() => {
      const params = paramsOf()
      return params && this.#kind ? { source: this.#kind.name, params: { ...params, device: this.value } } : null
    })
    this.#preview.addEventListener('refused', ({ detail }) => this.dispatchEvent(new CustomEvent('refused', { detail })))
    element('device').addEventListener('change', () => {
      this.#wanted = this.value
      this.#preview.stop()
      this.#chosen()
    })
    element('device-format').addEventListener('change', ({ target }) => {
      const format = formatsOf(this.#device?.report)[target.value]
      if (format) this.dispatchEvent(new CustomEvent('enter', { detail: format.values }))
    })
    element('device-again').addEventListener('click', () => this.load())
  }

  /** The chosen device's name; '' for the first that works. */
  get value() { return element('device').value }

  /** Whether another device was chosen than the one that is in use. */
  get dirty() { return this.value !== this.#filled }

  get #device() { return this.#devices.find(({ name }) => name === this.value) ?? (this.value === '' ? this.#devices.find(({ report }) => !report?.reason) : undefined) }

  /** What is chosen now is what runs. */
  settled() { this.#filled = this.value }

  /** A device need not be chosen: there is a first. */
  demand() { return true }

  /** Says what the server has against the device. @param {string} text */
  fail(text) {
    this.#error(text)
    element('device').focus()
  }

  /**
   * Shows the choice.
   * @param {string} name of the device in use, '' for none
   * @param {object} kind as the API describes it
   */
  show(name, kind) {
    if (this.#kind?.name !== kind.name) this.#devices = []
    this.#kind = kind
    element('device-box').hidden = false
    element('device-label').textContent = kind.params.properties.device.title || kind.title
    this.#wanted = name
    this.#offer()
    this.#filled = this.value
    this.load()
  }

  /** Another kind of source was chosen. */
  hide() {
    element('device-box').hidden = true
    this.#preview.stop()
  }

  /** What runs now, where something of this device may be seen already. @param {object[]} streams as the API lists them */
  know(streams) { this.#preview.know(streams) }

  /** Ends the preview: the picture itself is about to come. */
  async quit() { await this.#preview.stop() }

  /** Asks which devices there are: one may have been plugged in. */
  async load() {
    this.#asking?.abort()
    const { signal } = this.#asking = new AbortController()
    element('device-again').setAttribute('aria-disabled', 'true')
    try {
      const { devices, lacking = [] } = await call('GET', '/api/v1/devices', undefined, signal)
      this.#devices = devices.filter(({ source, param }) => source === this.#kind.name && param === this.param)
      const lack = lacking.find(({ source }) => source === this.#kind.name)
      showReason(element('device-refusal'), lack ? { code: '', detail: lack.reason } : null)
      const same = !this.dirty
      this.#offer()
      if (same) this.#filled = this.value
      this.dispatchEvent(new CustomEvent('change'))
    } catch (error) {
      if (signal.aborted) return
      if (!error.reason) throw error
      showReason(element('device-refusal'), error.reason)
    } finally {
      if (!signal.aborted) element('device-again').removeAttribute('aria-disabled')
    }
  }

  #offer() {
    const options = [new Option('The first that works', '')]
    for (const { name, title, report } of this.#devices) options.push(new Option(`${title || name}${report?.reason ? ' (cannot be used)' : ''}`, name))
    if (this.#wanted && !this.#devices.some(({ name }) => name === this.#wanted)) options.push(new Option(`${this.#wanted} (not plugged in)`, this.#wanted))
    element('device').replaceChildren(...options)
    element('device').value = this.#wanted
    this.#chosen(false)
  }

  #chosen(told = true) {
    this.#error('')
    const device = this.#device
    element('device-reason').hidden = !device?.report?.reason
    element('device-reason').textContent = device?.report?.reason ?? ''
    const { node, in_use: used } = device?.report ?? {}
    element('device-hint').textContent = [node && `/dev/${node}`, used && 'a stream of this server uses it'].filter(Boolean).join(', ')
    const formats = formatsOf(device?.report)
    element('device-formats').hidden = formats.length === 0
    element('device-format').replaceChildren(new Option(`As below; it has ${formats.length}`, ''), ...formats.map(({ words }, i) => new Option(words, i)))
    this.#preview.offer(this.#devices.length > 0 && !device?.report?.reason, this.#kind, this.value)
    if (told) this.dispatchEvent(new CustomEvent('change'))
  }

  #error(text) {
    element('device-error').textContent = text
    if (text) element('device').setAttribute('aria-invalid', 'true')
    else element('device').removeAttribute('aria-invalid')
  }
}
