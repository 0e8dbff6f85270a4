/**
 * One stream of the page at /streams, with its viewers.
 *
 * @module streamrow
 */
import { call } from './api.js'
import { countOf, showFindings } from './findings.js'
import { sentence } from './form.js'
import { spanOf } from './log.js'
import { showReason } from './notice.js'
import { numberOf } from './numbers.js'
import { Pushes } from './pushes.js'
import { eventsTell, wordOf } from './standing.js'

const codecNames = { opus: 'Opus' }
let rowsMade = 0

/**
 * @typedef {object} Hooks
 * @property {(title: string, text: string, yes: string) => Promise<boolean>} confirm
 * @property {() => void} changed something was ended
 * @property {(reason: import('./api.js').Reason) => void} refused
 */

/** The row. */
export class StreamRow {
  /** @type {HTMLLIElement} */
  element = document.createElement('li')
  #name
  #hooks
  #stream = null
  #parts
  #asking = null
  #soon = 0
  #pushes

  /** @param {string} name @param {Hooks} hooks */
  constructor(name, hooks) {
    this.#name = name
    this.#hooks = hooks
    const id = `row-${++rowsMade}`
    this.element.append(document.getElementById('row-template').content.cloneNode(true))
    for (const one of this.element.querySelectorAll('[id], [for], [aria-labelledby], [aria-controls], [aria-describedby]')) {
      for (const attribute of ['id', 'for', 'aria-labelledby', 'aria-controls', 'aria-describedby']) {
        if (one.hasAttribute(attribute)) one.setAttribute(attribute, `${id}-${one.getAttribute(attribute)}`)
      }
    }
    const find = (selector) => this.element.querySelector(selector)
    this.#parts = {
      heading: find('h2'), badge: find('.badge'), word: find('.badge b'), viewers: find('[data-of=viewers]'), codecs: find('[data-of=codecs]'),
      watch: find('[data-do=watch]'), publish: find('[data-do=publish]'), change: find('[data-do=change]'), toggle: find('[data-do=viewers]'),
      advise: find('[data-do=findings]'), stop: find('[data-do=stop]'), why: find('.why'), advice: find('.advice'), findings: find('[data-of=findings]'),
      pushes: find('[data-do=pushes]'), pushed: find('.pushes'), box: find('.viewers'), notice: find('.viewers .notice'), none: find('.viewers [data-of=none]'), scroll: find('.scroll'), body: find('tbody'),
    }
    this.#parts.heading.textContent = name
    this.#parts.scroll.setAttribute('aria-label', `Viewers of ${name}`)
    this.#parts.watch.href = `/watch/${encodeURIComponent(name)}`
    this.#parts.publish.href = `/publish/${encodeURIComponent(name)}`
    this.#parts.change.href = `/#stream=${encodeURIComponent(name)}`
    this.#parts.stop.addEventListener('click', () => this.#stop())
    this.#parts.toggle.addEventListener('click', () => this.#toggle())
    this.#parts.pushed.setAttribute('aria-label', `Where ${name} is pushed to`)
    this.#parts.pushes.addEventListener('click', () => this.#showPushes(this.#parts.pushed.hidden))
    this.#pushes = new Pushes(name, this.#parts.pushed)
    this.#parts.advise.addEventListener('click', () => this.#advise(this.#parts.advice.hidden))
  }

  /**
   * Shows how the stream is now.
   * @param {object} stream as the API describes it, to administrators or to everybody
   * @param {boolean} administers
   */
  show(stream, administers) {
    this.#stream = stream
    const { source } = stream, parts = this.#parts
    const state = source?.state ?? (stream.live ? 'live' : 'idle')
    parts.badge.dataset.state = state
    say(parts.word, source ? wordOf(source) : stream.live ? 'Live' : stream.viewers > 0 ? 'Awaited' : 'Not live')
    this.#showKind(stream, administers)
    parts.viewers.hidden = !administers
    say(parts.viewers.lastElementChild, String(stream.viewers ?? 0))
    parts.codecs.hidden = stream.codecs.length === 0
    say(parts.codecs.lastElementChild, stream.codecs.map((codec) => codecNames[codec] ?? codec).join(', '))
    for (const part of ['change', 'toggle', 'pushes', 'stop']) parts[part].hidden = !administers || (['change', 'stop'].includes(part) && !source)
    if (!administers) this.#showPushes(false)
    parts.publish.hidden = !administers || Boolean(source) // what is fed from elsewhere can be taken over
    const why = source && ['waiting', 'failed'].includes(state) ? source.reason : ''
    parts.why.hidden = !why
    parts.why.dataset.state = state
    say(parts.why, why && `${sentence(why).replace(/\.$/, '')}.`)
    if (!administers && !parts.box.hidden) this.#toggle()
    this.#showFindings(stream.findings ?? [])
  }

  /** Whether an event will tell when it stands otherwise. */
  get settled() { return eventsTell(this.#stream?.source) }

  #showFindings(findings) {
    const { advise, advice, findings: list } = this.#parts
    advise.hidden = findings.length === 0
    say(advise, countOf(findings))
    showFindings(list, findings)
    if (findings.length === 0 && !advice.hidden) this.#advise(false)
  }

  #advise(open) {
    const { advise, advice, findings: list } = this.#parts
    advice.hidden = !open
    advise.setAttribute('aria-expanded', String(open))
    if (open && list.childElementCount === 1) list.firstElementChild.open = true
  }

  #showKind({ source, live, private: hidden }, administers) {
    const heading = this.#parts.heading
    const kind = administers ? [source?.kind ?? (live ? 'fed from elsewhere' : 'nothing feeds it'), hidden && 'private'].filter(Boolean).join(', ') : ''
    if (heading.dataset.kind === kind) return
    heading.dataset.kind = kind
    heading.replaceChildren(this.#name, ...(kind ? [Object.assign(document.createElement('small'), { textContent: kind })] : []))
  }

  #showPushes(open) {
    const { pushes, pushed } = this.#parts
    if (open === !pushed.hidden) return
    pushed.hidden = !open
    pushes.setAttribute('aria-expanded', String(open))
    if (open) this.#pushes.load()
  }

  /** Somebody came or went. */
  viewersChanged() {
    if (this.#parts.box.hidden) return
    if (this.#soon) return
    this.#soon = setTimeout(() => {
      this.#soon = 0
      this.#ask()
    }, 500)
  }

  /** Some seconds have passed. */
  tick() {
    if (!this.#parts.box.hidden) this.#ask()
    if (!this.#parts.pushed.hidden) this.#pushes.load()
  }

  #toggle() {
    const { box, toggle } = this.#parts
    box.hidden = !box.hidden
    toggle.setAttribute('aria-expanded', String(!box.hidden))
    if (!box.hidden) this.#ask()
  }

  async #ask() {
    this.#asking?.abort()
    const { signal } = this.#asking = new AbortController()
    try {
      const query = new URLSearchParams({ stream: this.#name, limit: 200 })
      const { sessions, next } = await call('GET', `/api/v1/sessions?${query}`, undefined, signal)
      showReason(this.#parts.notice, null)
      this.#showViewers(sessions, next)
    } catch (error) {
      if (signal.aborted) return
      if (!error.reason) throw error
      showReason(this.#parts.notice, error.reason)
    }
  }

  #showViewers(sessions, more) {
    const { none, scroll, body } = this.#parts
    none.hidden = sessions.length > 0 && !more
    say(none, more ? `The first ${sessions.length} are listed.` : 'Nobody watches.')
    scroll.hidden = sessions.length === 0
    const known = new Map([...body.children].map((row) => [row.dataset.id, row]))
    for (const session of sessions) {
      const row = known.get(session.id) ?? this.#viewer(session.id)
      known.delete(session.id)
      for (const [i, text] of cellsOf(session).entries()) say(row.children[i], text)
      row.querySelector('button').setAttribute('aria-label', `End the session of ${session.remote}`)
      if (!row.isConnected) body.append(row)
    }
    for (const row of known.values()) row.remove()
  }

  #viewer(id) {
    const row = document.getElementById('viewer-template').content.firstElementChild.cloneNode(true)
    row.dataset.id = id
    row.querySelector('button').addEventListener('click', ({ target }) => this.#end(id, target))
    return row
  }

  async #end(id, button) {
    await this.#do(button, () => call('DELETE', `/api/v1/sessions/${id}`))
    this.#ask()
  }

  async #stop() {
    const viewers = this.#stream?.viewers ?? 0
    if (viewers > 0) {
      const watching = viewers === 1 ? 'One viewer is watching.' : `${viewers} viewers are watching.`
      if (!await this.#hooks.confirm(`Stop “${this.#name}”?`, `${watching} The picture goes dark until the stream is started again.`, 'Stop it')) return
    }
    await this.#do(this.#parts.stop, () => call('DELETE', `/api/v1/streams/${this.#name}`))
  }

  async #do(button, action) {
    if (button.getAttribute('aria-disabled') === 'true') return
    button.setAttribute('aria-disabled', 'true')
    try {
      await action()
    } catch (error) {
      if (!error.reason) throw error
      // Somebody else was quicker: that is what was wanted.
      if (error.reason.status !== 404) this.#hooks.refused(error.reason)
    } finally {
      button.removeAttribute('aria-disabled')
      this.#hooks.changed()
    }
  }
}

/** What a viewer's row says. */
function cellsOf({ remote, token, media = [], connected, state, age_ms: age }) {
  const codecs = [...new Set(media.map(({ codec }) => codecNames[codec] ?? codec))].join(', ')
  // Receivers report from time to time: before the first one nothing is known.
  const told = media.filter(({ reports }) => reports > 0)
  const worst = (key) => told.length > 0 ? Math.max(...told.map((one) => one[key] ?? 0)) : undefined
  const loss = worst('loss'), roundTrip = worst('rtt_ms')
  return [
    token ? `${remote} (${token})` : remote, codecs, connected ? 'connected' : state || 'connecting', spanOf(age),
    loss === undefined ? '–' : `${numberOf(loss * 100, loss > 0 ? 1 : 0)} %`,
    roundTrip > 0 ? `${numberOf(roundTrip, roundTrip < 10 ? 1 : 0)} ms` : '–',
  ]
}

function say(target, text) {
  if (target.textContent !== text) target.textContent = text
}
