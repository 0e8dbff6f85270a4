/**
 * Uploads a file in parts, and goes on where an earlier upload of it broke off.
 *
 * @module upload
 */
import { authorization, reasonOf, Refused } from './api.js'

/** The first part is small: a server that refuses it can say so before it hangs up. */
const firstPart = 128 << 10
const fullPart = 8 << 20
const mostTries = 8
const key = 'weir.uploads'

/** The address of a media file. @param {string} path */
export function addressOf(path) {
  return `/api/v1/files/${path.split('/').map(encodeURIComponent).join('/')}`
}

/** Which file of this machine it was: another of the same name and length must not go on with its upload. @param {File} file */
function markOf({ name, size, lastModified }) {
  return `${name} ${size} ${lastModified}`
}

function marks() {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '{}')
  } catch {
    return {}
  }
}

/** @param {string} path @param {string} mark '' forgets it */
function remember(path, mark) {
  const all = marks()
  delete all[path]
  if (mark) all[path] = mark
  try {
    localStorage.setItem(key, JSON.stringify(Object.fromEntries(Object.entries(all).slice(-50))))
  } catch {
    // Then it begins anew after the next break.
  }
}

/**
 * Which part comes next.
 * @param {number} offset
 * @param {number} size of the file
 * @param {boolean} first of this upload
 * @returns {{end: number, range: string}} end is behind the last byte
 */
export function partAt(offset, size, first) {
  const end = Math.min(size, offset + (first ? firstPart : fullPart))
  return { end, range: `bytes ${offset}-${end - 1}/${size}` }
}

/**
 * One upload. Event `progress` with detail `{sent, size, waiting}`: bytes, and why it waits for a while, '' while it goes on.
 */
export class Upload extends EventTarget {
  #file
  #path
  #replace
  #request = null
  #stopped = false
  #wake = () => {}

  /** @param {File} file @param {string} path in the media folder @param {{replace?: boolean}} [options] another file of that name */
  constructor(file, path, { replace = false } = {}) {
    super()
    this.#file = file
    this.#path = path
    this.#replace = replace
  }

  /** Breaks it off; what has arrived is kept. */
  stop() {
    this.#stopped = true
    this.#request?.abort()
    this.#wake()
  }

  /** @returns {Promise<boolean>} true when the file is there, false when it was stopped @throws {Refused} */
  async run() {
    let offset = await this.#asked(), first = true, tries = 0
    while (!this.#stopped) {
      this.#tell(offset)
      const answer = await this.#send(offset, first)
      first = false
      if (answer.done) {
        remember(this.#path, '')
        this.#tell(this.#file.size)
        return true
      }
      if (answer.offset !== undefined) {
        tries = answer.offset > offset ? 0 : tries + 1
        offset = answer.offset
      }
      if (answer.reason) {
        if (++tries > mostTries || !answer.again) throw new Refused(answer.reason)
        await this.#pause(answer.reason.retryAfter ?? Math.min(10_000, 500 * 2 ** tries), answer.reason.detail, offset)
        if (!this.#stopped) offset = await this.#asked(offset)
      }
    }
    return false
  }

  /** Where it goes on, as the server has it; where it cannot be asked, what is known already. */
  async #asked(known) {
    let response
    try {
      response = await fetch(addressOf(this.#path), { method: 'HEAD', headers: authorization(), cache: 'no-store' })
    } catch {
      if (known !== undefined) return known
      throw new Refused({ code: 'unreachable', detail: 'The server does not answer.', remedy: 'It may be restarting, or this device may be offline.' })
    }
    const mark = markOf(this.#file), mine = marks()[this.#path] === mark
    const begun = response.headers.get('Upload-Complete') === '?0' && Number(response.headers.get('Upload-Length')) === this.#file.size
    if (response.ok && begun && mine) return Number(response.headers.get('Upload-Offset')) || 0
    if (response.status === 401 || response.status === 403) throw new Refused(await reasonOf(response))
    remember(this.#path, mark)
    return 0
  }

  #tell(sent, waiting = '') {
    this.dispatchEvent(new CustomEvent('progress', { detail: { sent, size: this.#file.size, waiting } }))
  }

  #pause(milliseconds, why, offset) {
    this.#tell(offset, why)
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** Sends a part. fetch does not tell how much has gone: XMLHttpRequest does. */
  #send(offset, first) {
    const { end, range } = partAt(offset, this.#file.size, first)
    const request = this.#request = new XMLHttpRequest()
    request.open('PUT', addressOf(this.#path))
    const fields = { ...authorization(), 'Content-Type': 'application/octet-stream', 'Content-Range': range, ...(!this.#replace && { 'If-None-Match': '*' }) }
    for (const [name, value] of Object.entries(fields)) request.setRequestHeader(name, value)
    request.upload.addEventListener('progress', ({ loaded }) => this.#tell(offset + loaded))
    return new Promise((resolve, reject) => {
      request.addEventListener('loadend', () => {
        answerOf(request).then(resolve, reject)
      })
      request.send(this.#file.slice(offset, end))
    })
  }
}

/** What came of a part: `done`, or the `offset` of the next, or a `reason` and whether to try `again`. */
async function answerOf(request) {
  if (request.status === 0) return { reason: { code: 'unreachable', detail: 'The connection to the server broke.', remedy: 'Choose the file again to go on.' }, again: true }
  if (request.status === 200 || request.status === 201) return { done: true }
  const told = request.getResponseHeader('Upload-Offset'), offset = told === null ? undefined : Number(told)
  if (request.status === 202) return { offset }
  const fields = new Headers()
  for (const name of ['Content-Type', 'Retry-After']) if (request.getResponseHeader(name)) fields.set(name, request.getResponseHeader(name))
  const reason = await reasonOf(new Response(request.responseText, { status: request.status, headers: fields }))
  return { reason, offset: request.status === 416 ? offset : undefined, again: [408, 409, 416, 502, 503, 504].includes(request.status) && reason.code !== 'folder_missing' }
}
