/**
 * The page at /: start a source, watch the stream, see what happens.
 *
 * @module home
 */
import { Control } from './control.js'
import { EventStream } from './events.js'
import { showFindings } from './findings.js'
import { Log } from './log.js'
import { numberOf } from './numbers.js'
import { Overlay } from './overlay.js'
import { isPreview } from './preview.js'
import { Screen } from './screen.js'
import { onToken, token } from './token.js'

const element = (id) => document.getElementById(id)
const key = 'weir.home'
const usual = 'test'

const log = new Log(element('log'), element('log-empty'))
const control = new Control()
/** The picture; other scripts may look at it. */
export const screen = new Screen()
const overlay = new Overlay(element('overlay'), screen, element('video'))
const events = new EventStream('0')

/** What outlives a reload: for this tab alone. */
const kept = read()

function read() {
  try {
    return { stream: usual, connected: '', figures: false, ...JSON.parse(sessionStorage.getItem(key) ?? '{}') }
  } catch {
    return { stream: usual, connected: '', figures: false }
  }
}

function keep(change) {
  Object.assign(kept, change)
  try {
    sessionStorage.setItem(key, JSON.stringify(kept))
  } catch {
    // Then nothing outlives a reload.
  }
}

/* The stream's source */

control.addEventListener('name', () => {
  keep({ stream: control.name || kept.stream })
  element('publish').href = `/publish/${encodeURIComponent(control.name || kept.stream)}`
  screen.wanted = control.name
  showConnect()
})
control.addEventListener('connect', connect)
control.addEventListener('watch', () => (screen.connected && screen.name === control.name) || connect())
control.addEventListener('state', () => {
  screen.fed = screen.name === control.name ? control.fed : undefined
  showFindings(element('findings'), control.findings)
})
control.addEventListener('done', ({ detail }) => {
  log.say(detail)
  element('announcement').textContent = detail
})
control.addEventListener('refused', ({ detail: { what, reason } }) => log.say(`${what}: ${reason.detail}`, true))
control.addEventListener('access', () => {
  if (control.administers) events.start()
  else events.close()
  showEvents()
})
onToken(() => {
  overlay.forget()
  log.say(token() ? 'A token is used.' : 'The token is forgotten.')
  events.close()
  control.administers = null
  control.load()
})

/* The picture */

/** Where the form and the picture stand one below the other. */
const narrow = matchMedia('(max-width: 59.99rem)')
let pictureFirst = false // since somebody has connected

/** Puts the picture before the form, or the form before the picture: in the document, so that Tab goes as the eye does. */
function arrange() {
  const [form, view] = [element('control'), element('view')]
  const isFirst = Boolean(view.compareDocumentPosition(form) & Node.DOCUMENT_POSITION_FOLLOWING)
  if ((narrow.matches && pictureFirst) === isFirst) return
  const focused = document.activeElement
  if (isFirst) view.before(form)
  else view.after(form) // a video that is moved would stop
  if (form.contains(focused)) focused.focus({ preventScroll: true })
}
narrow.addEventListener('change', arrange)

function connect() {
  if (screen.connected && screen.name === control.name) {
    log.say(`Disconnected from “${screen.name}”.`)
    screen.disconnect()
    element('announcement').textContent = 'Disconnected'
    keep({ connected: '' })
  } else if (control.demandName()) {
    keep({ connected: control.name })
    screen.connect(control.name)
    pictureFirst = true
    arrange()
    if (narrow.matches) element('view').scrollIntoView()
  }
  showConnect()
}

function showConnect() {
  const same = screen.connected && screen.name === control.name
  element('connect').textContent = same ? 'Disconnect' : 'Connect'
  element('connect').classList.toggle('primary', !same)
  element('connect').setAttribute('aria-disabled', String(!control.name))
}

element('connect').addEventListener('click', connect)

