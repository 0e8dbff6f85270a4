/**
 * The card of the page at / that starts, changes and stops sources.
 *
 * @module control
 */
import { accessError, fillAccess, tokenTrouble } from './access.js'
import { call, wantsToken } from './api.js'
import { showReason } from './notice.js'
import { Playback } from './playback.js'
import { isPreview } from './preview.js'
import { goesOn, SourceForm } from './sourceform.js'
import { changesIn, showCounters, staleAfter, standing } from './standing.js'
import { setToken, token } from './token.js'

const element = (id) => document.getElementById(id)
const nameRule = 'Letters, digits, dots, underscores and hyphens, at most 64, beginning with a letter or digit.'
const validName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * The card. Events: `name` when another stream was chosen; `done` with what was done, as a sentence, in detail; `refused`
 * with detail `{what, reason}`; `access` when it turned out whether this page may administer; `state` when
 * it may have turned out how it stands with the stream; `watch` when the picture is to be shown; `connect` when somebody who may not administer wants to watch.
 */
export class Control extends EventTarget {
  /** Whether the server lets this page administer; null while not known. @type {boolean|null} */
  administers = null
  #stream = null // as the server describes it; null where there is nothing of that name
  #known = false // the server was asked about this name
  #form = new SourceForm()
  #playback = new Playback()
  #name = element('stream')
  #busy = ''
  #asking = null
  #answered = Promise.resolve()
  #soon = 0
  #askedAt = 0
  #seen = { state: '', at: 0 } // the source's state, and since when it is known, by performance.now()

