/**
 * The card of the page at / that starts, changes and stops sources.
 *
 * @module control
 */
import { accessError, fillAccess, tokenTrouble } from './access.js'
import { call, wantsToken } from './api.js'
import { DevicePicker } from './devices.js'
import { FilePicker } from './files.js'
import { ParamForm, patchOf, sentence } from './form.js'
import { showReason } from './notice.js'
import { isPreview } from './preview.js'
import { isFilm, Playback } from './playback.js'
import { changesIn, showCounters, standing } from './standing.js'
import { setToken, token } from './token.js'

const element = (id) => document.getElementById(id)
const validName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/**
 * The card. Events: `name` when another stream was chosen; `done` with what was done, as a sentence, in detail; `refused`
 * with detail `{what, reason}`; `access` when it turned out whether this page may administer; `state` when
 * it may have turned out how it stands with the stream; `watch` when the picture is to be shown; `connect` when somebody who may not administer wants to watch.
 */
export class Control extends EventTarget {
  /** Whether the server lets this page administer; null while not known. @type {boolean|null} */
  administers = null
  #kinds = []
  #stream = null // as the server describes it; null where there is nothing of that name
  #known = false // the server was asked about this name
  #params = new ParamForm(element('params'))
  #files = new FilePicker()
  #devices = new DevicePicker(() => this.#params.read())
  #playback = new Playback()
  #steered = [] // parameters that have no field now
  #picker = null // what chooses one of the parameters, for kinds that have such a one
  #form = element('control-form')
  #name = element('stream')
  #source = element('source')
  #private = element('private')
  #onDemand = element('on-demand')
  #filled = '' // what the form was filled from
  #busy = ''
  #asking = null
  #answered = Promise.resolve()
  #soon = 0
  #askedAt = 0

