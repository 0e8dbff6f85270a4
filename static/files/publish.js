/**
 * The page at /publish/{stream}: a camera or a screen, from the browser into a stream. It publishes by whip.js, opens devices
 * by capture.js and says in the words of publishwords.js how it stands.
 *
 * @module publish
 */
import { fillAccess } from './access.js'
import { authorization, call, reasonOf } from './api.js'
import { Capture, unavailable } from './capture.js'
import { showFindings } from './findings.js'
import { spanOf } from './log.js'
import { Meter } from './meter.js'
import { showReason } from './notice.js'
import { numberOf } from './numbers.js'
import { PublishForm } from './publishform.js'
import { limits, publishWords, wantsToken } from './publishwords.js'
import { figuresOf, sentIn } from './sending.js'
import { copy, isLocal, linksTo } from './share.js'
import { loudness, silence } from './sound.js'
import { onToken, setToken, token } from './token.js'
import { WHIPPublisher } from './whip.js'

const element = (id) => document.getElementById(id)
const [stage, video, go, again, access, note, figures] = ['stage', 'video', 'go', 'again', 'access', 'note', 'figures'].map(element)
const name = decodeURIComponent(location.pathname.split('/').filter(Boolean).at(-1))
const profile = `/api/v1/streams/${encodeURIComponent(name)}/obs-profile`

const form = new PublishForm()
const capture = new Capture()
const meter = new Meter(sentIn, figuresOf)
/** The page's publisher; other scripts may look at it. */
export const publisher = new WHIPPublisher(`/whip/${encodeURIComponent(name)}`, { token: token() })

/** Seconds for which a limit has to hold before it is told: every session begins slowly. */
const patience = 8

/** By so many dB the meter falls in a tenth of a second, so that the eye can follow. */
const fall = 2

/** What the page knows besides. */
const known = { unavailable: unavailable(), access: 'asked', opening: false, missing: null }
const muted = { audio: false, video: false }
let liveSince = 0, limitedFor = 0, viewers, administers = null, tokenSeen = token() // null: not known

document.title = `Publish ${name} – Weir`
element('name').textContent = name
fillAccess(access, 'To publish')

/* Who may publish */

/** The profile for OBS is for those who may publish: asking for it tells whether this page's token does. */
async function askAccess() {
  known.access = 'asked'
  show()
  const response = await fetch(profile, { method: 'HEAD', headers: authorization(), cache: 'no-store' }).catch(() => null)
  // A server that cannot be asked says so when it is published to.
  known.access = wantsToken(response) ? { status: response.status, hasToken: token() !== '' } : 'granted'
  show()
  if (known.access !== 'granted') element('token').focus()
}

onToken((value) => {
  if (value === tokenSeen) return
  tokenSeen = value
  publisher.token = value
  administers = null
  askAccess().then(() => known.access === 'granted' && publisher.state === 'refused' && publisher.retry())
})

/* What is sent */

async function open(kind) {
  if (known.opening) return
  known.opening = true
  known.missing = null
  show()
  const missing = await capture.open(kind, form.wishes)
  known.opening = false
  known.missing = missing
  tell(missing && capture.kind ? [missing.detail, missing.remedy].join(' ') : '')
  show()
}

/** Something else is open: the own view and, while live, the viewers get it. */
function changed() {
  for (const kind of ['audio', 'video']) {
    const track = capture[kind]
    if (track) track.enabled = !muted[kind]
    if (['idle', 'closed'].includes(publisher.state)) continue
    publisher.replaceTrack(kind, track).catch(() => publisher.retry()) // another kind of track: a new session takes any
  }
  video.srcObject = capture.video && new MediaStream([capture.video])
  form.show(capture.kind)
  publisher.configure(form.options(capture.kind))
  show()
}

capture.addEventListener('change', changed)
capture.addEventListener('devices', () => form.list())
capture.addEventListener('ended', ({ detail: what }) => {
  if (what === 'microphone') tell('The microphone is gone: there is no sound any more. Plug it in, or choose another one.')
  else known.missing = { code: `${what}_ended`, detail: 'Nobody sees a picture now.', remedy: 'Choose what to send.' }
  show()
})
form.addEventListener('change', async ({ detail: what }) => {
  publisher.configure(form.options(capture.kind))
  if (what === 'camera' && capture.kind === 'camera') open('camera')
  if (['microphone', 'sound'].includes(what) && capture.kind) {
    const missing = await capture.changeMicrophone(form.wishes)
    tell(missing ? [missing.detail, missing.remedy].join(' ') : '')
  }
  if (['height', 'rate'].includes(what)) capture.resize(form.wishes)
  // These are agreed upon when a session is made. The new one takes the stream over from the old: viewers stay.
  if (['codec', 'sound'].includes(what) && !['idle', 'refused'].includes(publisher.state)) publisher.retry()
  show()
})