let saidLast = ''
screen.addEventListener('statechange', ({ detail: { state, reason, name } }) => {
  const text = {
    connecting: reason ? '' : `Connecting to “${name}”.`,
    playing: `Connected to “${name}”.`,
    interrupted: `The connection to “${name}” broke; it is being repaired.`,
    waiting: reason?.code === 'stream_not_live' ? `Nobody publishes “${name}” yet; waiting for it.` : reason?.detail,
    refused: [reason?.detail, reason?.remedy].filter(Boolean).join(' '),
  }[state]
  // Each try fails for the same reason: once is enough.
  if (text && text !== saidLast) log.say(text, state === 'refused' || (state === 'waiting' && reason.code !== 'stream_not_live'))
  if (text) saidLast = text
  if (state === 'playing') control.refreshSoon()
})
screen.addEventListener('picture', ({ detail }) => log.say(`First picture of “${screen.name}” after ${numberOf(detail)} ms.`))

overlay.addEventListener('figures', ({ detail: figures }) => {
  const video = figures?.video
  screen.hears = figures?.audio.bitRate > 0
  const text = video?.width
    ? [`${video.width} × ${video.height}`, video.frameRate !== undefined && `${Math.round(video.frameRate)} fps`, video.codec].filter(Boolean).join(' · ')
    : ''
  if (element('summary').textContent !== text) element('summary').textContent = text
})

function showFigures(open) {
  overlay.open = open
  element('more').setAttribute('aria-expanded', String(open))
  keep({ figures: open })
}
element('more').addEventListener('click', () => showFigures(!overlay.open))

/* What happens */

let everOpen = false, lostEvents = false
events.addEventListener('event', ({ detail: event }) => {
  if (!isPreview(event.data.stream)) log.tell(event)
  if (/^file_/.test(event.name)) control.filesChanged()
  if (/^(stream|source|session|finding)_/.test(event.name)) control.refreshSoon()
})
events.addEventListener('missed', () => {
  log.say('Some of what happened was missed: the server was restarted, or it no longer knows.')
  control.load()
})
events.addEventListener('statechange', ({ detail: { state, reason } }) => {
  if (state === 'open') {
    if (everOpen) {
      overlay.forget()
      control.load()
    }
    if (lostEvents) log.say('The server is there again.')
    everOpen = true
    lostEvents = false
  }
  if (state === 'waiting' && everOpen && !lostEvents) {
    lostEvents = true
    log.say(`The server no longer tells what happens: ${reason.detail}`, true)
  }
  if (state === 'refused') control.load()
  showEvents()
})

function showEvents() {
  const text = control.administers === false
    ? 'This page only: what happens on the server is told to administrators.'
    : { open: '', closed: '', connecting: 'Connecting to the server’s events.', waiting: 'The server is asked again shortly.', refused: events.reason?.detail }[events.state] ?? ''
  if (element('events-state').textContent !== text) element('events-state').textContent = text
}

/* Keys, the way back, and the beginning */

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest('input, select, textarea')) return
  const button = { m: element('mute'), f: element('fullscreen'), i: element('more') }[event.key.toLowerCase()]
  if (button && !button.disabled) {
    event.preventDefault()
    button.click()
  }
})
addEventListener('pageshow', (event) => event.persisted && control.load())
document.addEventListener('visibilitychange', () => document.hidden || control.refreshSoon())
// Without events it is asked now and then.
setInterval(() => !document.hidden && events.state !== 'open' && control.refreshSoon(), 10_000)

/** The stream that an address asks for: /#stream=NAME. */
function asked() {
  return new URLSearchParams(location.hash.slice(1)).get('stream')
}
addEventListener('hashchange', () => {
  if (asked()) control.name = asked()
})

control.name = asked() ?? kept.stream
showFigures(kept.figures)
if (kept.connected) {
  log.say(`The page was loaded again: back to “${kept.connected}”.`)
  screen.connect(kept.connected)
  pictureFirst = true
}
arrange()
showConnect()
showEvents()
control.load()