  constructor() {
    super()
    fillAccess(element('access'), 'To start a source')
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      this.#submit()
    })
    this.#name.addEventListener('input', () => this.#checkName() && this.#named())
    this.#source.addEventListener('change', () => this.#choose())
    this.#private.addEventListener('change', () => this.#show())
    this.#params.addEventListener('change', () => this.#show())
    this.#onDemand.addEventListener('change', () => this.#show())
    this.#playback.addEventListener('changed', () => this.refreshSoon())
    for (const part of [this.#files, this.#playback]) part.addEventListener('done', ({ detail }) => this.dispatchEvent(new CustomEvent('done', { detail })))
    this.#playback.addEventListener('refused', ({ detail: { what, reason } }) => this.#refused(what, reason))
    for (const picker of [this.#files, this.#devices]) {
      picker.addEventListener('change', () => this.#show())
      picker.addEventListener('refused', ({ detail }) => this.dispatchEvent(new CustomEvent('refused', { detail })))
    }
    this.#devices.addEventListener('enter', ({ detail }) => this.#params.enter(detail))
    element('stop').addEventListener('click', () => this.#stop())
    element('control-again').addEventListener('click', () => this.load())
    element('token-forget').addEventListener('click', () => setToken(''))
    element('params-box').open = matchMedia('(min-width: 60rem)').matches
    setInterval(() => this.#showState(), 1000)
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
    this.#filled = this.administers ? this.#filled : ''
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
  filesChanged() { this.#files.changed() }

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
      this.#devices.know(streams)
      if (streams.some(({ source }) => source && 'on_demand' in source)) element('on-demand-box').hidden = false // this server knows of it
      if (!token()) {
        this.#grant(false)
        return
      }
      if (all || this.#kinds.length === 0) this.#offer((await call('GET', '/api/v1/sources', undefined, signal)).sources)
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
    const parts = [['control-loading', 'loading'], ['control-error', 'error'], ['administer', 'administer'], ['access', 'access'], ['token-kept', 'administer'], ['source-badge', 'administer'], ['source-text', 'administer']]
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

  /** Fills the drop-down. */
  #offer(kinds) {
    if (JSON.stringify(kinds) === JSON.stringify(this.#kinds)) return
    this.#kinds = kinds
    const chosen = this.#source.value
    this.#source.replaceChildren(...kinds.map(({ name, title, available }) => {
      const option = new Option(available ? title || name : `${title || name} (not here)`, name)
      option.disabled = !available
      return option
    }))
    const usable = kinds.filter(({ available }) => available)
    this.#source.value = usable.find(({ name }) => name === chosen)?.name ?? usable[0]?.name ?? ''
    const missing = kinds.filter(({ available }) => !available)
    element('unavailable').hidden = missing.length === 0
    element('unavailable-list').replaceChildren(...missing.map(({ name, title, reason }) => {
      const group = document.createElement('div')
      group.append(
        Object.assign(document.createElement('dt'), { textContent: title || name }),
        Object.assign(document.createElement('dd'), { textContent: reason || 'it cannot run here' }))
      return group
    }))
    this.#choose()
  }

  #kind(name = this.#source.value) {
    return this.#kinds.find((kind) => kind.name === name)
  }

  /** Another kind was chosen: its own parameters. */
  #choose() {
    const kind = this.#kind(), running = this.source
    if (!kind) return
    const same = running?.kind === kind.name
    const picker = [this.#files, this.#devices].find(({ param }) => param in (kind.params.properties ?? {})) ?? null
    for (const other of [this.#files, this.#devices]) if (other !== picker) other.hide()
    this.#picker = picker
    picker?.show(same ? running.params[picker.param] ?? '' : '', kind)
    // Where a film is, is not entered but steered while it runs.
    this.#steered = same && isFilm(running.params) ? ['paused', 'start'] : 'paused' in (kind.params.properties ?? {}) ? ['paused'] : []
    this.#params.show(kind.params, same ? running.params : {}, { without: [picker?.param, ...this.#steered], kept: same })
    this.#private.checked = same ? this.#stream.private : kind.private
    this.#onDemand.checked = same && Boolean(running.on_demand)
    element('source-hint').textContent = kind.description ?? ''
    element('params-box').hidden = this.#params.size === 0
    this.#show()
  }

  /** Shows what runs, unless somebody has changed the form since. */
  #fill() {
    const running = this.source
    const from = running ? JSON.stringify([this.#stream.name, running.kind, running.params, this.#stream.private, running.on_demand]) : ''
    if (from !== this.#filled && running && (!this.#dirty() || this.#filled === '' || this.#stream.name !== JSON.parse(this.#filled)[0])) {
      this.#source.value = running.kind
      this.#choose()
    }
    this.#filled = from
    this.#show()
  }

  #dirty() {
    const running = this.source
    if (!running) return false
    return this.#params.dirty || this.#picker?.dirty || this.#source.value !== running.kind || this.#private.checked !== this.#stream.private ||
      this.#onDemand.checked !== Boolean(running.on_demand)
  }

  #checkName() {
    const wrong = this.#name.value.trim() !== '' && !this.name
    this.#nameError(wrong ? 'Letters, digits, dots, underscores and hyphens, at most 64, beginning with a letter or digit.' : '')
    return !wrong
  }

  #nameError(text) {
    element('stream-error').textContent = text
    if (text) this.#name.setAttribute('aria-invalid', 'true')
    else this.#name.removeAttribute('aria-invalid')
  }

  #named() {
    this.#stream = null
    this.#known = false
    this.#filled = ''
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
    if (this.source && this.#settled() && !this.#dirty()) return
    if (this.#picker && !this.#picker.demand()) return
    const params = this.#params.read()
    if (!params) return
    if (this.#picker) params[this.#picker.param] = this.#picker.value
    for (const steered of this.#steered) if (steered in (this.source?.params ?? {})) params[steered] = this.source.params[steered]
    const { name } = this, kind = this.#kind()
    if (this.source) this.#change(name, kind, params)
    else this.#start(name, kind, params)
  }

  #start(name, kind, params) {
    const body = { source: kind.name, params, ...(this.#private.checked ? { private: true } : kind.private && { public: true }), ...(this.#onDemand.checked && { on_demand: true }) }
    return this.#do('Starting', `Start “${name}”`, async () => {
      await this.#devices.quit()
      this.#stream = await call('POST', `/api/v1/streams/${name}`, body)
      if (this.#picker) this.dispatchEvent(new CustomEvent('watch')) // what was chosen is seen at once
      return `Started ${kind.title || kind.name} as “${name}”.`
    })
  }

  #change(name, kind, params) {
    const running = this.source, same = running.kind === kind.name
    const body = { params: same ? patchOf(running.params, params) : params }
    if (!same) body.source = kind.name
    if (this.#private.checked !== this.#stream.private) Object.assign(body, this.#private.checked ? { private: true } : { public: true })
    if (this.#onDemand.checked !== Boolean(running.on_demand)) body.on_demand = this.#onDemand.checked
    return this.#do('Applying', `Change “${name}”`, async () => {
      this.#stream = await call('PATCH', `/api/v1/streams/${name}`, body)
      return `Changed “${name}”: ${changesIn(body) || 'started again'}.`
    })
  }

  #stop() {
    const { name } = this
    if (this.#busy || !this.source) return
    this.#do('Stopping', `Stop “${name}”`, async () => {
      await call('DELETE', `/api/v1/streams/${name}`)
      this.#stream = null
      return `Stopped “${name}”.`
    })
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
        this.#params.settled()
        this.#picker?.settled()
        this.#filled = ''
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
      const picked = (reason.problems ?? []).find(({ name }) => name === this.#picker?.param)
      if (picked) this.#picker.fail(`${sentence(picked.detail).replace(/\.?$/, '.')}`)
      const others = this.#params.fail((reason.problems ?? []).filter((problem) => problem !== picked))
      showReason(element('refusal'), reason, others)
    }
    this.dispatchEvent(new CustomEvent('refused', { detail: { what, reason } }))
  }

  /** Whether the source is in a state that goes on by itself. */
  #settled() {
    return ['starting', 'live', 'waiting'].includes(this.source?.state) || this.source?.reason === 'unwatched'
  }

  #show() {
    const running = this.source
    const start = element('start'), stop = element('stop')
    const again = running && !this.#settled()
    const label = running ? again ? 'Start again' : 'Apply changes' : 'Start'
    start.textContent = this.#busy && this.#busy !== 'Stopping' ? `${this.#busy}…` : label
    start.setAttribute('aria-disabled', String(Boolean(this.#busy) || (running && !again && !this.#dirty()) || !this.#kind()))
    stop.textContent = this.#busy === 'Stopping' ? 'Stopping…' : 'Stop'
    stop.setAttribute('aria-disabled', String(Boolean(this.#busy) || !running))
    element('private-hint').textContent = this.#kind()?.private
      ? 'Streams of this source are private unless you say otherwise: they are played with a play or admin token only, and listed nowhere.'
      : 'Played with a play or admin token only, and listed nowhere.'
    this.#showState()
  }

  #showState() {
    const badge = element('source-badge'), running = this.source
    const { word, text } = standing(this.#stream, this.name)
    this.#playback.show(this.name, running)
    showCounters(element('counters'), this.administers ? running : null)
    badge.dataset.state = running?.state ?? (this.#stream?.live ? 'live' : 'idle')
    if (element('source-word').textContent !== word) element('source-word').textContent = word
    if (element('source-text').textContent !== text) element('source-text').textContent = text
    this.dispatchEvent(new CustomEvent('state'))
  }
}