/* Live */

function toggleLive() {
  if (publisher.state !== 'idle') publisher.stop()
  else if (capture.kind) publisher.start(new MediaStream([capture.video, capture.audio].filter(Boolean)))
}

publisher.addEventListener('statechange', () => {
  const { state, reason } = publisher
  if (state === 'publishing') liveSince ||= Date.now()
  if (['idle', 'refused'].includes(state)) liveSince = 0
  if (state === 'refused' && wantsToken(reason)) known.access = { status: reason.status, hasToken: token() !== '' }
  show()
})

function mute(kind) {
  muted[kind] = !muted[kind]
  if (capture[kind]) capture[kind].enabled = !muted[kind]
  show()
}

/* What is said */

const badges = {
  publishing: 'Live', connecting: 'Connecting', interrupted: 'Connecting', waiting: 'Waiting', refused: 'Not live', idle: 'Not live',
}

/** Puts the words into the page. What stays the same is not touched: a screen reader would say it again. */
function show() {
  const said = publishWords({ name, publisher, kind: capture.kind, ...known })
  const covered = Boolean(said.headline), live = publisher.state === 'publishing'
  stage.dataset.state = covered ? 'curtain' : 'playing'
  stage.toggleAttribute('data-busy', Boolean(said.busy))
  if (covered) for (const part of ['headline', 'detail', 'remedy']) say(part, said[part])
  say('countdown', said.countdown)
  element('address').hidden = !said.address
  element('address').firstElementChild.textContent = said.address ?? ''
  showLists(said.lists ?? {})
  access.hidden = !said.token
  element('choose').hidden = !said.choose
  again.hidden = !said.button
  if (said.button) say('again', said.button)

  video.toggleAttribute('data-mirrored', capture.kind === 'camera' && form.mirrored)
  element('alone').hidden = covered || Boolean(capture.video)
  element('preview').hidden = covered || publisher.state !== 'idle'
  element('badge').dataset.state = live ? 'live' : publisher.state
  say('badge-word', badges[publisher.state])
  say('announcement', covered ? [`${said.headline}.`, said.detail, said.remedy].filter(Boolean).join(' ') : live ? 'You are live.' : '')
  say('go', publisher.state === 'idle' ? 'Go live' : 'End')
  go.classList.toggle('primary', publisher.state === 'idle')
  go.classList.toggle('danger', publisher.state !== 'idle')
  go.disabled = publisher.state === 'idle' && (!capture.kind || known.access !== 'granted')
  for (const kind of ['audio', 'video']) {
    const button = element(`mute-${kind}`)
    button.disabled = !capture[kind]
    button.setAttribute('aria-pressed', String(muted[kind]))
  }
  element('level').hidden = !capture.audio
  element('token-kept').hidden = !token() || known.access !== 'granted'
}

function say(id, text = '') {
  const target = element(id)
  if (target.textContent !== text) target.textContent = text
}

/** Says something beside the picture; '' takes it away. */
function tell(text) {
  say('note', text)
  note.hidden = !text
}

function showLists(lists) {
  const rows = Object.entries(lists).filter(([, values]) => values?.length)
  const list = element('lists'), key = JSON.stringify(rows)
  if (list.dataset.key === key) return
  list.dataset.key = key
  list.hidden = rows.length === 0
  list.replaceChildren(...rows.flatMap(([term, values]) => row(term, values.join(', '))))
}

function row(term, value) {
  return [['dt', term], ['dd', value]].map(([tag, textContent]) => Object.assign(document.createElement(tag), { textContent }))
}

/* Once a second: what goes out */

async function measure() {
  const live = publisher.state === 'publishing'
  const sent = live ? await meter.measure(publisher.peerConnection).catch(() => null) : null
  figures.hidden = !sent
  if (!sent) {
    say('summary', '')
    return
  }
  const { video: picture, audio: sound } = sent
  const whole = (value, unit) => value === undefined ? '' : `${numberOf(value)} ${unit}`
  const size = picture.width ? `${picture.width} × ${picture.height}` : ''
  say('summary', [size, whole(picture.frameRate, 'fps'), picture.codec].filter(Boolean).join(' · '))
  showLimit(picture.limited)
  const rows = {
    'Live for': spanOf(Date.now() - liveSince), 'Viewers': viewers ?? '', 'Picture': size, 'Frames': whole(picture.frameRate, 'fps'),
    'Video': [picture.codec, whole(picture.bitRate, 'kbit/s')].filter(Boolean).join(' · '),
    'Sound': [sound.codec, whole(sound.bitRate, 'kbit/s')].filter(Boolean).join(' · '),
    'Held back by': { cpu: 'this machine', bandwidth: 'the connection', none: 'nothing' }[picture.limited] ?? '',
    'Round trip': whole(sent.roundTrip, 'ms'), 'Lost on the way': sent.loss === undefined ? '' : `${numberOf(sent.loss * 100, sent.loss > 0 ? 1 : 0)} %`,
    'Packets sent again': picture.resent ?? '', 'Key frames asked for': picture.keyFrameRequests ?? '',
  }
  figures.replaceChildren(...Object.entries(rows).filter(([, value]) => value !== '').map(([term, value]) => {
    const group = document.createElement('div')
    group.append(...row(term, value))
    return group
  }))
}

