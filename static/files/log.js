/**
 * What happened, with times, the newest first: the server's events and the page's own doings.
 *
 * @module log
 */
import { titleOf } from './findings.js'

const most = 200
const mostKept = 60
const key = 'weir.log'

/**
 * @typedef {object} Line
 * @property {number} at Unix milliseconds
 * @property {string} text
 * @property {'server'|'page'} from
 * @property {boolean} [warning]
 */

/** The list in the page. The page's own lines outlive a reload. */
export class Log {
  #list
  #empty
  #own = []
  #seen = new Set()
  #begun = new Begun()

  /** @param {HTMLElement} list @param {HTMLElement} empty what stands there while there is nothing */
  constructor(list, empty) {
    this.#list = list
    this.#empty = empty
    try {
      this.#own = JSON.parse(sessionStorage.getItem(key) ?? '[]')
    } catch {
      // Nothing was kept.
    }
    for (const line of this.#own) this.#show(line)
  }

  /** Adds what the page did or saw. @param {string} text @param {boolean} [warning] */
  say(text, warning = false) {
    const line = { at: Date.now(), text, from: 'page', warning }
    this.#own.push(line)
    this.#own.splice(0, this.#own.length - mostKept)
    try {
      sessionStorage.setItem(key, JSON.stringify(this.#own))
    } catch {
      // It is kept as long as the page stands.
    }
    this.#show(line)
  }

  /** Adds an event of the server, once. @param {import('./events.js').ServerEvent} event */
  tell({ id, name, data }) {
    if (id && this.#seen.has(id)) return
    this.#seen.add(id)
    const how = this.#begun.tell(name, data)
    if (how === 'untrue') this.#list.querySelector(`[data-live="${CSS.escape(data.stream)}"]`)?.remove()
    if (how === 'silent') return
    const item = this.#show({ at: Date.parse(data.at) || Date.now(), text: sentenceOf(name, data), from: 'server', warning: data.level === 'warning' })
    if (name === 'stream_live') item.dataset.live = data.stream
  }

  /** @param {Line} line */
  #show({ at, text, from, warning }) {
    const time = document.createElement('time')
    time.dateTime = new Date(at).toISOString()
    time.textContent = clockOf(at)
    const words = document.createElement('span')
    words.textContent = warning ? `Warning: ${text}` : text
    const item = document.createElement('li')
    item.dataset.from = from
    item.dataset.at = at
    if (warning) item.dataset.level = 'warning'
    item.append(time, words)
    // Events that are replayed may be older than what is there.
    const older = [...this.#list.children].find((other) => Number(other.dataset.at) <= at)
    this.#list.insertBefore(item, older ?? null)
    while (this.#list.childElementCount > most) this.#list.lastElementChild.remove()
    this.#empty.hidden = true
    return item
  }
}

/** The kinds of source whose media come from elsewhere: an event of its own tells when they have come. */
const awaiting = new Set(['ffmpeg', 'whep'])

/**
 * Knows which streams have a source that waits for its media. Such a stream is published, and ended, at each try; its viewers
 * see nothing of it.
 */
export class Begun {
  #awaited = new Set() // names

  /**
   * Takes the next event.
   * @param {string} name
   * @param {{stream?: string, source?: string}} data
   * @returns {'told'|'silent'|'untrue'} silent: it is nothing to tell. untrue: nor was that the stream is live, which came before
   */
  tell(name, { stream, source }) {
    const awaited = this.#awaited.has(stream)
    if (name === 'source_started' && awaiting.has(source)) {
      this.#awaited.add(stream)
      return awaited ? 'told' : 'untrue'
    }
    if (['source_live', 'source_failed', 'source_stopped', 'source_started', 'source_idle'].includes(name)) this.#awaited.delete(stream)
    return awaited && ['stream_live', 'stream_ended'].includes(name) ? 'silent' : 'told'
  }
}

/** Hours, minutes, seconds and tenths here. @param {number} at Unix milliseconds */
export function clockOf(at) {
  const date = new Date(at)
  const two = (number) => String(number).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${Math.floor(date.getMilliseconds() / 100)}`
}

const reasons = {
  token_revoked: 'its token was revoked, or lost the right', playing_closed: 'playing needs a token now',
  shutdown: 'the server ends', ended_by_operator: 'somebody who administers the server ended it', taken_over: 'another source took over',
  stopped: 'it was stopped', stream_became_private: 'the stream became a private one', changed: 'it was changed',
  ended: 'its media came to an end', unpublished: 'it was stopped', unwatched: 'nobody watches any more',
}

/** Why the session of somebody ended; who: 'the player'. */
const sessionReasons = (who) => ({
  ...reasons, deleted: `${who} left`, setup_timeout: 'it was not connected in time', ice_failed: `no way to ${who} was found`,
  dtls_failed: 'the encrypted connection could not be made', consent_expired: `nothing came from ${who} any more`,
  peer_closed: `${who} closed the connection`, failed: 'of an error in the server; its log says more',
  codec_changed: 'the publisher changed to a codec that was not agreed upon', taken_over: `${who} has published again`,
  too_many_streams: `${who} sent more streams than belong to one session`,
})

/** Who has a session, by the protocol that it was made by, and what that one wanted. */
const parties = {
  whep: { who: 'A viewer', wanted: 'asked for', reasons: sessionReasons('the player') },
  whip: { who: 'A publisher', wanted: 'wants to feed', reasons: sessionReasons('the publisher') },
}
const partyOf = (protocol) => parties[protocol] ?? parties.whep
/** A stream ends with its publisher's session, or with its source. */
const endReasons = { ...parties.whip.reasons, taken_over: reasons.taken_over, failed: 'what fed it broke down' }

const sentences = {
  stream_live: ({ stream, reason }) => `${quoted(stream)} is live${because(reason)}.`,
  stream_ended: ({ stream, reason }) => `${quoted(stream)} is no longer live${because(reason, endReasons)}.`,
  session_created: ({ stream, remote, protocol }) =>
    `${partyOf(protocol).who}${remote ? ` at ${remote}` : ''} ${partyOf(protocol).wanted} ${quoted(stream)} and got an answer.`,
  session_connected: ({ stream, protocol, duration_ms: took }) =>
    `${partyOf(protocol).who} of ${quoted(stream)} is connected${took === undefined ? '' : `, after ${spanOf(took)}`}.`,
  session_ended: ({ stream, protocol, reason, duration_ms: lasted }) =>
    `${partyOf(protocol).who} of ${quoted(stream)} is gone${lasted === undefined ? '' : ` after ${spanOf(lasted)}`}${because(reason, partyOf(protocol).reasons)}.`,
  source_started: ({ stream, source }) => `Source ${source ?? ''} of ${quoted(stream)} started${awaiting.has(source) ? ' and waits for its media' : ''}.`,
  source_live: ({ stream, source }) => `Source ${source ?? ''} of ${quoted(stream)} has its media and is live.`,
  source_changed: ({ stream, source }) => `Source ${source ?? ''} of ${quoted(stream)} has new parameters.`,
  source_idle: ({ stream, source }) => `Source ${source ?? ''} of ${quoted(stream)} waits for somebody to watch.`,
  source_waiting: ({ stream, source, reason, duration_ms: after }) =>
    `Source ${source ?? ''} of ${quoted(stream)} ${after === undefined ? 'gets no media and goes on trying' : 'broke down and is started again'}${because(reason)}.`,
  source_failed: ({ stream, source, reason }) => `Source ${source ?? ''} of ${quoted(stream)} has failed${because(reason)}.`,
  push_live: ({ stream }) => `${quoted(stream)} is pushed to another server.`,
  push_idle: ({ stream }) => `The push of ${quoted(stream)} waits for the stream to be live.`,
  push_starting: ({ stream }) => `The push of ${quoted(stream)} connects to the other server.`,
  push_waiting: ({ stream, reason }) => `The push of ${quoted(stream)} broke off and is tried again${because(reason)}.`,
  push_failed: ({ stream, reason }) => `The push of ${quoted(stream)} has failed${because(reason)}.`,
  push_stopped: ({ stream }) => `${quoted(stream)} is no longer pushed to another server.`,
  file_stored: ({ file }) => `The file ${file ?? ''} is there.`,
  file_deleted: ({ file }) => `The file ${file ?? ''} is gone.`,
  finding_raised: ({ stream, text }) => `The publisher of ${quoted(stream)} should change something: ${text}`,
  finding_cleared: ({ stream, code }) => `The publisher of ${quoted(stream)} has put it right: ${titleOf(code)}.`,
  source_stopped: ({ stream, source, reason }) => `Source ${source ?? ''} of ${quoted(stream)} stopped${because(reason === 'stopped' ? '' : reason)}.`,
}

/**
 * Says an event in a sentence; an unknown one by its name and what it carries.
 * @param {string} name
 * @param {object} data
 * @returns {string}
 */
export function sentenceOf(name, data) {
  const known = sentences[name]
  if (known) return known(data).replace(/ {2,}/g, ' ').replace(/^a /, 'A ')
  const rest = Object.entries(data).filter(([field]) => !['at', 'level'].includes(field)).map(([field, value]) => `${field} ${value}`)
  return [name.replaceAll('_', ' '), ...rest].join(', ')
}

function quoted(stream) {
  return stream ? `“${stream}”` : 'a stream'
}

function because(reason, known = reasons) {
  if (!reason) return ''
  return `: ${known[reason] ?? reason.replace(/\.$/, '')}`
}

/** Writes a span of time. @param {number} milliseconds */
export function spanOf(milliseconds) {
  if (milliseconds < 950) return `${Math.round(milliseconds)} ms`
  const seconds = milliseconds / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 59.5) return `${Math.round(seconds)} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
