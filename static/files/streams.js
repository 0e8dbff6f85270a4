/**
 * The page at /streams: what is live, and for administrators who watches it.
 *
 * @module streams
 */
import { accessError, fillAccess, tokenTrouble } from './access.js'
import { call, wantsToken } from './api.js'
import { confirm } from './confirm.js'
import { EventStream } from './events.js'
import { showReason } from './notice.js'
import { StreamRow } from './streamrow.js'
import { onToken, setToken, token } from './token.js'

const element = (id) => document.getElementById(id)
const pageSize = 100

const events = new EventStream()
/** @type {Map<string, StreamRow>} */
const rows = new Map()
let pages = 1
let administers = null
let asking = null
let answered = Promise.resolve()
let askedAt = 0
let soon = 0

/** Asks what there is; all pages that are shown. */
function load() {
  asking?.abort()
  asking = new AbortController()
  askedAt = performance.now()
  answered = ask(asking.signal)
  return answered
}

async function ask(signal) {
  try {
    const found = []
    let after = ''
    for (let page = 0; page < pages; page++) {
      const query = new URLSearchParams({ limit: pageSize, ...(after && { after }) })
      const { streams, next = '' } = await call('GET', `/api/v1/streams?${query}`, undefined, signal)
      found.push(...streams)
      after = next
      if (!next) break
    }
    await knowAccess(found, signal)
    show(found, after)
  } catch (error) {
    if (signal.aborted) return
    if (!error.reason) throw error
    fail(error.reason)
  }
}

/** The list says nothing about the token: whoever may not administer gets the public one. */
async function knowAccess(found, signal) {
  let reason = null
  if (!token()) administers = false
  else if (found.length > 0) administers = 'viewers' in found[0]
  if (token() && !(administers && found.length > 0)) {
    try {
      await call('GET', '/api/v1/sessions?limit=1', undefined, signal)
      administers = true
    } catch (error) {
      if (!wantsToken(error.reason ?? {})) throw error
      administers = false
      reason = error.reason
    }
  }
  if (administers) events.start()
  else events.close()
  accessError(element('access'), tokenTrouble(reason))
  element('access-box').hidden = administers
  if (reason) element('access-box').open = true
  element('token-kept').hidden = !token()
  showFollowing()
}

function show(streams, after) {
  showReason(element('reason'), null)
  for (const id of ['again', 'loading']) element(id).hidden = true
  const names = new Set(streams.map(({ name }) => name))
  for (const [name, row] of rows) {
    if (names.has(name)) continue
    row.element.remove()
    rows.delete(name)
  }
  for (const [i, stream] of streams.entries()) {
    let row = rows.get(stream.name)
    if (!row) {
      row = new StreamRow(stream.name, { confirm, changed: refreshSoon, refused: fail })
      rows.set(stream.name, row)
    }
    row.show(stream, administers)
    // Moved only where needed: it would lose the focus.
    if (element('list').children[i] !== row.element) element('list').insertBefore(row.element, element('list').children[i] ?? null)
  }
  element('list').hidden = streams.length === 0
  element('further').hidden = !after
  element('empty').hidden = streams.length > 0
  element('empty-text').textContent = administers
    ? 'Start a source, and it is listed here.'
    : 'Public streams are listed here as soon as they are live; private ones never are.'
  element('empty-action').textContent = administers ? 'Start a stream' : 'To the start page'
  const live = streams.filter((one) => one.live).length
  const viewers = streams.reduce((sum, one) => sum + (one.viewers ?? 0), 0)
  say('count', [`${live}${after ? ' or more' : ''} live`, administers && `${viewers} ${viewers === 1 ? 'viewer' : 'viewers'}`].filter(Boolean).join(', '))
}

function fail(reason) {
  element('loading').hidden = true
  showReason(element('reason'), reason)
  element('again').hidden = false
}

function say(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text
}

/** Asks again before long; however much happens, the server is not asked all the time. */
function refreshSoon() {
  if (soon) return
  soon = setTimeout(async () => {
    await answered
    soon = 0
    load()
  }, Math.max(100, askedAt + 500 - performance.now()))
}

function showFollowing() {
  const text = administers
    ? { open: 'Changes are shown as they happen', waiting: 'The server is asked again shortly', connecting: 'Connecting to the server’s events' }[events.state] ?? ''
    : 'Looked up every few seconds'
  say('following', text)
}

let everOpen = false
events.addEventListener('event', ({ detail: { name, data } }) => {
  if (!/^(stream|source|session|finding|push)_/.test(name)) return
  if (name.startsWith('push_')) rows.get(data.stream)?.tick()
  if (name.startsWith('session_')) rows.get(data.stream)?.viewersChanged()
  refreshSoon()
})
events.addEventListener('missed', refreshSoon)
events.addEventListener('statechange', () => {
  if (events.state === 'open') {
    if (everOpen) refreshSoon()
    everOpen = true
  }
  showFollowing()
})
onToken(() => {
  events.close()
  load()
})
addEventListener('pageshow', (event) => event.persisted && load())
document.addEventListener('visibilitychange', () => document.hidden || refreshSoon())
setInterval(() => {
  if (document.hidden) return
  if (events.state !== 'open' || [...rows.values()].some(({ settled }) => !settled)) load()
  for (const row of rows.values()) row.tick()
}, 5_000)
element('again').addEventListener('click', load)
element('token-forget').addEventListener('click', () => setToken(''))
element('further').addEventListener('click', () => {
  pages++
  load()
})

fillAccess(element('access'), 'To see private streams and viewers, and to stop streams')
load()