function showLimit(limit) {
  limitedFor = limits[limit] ? limitedFor + 1 : 0
  if (limitedFor === patience) tell(limits[limit])
  else if (limitedFor === 0 && Object.values(limits).includes(note.textContent)) tell('')
}

/** Whether this page's token may administer; null where that cannot be known now. The list, which all may ask for, tells it. */
async function mayAdminister() {
  const { streams } = await call('GET', '/api/v1/streams?limit=1').catch(() => ({}))
  return streams ? streams.some((stream) => 'viewers' in stream) : null
}

/** Who administers is told how many watch, and what the coach has found. */
async function askStream() {
  let stream = {}
  if (token() && publisher.state === 'publishing') {
    administers ??= await mayAdminister()
    if (administers) stream = await call('GET', `/api/v1/streams/${encodeURIComponent(name)}`).catch(({ reason }) => {
      if (wantsToken(reason)) administers = false
      return {}
    })
  }
  viewers = stream.viewers
  showFindings(element('findings'), stream.findings)
}

/** Ten times a second: how loud it is. The colour, the word and what a screen reader is told change once a second. */
let peak = -Infinity, shown = -Infinity, ticks = 0
function listen() {
  if (element('level').hidden) return
  const level = muted.audio ? -Infinity : capture.sound.level(), bar = element('level-bar')
  shown = Math.max(level, shown - fall)
  bar.style.setProperty('--level', String(Math.min(1, Math.max(0, 1 - shown / silence))))
  peak = Math.max(peak, level)
  if (++ticks % 10 !== 0) return
  const word = muted.audio ? 'muted' : loudness(peak)
  bar.dataset.loudness = word
  say('level-word', word[0].toUpperCase() + word.slice(1))
  bar.setAttribute('aria-valuenow', String(Math.round(Math.max(silence, Math.min(0, peak)))))
  bar.setAttribute('aria-valuetext', word)
  peak = -Infinity
}

/* Where it is watched, and OBS */

function showLink() {
  const { link } = linksTo(location.origin, name)
  element('link').value = link
  element('watch').href = link
  element('local').hidden = !isLocal(location.hostname)
}

element('copy').addEventListener('click', async () => {
  const worked = await copy(element('link'))
  say('copy', worked ? 'Copied' : 'Press Ctrl+C')
  say('copied', worked ? 'Copied.' : 'The text is selected, press Ctrl+C to copy it.')
  setTimeout(() => { say('copy', 'Copy'); say('copied') }, 2_500)
})

element('obs').addEventListener('click', async () => {
  let reason = { code: 'unreachable', detail: 'The server does not answer.', remedy: 'It may be restarting, or this device may be offline.' }
  const response = await fetch(profile, { headers: authorization(), cache: 'no-store' }).catch(() => null)
  if (response?.ok) {
    const address = URL.createObjectURL(await response.blob())
    Object.assign(document.createElement('a'), { href: address, download: `weir-${name}.zip` }).click()
    setTimeout(() => URL.revokeObjectURL(address), 60_000)
    reason = null
  } else if (response) {
    reason = await reasonOf(response)
  }
  showReason(element('obs-reason'), reason)
})

/* Buttons, keys, and the beginning */

go.addEventListener('click', toggleLive)
again.addEventListener('click', () => publisher.retry())
element('use-camera').addEventListener('click', () => open('camera'))
element('use-screen').addEventListener('click', () => open('screen'))
element('other').addEventListener('click', () => open(capture.kind === 'screen' ? 'camera' : 'screen'))
element('mute-audio').addEventListener('click', () => mute('audio'))
element('mute-video').addEventListener('click', () => mute('video'))
element('token-forget').addEventListener('click', () => setToken(''))
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest('input, select, textarea')) return
  const button = { m: element('mute-audio'), v: element('mute-video') }[event.key.toLowerCase()]
  if (button && !button.disabled) {
    event.preventDefault()
    button.click()
  }
})
setInterval(() => { measure(); show() }, 1000)
setInterval(askStream, 3000)
setInterval(listen, 100)

showLink()
form.show('')
form.list()
askAccess()