  constructor() {
    super()
    fillAccess(element('access'), 'To start a source')
    element('control-form').addEventListener('submit', (event) => {
      event.preventDefault()
      this.#submit()
    })
    this.#name.addEventListener('input', () => {
      this.#checkName()
      this.#named()
    })
    this.#form.addEventListener('change', () => this.#show())
    this.#form.addEventListener('refused', ({ detail }) => this.dispatchEvent(new CustomEvent('refused', { detail })))
    for (const part of [this.#form, this.#playback]) part.addEventListener('done', ({ detail }) => this.dispatchEvent(new CustomEvent('done', { detail })))
    this.#playback.addEventListener('changed', ({ detail: { name, stream } }) => {
      this.#now(name, stream)
      this.#fill()
      this.refreshSoon()
    })
    this.#playback.addEventListener('doubt', () => this.refreshSoon())
    this.#playback.addEventListener('refused', ({ detail: { what, reason } }) => this.#refused(what, reason))
    element('stop').addEventListener('click', () => this.#stop())
    element('control-again').addEventListener('click', () => this.load())
    element('token-forget').addEventListener('click', () => setToken(''))
    setInterval(() => {
      this.#showState()
      if (!document.hidden && performance.now() - this.#askedAt > this.#stale()) this.refreshSoon()
    }, 1000)
  }

  /** The chosen stream's name; '' where what was entered is none. */
  get name() {
    const name = this.#name.value.trim()
    return validName.test(name) ? name : ''
  }

  set name(name) {
    this.#name.value = name
    this.#checkName()
    this.#named()
  }

  /** Whether something feeds the chosen stream; undefined where that is not known. @returns {boolean|undefined} */
  get fed() { return this.administers && this.#known ? Boolean(this.#stream?.live) : undefined }

  /** The chosen stream's source, as the server describes it. */
  get source() { return this.#stream?.source ?? null }

  /** What the publisher of the chosen stream should change. @returns {object[]} */
  get findings() { return this.administers ? this.#stream?.findings ?? [] : [] }

  /** Asks the server anew what it can do, what is live, and how it stands with the chosen stream. */
  async load() {
    if (!this.administers) this.#form.forget()
    this.#see('loading')
    await this.#refresh(true)
  }

  /** Asks again before long how it stands: something has happened. However much happens, the server is not asked all the time. */
  refreshSoon() {
    if (this.#soon) return
    this.#soon = setTimeout(async () => {
      await this.#answered
      this.#soon = 0
      this.#refresh(false)
    }, Math.max(100, this.#askedAt + 500 - performance.now()))
  }

  /** Media files have come or gone. */
  filesChanged() { this.#form.filesChanged() }

  #refresh(all) {
    this.#asking?.abort()
    this.#asking = new AbortController()
    this.#askedAt = performance.now()
    this.#answered = this.#ask(all, this.#asking.signal)
    return this.#answered
  }

  async #ask(all, signal) {
    try {
      const { streams, next } = await call('GET', '/api/v1/streams?limit=500', undefined, signal)
      this.#list(streams)
      this.#form.know(streams)
      if (!token()) {
        this.#grant(false)
        return
      }
      if (all || !this.#form.offers) this.#form.offer((await call('GET', '/api/v1/sources', undefined, signal)).sources)
      this.#stream = streams.find(({ name }) => name === this.name) ?? (next ? await this.#askOne(signal) : null)
      this.#known = true
      this.#grant(true)
      this.#fill()
    } catch (error) {
      if (signal.aborted) return
      if (!error.reason) throw error
      if (wantsToken(error.reason)) this.#grant(false, error.reason)
      else this.#fail(error.reason)
    }
  }

  /** How it stands with the chosen name, which is not among the first streams. */
  async #askOne(signal) {
    if (!this.name) return null
    try {
      return await call('GET', `/api/v1/streams/${this.name}`, undefined, signal)
    } catch (error) {
      if (error.reason?.status === 404) return null
      throw error
    }
  }

  #grant(administers, reason = null) {
    const before = this.administers
    this.administers = administers
    if (reason || administers) accessError(element('access'), tokenTrouble(reason))
    this.#see(administers ? 'administer' : 'access')
    if (before !== administers) this.dispatchEvent(new CustomEvent('access'))
    this.#show()
  }

  #fail(reason) {
    // What is shown already stays: the server may be back at once.
    if (this.administers) return
    showReason(element('control-reason'), reason)
    this.#see('error')
  }

  #see(part) {
    if (part === 'loading' && this.administers !== null) return
    const parts = [['control-loading', 'loading'], ['control-error', 'error'], ['administer', 'administer'], ['access', 'access'], ['token-kept', 'administer'], ['source-badge', 'administer'], ['source-text', 'administer'], ['source-why', 'administer']]
    for (const [id, of] of parts) element(id).hidden = part !== of
  }

  /** Offers the streams that are live. */
  #list(streams) {
    const live = streams.filter(({ name, live }) => live && !isPreview(name)).map(({ name }) => name)
    const key = live.join(' ')
    const box = element('live')
    box.hidden = live.length === 0
    if (box.dataset.key !== key) {
      box.dataset.key = key
      element('streams').replaceChildren(...live.map((name) => new Option(name, name)))
      element('live-names').replaceChildren(...live.slice(0, 8).map((name) => {
        const button = Object.assign(document.createElement('button'), { type: 'button', className: 'small', textContent: name })
        button.addEventListener('click', () => { this.name = name })
        const item = document.createElement('li')
        item.append(button)
        return item
      }))
    }
    for (const button of element('live-names').querySelectorAll('button')) button.setAttribute('aria-pressed', String(button.textContent === this.name))
  }

  #fill() {
    this.#form.show(this.#stream)
    this.#show()
  }

  #checkName() {
    const wrong = this.#name.value.trim() !== '' && !this.name
    this.#nameError(wrong ? nameRule : '')
  }

  #nameError(text) {
    element('stream-error').textContent = text
    if (text) this.#name.setAttribute('aria-invalid', 'true')
    else this.#name.removeAttribute('aria-invalid')
  }

  #named() {
    this.#stream = null
    this.#known = false
    this.#form.forget()
    showReason(element('refusal'), null)
    this.#show()
    this.dispatchEvent(new CustomEvent('name'))
    this.#asking?.abort() // it was asked about another
    this.#askedAt = 0
    this.refreshSoon()
  }

  /** Says what is wrong with the name, if anything, and takes the focus there. */
  demandName() {
    if (this.name) return true
    if (!this.#name.value.trim()) this.#nameError('Name the stream first.')
    this.#name.focus()
    return false
  }

  #submit() {
    if (!this.administers) {
      if (this.demandName()) this.dispatchEvent(new CustomEvent('connect'))
      return
    }
    if (this.#busy || !this.demandName()) return
    if (goesOn(this.source) && !this.#form.dirty) return
    const body = this.#form.read()
    if (!body) return
    if (this.source) this.#change(this.name, body)
    else this.#start(this.name, body)
  }

  #start(name, body) {
    const { kind, picks } = this.#form
    return this.#do('Starting', `Start “${name}”`, async () => {
      await this.#form.quit()
      this.#now(name, await call('POST', `/api/v1/streams/${name}`, body))
      if (picks) this.dispatchEvent(new CustomEvent('watch')) // what was chosen is seen at once
      return `Started ${kind.title || kind.name} as “${name}”.`
    })
  }

  #change(name, body) {
    return this.#do('Applying', `Change “${name}”`, async () => {
      this.#now(name, await call('PATCH', `/api/v1/streams/${name}`, body))
      return `Changed “${name}”: ${changesIn(body) || 'started again'}.`
    })
  }

  #stop() {
    const { name } = this
    if (this.#busy || !this.source || !name) return
    this.#do('Stopping', `Stop “${name}”`, async () => {
      await call('DELETE', `/api/v1/streams/${name}`)
      this.#now(name, null)
      return `Stopped “${name}”.`
    })
  }

  /** This is how it stands with a stream, which may not be the chosen one any more. */
  #now(name, stream) {
    if (this.name !== name) return
    this.#asking?.abort() // it was asked before that
    this.#stream = stream
  }

  /** Does something at the server, and shows how it went. */
  async #do(busy, what, action) {
    const { name } = this
    this.#busy = busy
    showReason(element('refusal'), null)
    this.#show()
    try {
      const done = await action()
      if (this.name === name) {
        this.#form.settled()
        this.#fill()
      }
      this.dispatchEvent(new CustomEvent('done', { detail: done }))
    } catch (error) {
      if (!error.reason) throw error
      this.#refused(what, error.reason)
    } finally {
      this.#busy = ''
      this.#show()
      this.refreshSoon()
    }
  }

  #refused(what, reason) {
    if (wantsToken(reason)) {
      this.#grant(false, reason)
    } else {
      const others = this.#form.fail(reason)
      if (others.length > 0 || !reason.problems?.length) showReason(element('refusal'), reason, others) // else all is said beside the fields
    }
    this.dispatchEvent(new CustomEvent('refused', { detail: { what, reason } }))
  }

  #show() {
    const running = this.source
    const start = element('start'), stop = element('stop')
    const again = running && !goesOn(running)
    const label = running ? again ? 'Start again' : 'Apply changes' : 'Start'
    start.textContent = this.#busy && this.#busy !== 'Stopping' ? `${this.#busy}…` : label
    start.setAttribute('aria-disabled', String(Boolean(this.#busy) || (running && !again && !this.#form.dirty) || !this.#form.kind || !this.name))
    stop.textContent = this.#busy === 'Stopping' ? 'Stopping…' : 'Stop'
    stop.setAttribute('aria-disabled', String(Boolean(this.#busy) || !running || !this.name))
    this.#showState()
  }

  /** After how many milliseconds it may stand otherwise though no event has told so. */
  #stale() {
    const { source } = this, now = performance.now()
    const state = [this.name, source?.state, source?.since].join(' ')
    if (this.#seen.state !== state) this.#seen = { state, at: now }
    return staleAfter(source, { lasting: now - this.#seen.at, open: element('counters').open })
  }

  #showState() {
    const badge = element('source-badge'), running = this.source
    const { word, text, why = '' } = standing(this.#stream, this.name)
    this.#playback.show(this.name, running)
    showCounters(element('counters'), this.administers ? running : null)
    badge.dataset.state = running?.state ?? (this.#stream?.live ? 'live' : 'idle')
    if (element('source-word').textContent !== word) element('source-word').textContent = word
    if (element('source-text').textContent !== text) element('source-text').textContent = text
    if (element('source-why').textContent !== why) element('source-why').textContent = why
    element('source-why').dataset.state = running?.state ?? ''
    this.dispatchEvent(new CustomEvent('state'))
  }
}
