/**
 * Where a stream is pushed to, on the page at /streams: other servers that take it by WHIP.
 *
 * @module pushes
 */
import { call } from './api.js'
import { sentence } from './form.js'
import { spanOf } from './log.js'
import { showReason } from './notice.js'
import { bytesOf } from './numbers.js'
import { stateNames } from './standing.js'

/** The fields of the form. */
const fields = ['url', 'token']

/** How it stands with a push, in words. @param {object} push as the API describes it @param {number} now Unix milliseconds */
export function wordsOf({ state, since, next_try: next, restarts, bytes }, now) {
  const passed = now - Date.parse(since)
  const lasting = `${state === 'idle' ? 'Waits for the stream' : stateNames[state] ?? state} ${passed >= 1000 ? `for ${spanOf(Math.floor(passed / 1000) * 1000)}` : 'since just now'}`
  const left = next ? Math.max(0, Math.ceil((Date.parse(next) - now) / 1000)) : 0
  return [
    `${lasting}, ${bytesOf(bytes)} sent.`, next && `Next try in ${left} s.`,
    restarts > 0 && `Restarted ${restarts === 1 ? 'once' : `${restarts} times`}.`,
  ].filter(Boolean).join(' ')
}

/** The pushes of one stream, in its row. */
export class Pushes {
  #name
  #box
  #asking = null

  /** @param {string} name @param {HTMLElement} box holds the list and the form of the row's template */
  constructor(name, box) {
    this.#name = name
    this.#box = box
    this.#find('form').addEventListener('submit', (event) => {
      event.preventDefault()
      this.#add()
    })
    for (const name of fields) this.#find(`[name=${name}]`).addEventListener('input', () => this.#error(name, ''))
  }

  #find(selector) { return this.#box.querySelector(selector) }

  get #path() { return `/api/v1/streams/${this.#name}/pushes` }

  /** Asks how it stands. */
  async load() {
    this.#asking?.abort()
    const { signal } = this.#asking = new AbortController()
    try {
      this.#show((await call('GET', this.#path, undefined, signal)).pushes)
      showReason(this.#find('[data-of=unknown]'), null)
    } catch (error) {
      if (signal.aborted) return
      if (!error.reason) throw error
      showReason(this.#find('[data-of=unknown]'), error.reason)
    }
  }

  #show(pushes) {
    const list = this.#find('ul'), known = new Map([...list.children].map((item) => [item.dataset.id, item]))
    this.#find('[data-of=nowhere]').hidden = pushes.length > 0
    for (const push of pushes) {
      const item = known.get(push.id) ?? this.#item(push)
      known.delete(push.id)
      item.querySelector('.badge').dataset.state = push.state
      say(item.querySelector('.hint'), wordsOf(push, Date.now()))
      const plain = push.state === 'idle' // which the words say
      say(item.querySelector('.why'), push.reason && !plain ? sentence(push.reason).replace(/\.?$/, '.') : '')
      item.querySelector('.why').dataset.state = push.state
      if (!item.isConnected) list.append(item)
    }
    for (const item of known.values()) item.remove()
    list.hidden = pushes.length === 0
  }

  #item({ id, url }) {
    const item = document.getElementById('push-template').content.firstElementChild.cloneNode(true)
    item.dataset.id = id
    item.querySelector('b').textContent = url
    const stop = item.querySelector('button')
    stop.setAttribute('aria-label', `Stop the push to ${url}`)
    stop.addEventListener('click', () => this.#do(stop, () => call('DELETE', `${this.#path}/${id}`)))
    return item
  }

  async #add() {
    const url = this.#find('[name=url]'), token = this.#find('[name=token]')
    if (!/^https?:\/\/[^\s]+$/.test(url.value.trim())) {
      this.#error('url', 'Enter the WHIP address of the other server, with https:// in front.')
      url.focus()
      return
    }
    await this.#do(this.#find('form button'), async () => {
      await call('POST', this.#path, { url: url.value.trim(), ...(token.value && { token: token.value.trim() }) })
      url.value = token.value = ''
    })
  }

  /** Says beside a field what is wrong with it. */
  #error(name, text) {
    const field = this.#find(`[name=${name}]`)
    document.getElementById(field.getAttribute('aria-describedby')).textContent = text
    if (text) field.setAttribute('aria-invalid', 'true')
    else field.removeAttribute('aria-invalid')
  }

  #refused(reason) {
    const problems = (reason.problems ?? []).filter(({ name }) => fields.includes(name))
    for (const { name, detail } of problems) this.#error(name, sentence(detail).replace(/\.?$/, '.'))
    if (problems.length > 0) this.#find(`[name=${problems[0].name}]`).focus()
    else showReason(this.#find('[data-of=refusal]'), reason)
  }

  async #do(button, action) {
    if (button.getAttribute('aria-disabled') === 'true') return
    button.setAttribute('aria-disabled', 'true')
    showReason(this.#find('[data-of=refusal]'), null)
    try {
      await action()
    } catch (error) {
      if (!error.reason) throw error
      if (error.reason.code !== 'push_not_found') this.#refused(error.reason) // else somebody was quicker
    } finally {
      button.removeAttribute('aria-disabled')
      this.load()
    }
  }
}

function say(target, text) {
  if (target.textContent !== text) target.textContent = text
}
