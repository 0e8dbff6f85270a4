/**
 * The choice of a media file in the page at /, with what was found in it, uploads and deletion.
 *
 * @module files
 */
import { call } from './api.js'
import { confirm } from './confirm.js'
import { showReason } from './notice.js'
import { bytesOf, numberOf } from './numbers.js'
import { lineOf, showReport } from './report.js'
import { addressOf, Upload } from './upload.js'

const element = (id) => document.getElementById(id)
const mostPages = 4 // of 500: a list that is longer is none to choose from

/**
 * The choice. Events: `change` when another file was chosen; `done` with what was done, as a sentence, in detail; `refused`
 * with detail `{what, reason}`.
 */
export class FilePicker extends EventTarget {
  /** The parameter that it is for. */
  param = 'file'
  #files = []
  #filled = ''
  #wanted = ''
  #upload = null
  #asking = null
  #soon = 0
  #shown = false

  constructor() {
    super()
    element('file').addEventListener('change', () => {
      this.#wanted = element('file').value
      this.#chosen()
    })
    element('file-upload').addEventListener('click', () => element('file-input').click())
    element('file-input').addEventListener('change', () => {
      const [file] = element('file-input').files
      element('file-input').value = '' // the same can be chosen again
      if (file) this.#begin(file)
    })
    element('upload-stop').addEventListener('click', () => this.#upload?.stop())
    element('file-delete').addEventListener('click', () => this.#delete(this.value))
  }

  /** The chosen file's path; '' for none. */
  get value() { return element('file').value }

  /** Whether another file was chosen than the one that is played. */
  get dirty() { return this.value !== this.#filled }

  /** What is chosen now is what runs. */
  settled() { this.#filled = this.value }

  /** Whether a file is chosen; else it says so, and takes the focus there. */
  demand() {
    if (this.value) return true
    this.fail(this.#files.length > 0 ? 'Choose a file.' : 'There is no file yet: upload one.')
    return false
  }

  /** Says what the server has against the file. @param {string} text */
  fail(text) {
    this.#error(text)
    element('file').focus()
  }

  /** Shows the choice. @param {string} path of the file that is played, '' for none */
  show(path) {
    this.#shown = true
    element('file-box').hidden = false
    this.#wanted = path || this.#wanted
    this.#offer()
    this.#filled = path ? this.value : ''
    this.load()
  }

  /** Another kind of source was chosen. */
  hide() {
    this.#shown = false
    element('file-box').hidden = true
  }

  /** Files have come or gone. */
  changed() {
    if (!this.#shown || this.#soon) return
    this.#soon = setTimeout(() => {
      this.#soon = 0
      this.load()
    }, 300)
  }

  /** Asks which files there are. */
  async load() {
    this.#asking?.abort()
    const { signal } = this.#asking = new AbortController()
    try {
      const files = []
      let uploads = [], after = ''
      for (let page = 0; page < mostPages; page++) {
        const query = new URLSearchParams({ limit: 500, ...(after && { after }) })
        const answer = await call('GET', `/api/v1/files?${query}`, undefined, signal)
        if (page === 0) uploads = answer.uploads
        files.push(...answer.files)
        after = answer.next ?? ''
        if (!after) break
      }
      this.#files = files
      showReason(element('file-refusal'), null)
      element('file-tools').hidden = false
      const settled = !this.dirty
      this.#offer()
      if (settled) this.#filled = this.value
      this.#showUploads(uploads)
      this.dispatchEvent(new CustomEvent('change'))
    } catch (error) {
      if (signal.aborted) return
      if (!error.reason) throw error
      showReason(element('file-refusal'), error.reason)
      element('file-tools').hidden = error.reason.code === 'media_folder_missing'
    }
  }

  #offer() {
    const select = element('file'), chosen = this.#wanted || select.value
    const options = this.#files.map((file) => new Option(lineOf(file), file.path))
    if (chosen && !this.#files.some(({ path }) => path === chosen)) options.unshift(new Option(chosen, chosen))
    if (options.length === 0) options.push(new Option('No files yet', ''))
    select.replaceChildren(...options)
    const usable = this.#files.find(({ report }) => report && report.playable !== false)
    select.value = chosen || (usable ?? this.#files[0])?.path || ''
    this.#chosen(false)
  }

  #chosen(told = true) {
    const { value } = this
    this.#error('')
    const file = this.#files.find(({ path }) => path === value)
    showReport(element('file-report'), file ?? null)
    element('file-delete').hidden = !file
    if (told) this.dispatchEvent(new CustomEvent('change'))
  }

  #error(text) {
    element('file-error').textContent = text
    if (text) element('file').setAttribute('aria-invalid', 'true')
    else element('file').removeAttribute('aria-invalid')
  }

  /** What has arrived of files that are not there yet; not of the one that arrives just now. */
  #showUploads(uploads) {
    const list = element('uploads')
    list.replaceChildren(...uploads.filter(({ path }) => path !== this.#upload?.path).map(({ path, received, size }) => {
      const item = document.createElement('li')
      const words = Object.assign(document.createElement('span'), { className: 'grow', textContent: `${path}: ${bytesOf(received)} of ${bytesOf(size)} have arrived. Upload the same file to go on.` })
      const button = Object.assign(document.createElement('button'), { type: 'button', className: 'small danger', textContent: 'Drop it' })
      button.setAttribute('aria-label', `Drop it: what has arrived of ${path}`)
      button.addEventListener('click', () => this.#remove(path, `Dropped what had arrived of ${path}.`))
      item.append(words, button)
      return item
    }))
    list.hidden = list.childElementCount === 0
  }

  async #begin(file) {
    if (this.#upload) return
    const path = file.name
    let replace = false
    if (this.#files.some((one) => one.path === path)) {
      if (!await confirm(`Replace “${path}”?`, 'There is a file of this name already. Streams that play it go on with the old one until they are started again.', 'Replace it')) return
      replace = true
    }
    const upload = new Upload(file, path, { replace })
    this.#upload = { path, upload, stop: () => upload.stop() }
    element('upload').hidden = false
    element('file-upload').setAttribute('aria-disabled', 'true')
    showReason(element('file-refusal'), null)
    const begun = performance.now()
    let from
    upload.addEventListener('progress', ({ detail: { sent, size, waiting } }) => {
      from ??= sent
      showProgress(path, sent, size, waiting, (sent - from) / (performance.now() - begun) * 1000)
    })
    element('upload-stop').focus()
    try {
      const there = await upload.run()
      this.#say(there ? `Uploaded ${path}.` : `The upload of ${path} was stopped; what has arrived is kept for a day.`)
      if (there) this.#wanted = path
    } catch (error) {
      if (!error.reason) throw error
      showReason(element('file-refusal'), error.reason)
      this.dispatchEvent(new CustomEvent('refused', { detail: { what: `Upload ${path}`, reason: error.reason } }))
    } finally {
      this.#upload = null
      element('upload').hidden = true
      element('file-upload').removeAttribute('aria-disabled')
      element('file-upload').focus()
      const refusal = element('file-refusal')
      const kept = refusal.hidden ? null : [...refusal.childNodes]
      await this.load()
      if (kept) {
        refusal.replaceChildren(...kept)
        refusal.hidden = false
      }
    }
  }

  async #delete(path) {
    if (!path || !await confirm(`Delete “${path}”?`, 'The file is deleted on the server. A stream that plays it goes on until it ends or is stopped.', 'Delete it')) return
    await this.#remove(path, `Deleted ${path}.`)
  }

  async #remove(path, done) {
    try {
      await call('DELETE', addressOf(path))
      this.#say(done)
      if (path === this.value) element('file').selectedIndex = -1
      if (path === this.#wanted) this.#wanted = ''
    } catch (error) {
      if (!error.reason) throw error
      if (error.reason.status !== 404) showReason(element('file-refusal'), error.reason)
    }
    element('file').focus()
    await this.load()
  }

  #say(detail) { this.dispatchEvent(new CustomEvent('done', { detail })) }
}

function showProgress(path, sent, size, waiting, rate) {
  const bar = element('upload-bar'), done = Math.floor(sent / size * 100)
  bar.value = done
  bar.setAttribute('aria-label', `Upload of ${path}`)
  const left = rate > 1000 && sent < size ? `, ${leftOf((size - sent) / rate)} left` : ''
  const text = waiting ? `${path}: ${waiting} It goes on by itself.`
    : sent >= size ? `${path}: all of it is sent.` : `${path}: ${bytesOf(sent)} of ${bytesOf(size)}${left}`
  if (element('upload-text').textContent !== text) element('upload-text').textContent = text
}

function leftOf(seconds) {
  return seconds < 90 ? `${numberOf(Math.max(1, Math.ceil(seconds)))} s` : `${numberOf(seconds / 60)} min`
}
