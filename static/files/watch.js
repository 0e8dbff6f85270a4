/**
 * The player page: /watch/{stream}. It plays by whep.js and puts into words what that reports.
 *
 * @module watch
 */
import { WHEPPlayer } from './whep.js'

const element = (id) => document.getElementById(id)
const [stage, video, again, soundPrompt, mute, fullscreen, more, figures, note] = [
  'stage', 'video', 'again', 'sound-prompt', 'mute', 'fullscreen', 'more', 'figures', 'note',
].map(element)

const name = decodeURIComponent(location.pathname.split('/').pop())
/** The page's player; other scripts may look at it. */
export const player = new WHEPPlayer(`/whep/${encodeURIComponent(name)}`)

/** Milliseconds without a new picture after which the page says so. */
const stallAfter = 4_000
/** Milliseconds after which connecting has taken so long that the page says what it waits for. */
const patience = 4_000

/** When the newest picture was shown; 0 before the first one of a session. */
let pictureAt = 0
let connectingSince = 0
let last = null // the receivers' counters a second ago
let blocked = false // the browser does not let the video begin by itself

document.title = `${name} – Weir`
element('name').textContent = name

player.addEventListener('statechange', () => {
  if (player.state !== 'playing') pictureAt = 0
  if (player.state === 'connecting') connectingSince = performance.now()
  show()
})
player.addEventListener('track', ({ detail: { track, title } }) => {
  if (video.srcObject !== player.stream) {
    video.srcObject = player.stream
    note.hidden = true
    last = null
  }
  if (title) {
    note.textContent = title
    note.hidden = false
  }
  if (track.kind === 'audio') mute.disabled = false
  play()
})

async function play() {
  try {
    await video.play()
    blocked = false
  } catch (error) {
    blocked = error.name === 'NotAllowedError'
  }
  show()
}

function watchPictures() {
  video.requestVideoFrameCallback(() => {
    if (player.state === 'playing' && video.srcObject === player.stream) {
      if (pictureAt === 0) {
        performance.mark('picture')
        element('bar').hidden = false
        pictureAt = performance.now()
        show()
      }
      pictureAt = performance.now()
    }
    watchPictures()
  })
}
// Without frame callbacks the clock of the video tells that it moves.
if ('requestVideoFrameCallback' in video) watchPictures()
else video.addEventListener('timeupdate', () => { element('bar').hidden = false; pictureAt = performance.now(); show() })

/** Whether pictures come. A stream of sound alone has none and is playing all the same. */
function pictures() {
  const expected = player.stream?.getVideoTracks().length > 0
  // A page that is not looked at is shown no pictures.
  const recent = pictureAt > 0 && (document.hidden || performance.now() - pictureAt < stallAfter)
  return { expected, coming: !expected || recent }
}

/** What the page says, made from the player's state and nothing else. */
function words() {
  const { state, reason } = player
  const seconds = Math.max(0, Math.ceil((player.retryAt - Date.now()) / 1000))
  switch (state) {
    case 'playing': {
      if (blocked) return { headline: 'Ready to play', button: 'Play' }
      if (video.paused) return { headline: 'Paused', button: 'Play' }
      const { expected, coming } = pictures()
      if (coming) return {}
      if (expected && pictureAt === 0) return { headline: 'Connected', detail: 'Waiting for the first picture.', busy: true }
      return {
        headline: 'The picture has stopped', detail: 'The connection stands, but no picture arrives.',
        remedy: 'The publisher may have paused.', busy: true,
      }
    }
    case 'interrupted':
      return { headline: 'The connection broke', detail: 'Connecting again.', busy: true }
    case 'waiting':
    case 'connecting':
      if (reason) return { ...explain(reason), busy: state === 'connecting', countdown: countdown(state, reason, seconds) }
      return connecting()
    case 'refused':
      return { ...explain(reason), button: 'Try again' }
    default:
      return { headline: 'Not playing', button: 'Play' }
  }
}

function connecting() {
  const { candidates } = player
  if (performance.now() - connectingSince < patience) return { headline: 'Connecting', busy: true }
  if (candidates.length === 0) return { headline: 'Still connecting', detail: 'The server has not answered yet.', busy: true }
  const ports = [...new Set(candidates.map(({ protocol, port }) => `${protocol.toUpperCase()} port ${port}`))].join(', ')
  const addresses = [...new Set(candidates.map(({ address }) => address))].join(', ')
  return {
    headline: 'Still connecting', busy: true,
    detail: `The server answered, but nothing has come from ${ports} at ${addresses} yet.`,
  }
}

function countdown(state, reason, seconds) {
  if (reason.code === 'stream_not_live') return 'It begins here by itself as soon as somebody does.'
  if (state === 'connecting') return 'Trying again now.'
  return `Trying again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
}

function explain({ code, detail, remedy, offered, has, status }) {
  if (code === 'stream_not_live') return { headline: `Nobody publishes “${name}” yet` }
  const headline = {
    unreachable: 'The server cannot be reached',
    no_webrtc: 'This browser cannot play it',
    ice_failed: 'No media gets through',
    dtls_failed: 'No secure connection',
    connection_lost: 'The connection broke',
    session_ended: 'The server ended the session',
  }[code] ?? (status === 404 ? `There is no stream “${name}”` : 'The server does not play it to this browser')
  if (status === 422 && !offersH264()) {
    remedy = [remedy, 'This browser cannot play H.264: try Chrome, Edge or Safari, or let Firefox fetch its H.264 plug-in.']
      .filter(Boolean).join(' ')
  }
  return { headline, detail, remedy, lists: { 'This browser takes': offered, 'The stream has': has } }
}

function offersH264() {
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.('video')?.codecs ?? []
  return codecs.some(({ mimeType }) => mimeType.toLowerCase() === 'video/h264')
}

/** Puts the words into the page. What stays the same is not touched: a screen reader would say it again. */
function show() {
  const said = words()
  const playing = player.state === 'playing' && !said.headline
  stage.dataset.state = playing ? 'playing' : 'curtain'
  stage.toggleAttribute('data-busy', Boolean(said.busy))
  if (!playing) {
    say('headline', said.headline)
    say('detail', said.detail)
    say('remedy', said.remedy)
  }
  say('countdown', said.countdown)
  again.hidden = !said.button
  if (said.button) say('again', said.button)
  showLists(said.lists ?? {})

  const badge = element('badge')
  badge.dataset.state = player.state === 'playing' && !playing ? 'connecting' : player.state
  say('badge-word', playing ? 'Live' : { refused: 'Not playing', waiting: 'Waiting', idle: 'Not playing' }[player.state] ?? 'Connecting')
  say('announcement', playing ? 'Playing' : [`${said.headline}.`, said.detail, said.remedy].filter(Boolean).join(' '))

  const sound = player.stream?.getAudioTracks().length > 0
  soundPrompt.hidden = !(sound && video.muted)
  mute.setAttribute('aria-pressed', String(!video.muted))
}

function say(id, text = '') {
  const target = element(id)
  if (target.textContent !== text) target.textContent = text
}

function showLists(lists) {
  const rows = Object.entries(lists).filter(([, values]) => values?.length)
  const key = JSON.stringify(rows)
  const list = element('lists')
  if (list.dataset.key === key) return
  list.dataset.key = key
  list.hidden = rows.length === 0
  list.replaceChildren(...rows.flatMap(([term, values]) => row(term, values.join(', '))))
}

function row(term, value) {
  const [dt, dd] = [document.createElement('dt'), document.createElement('dd')]
  dt.textContent = term
  dd.textContent = value
  return [dt, dd]
}

/** Once a second: what arrives. */
async function measure() {
  const report = await player.peerConnection?.getStats()
  if (!report || player.state !== 'playing') {
    last = null
    say('summary', '')
    figures.replaceChildren()
    return
  }
  const all = [...report.values()]
  const inbound = (kind) => all.find(({ type, kind: of }) => type === 'inbound-rtp' && of === kind)
  const [picture, sound] = [inbound('video'), inbound('audio')]
  const now = { at: performance.now(), video: picture?.bytesReceived ?? 0, audio: sound?.bytesReceived ?? 0, frames: picture?.framesDecoded ?? 0 }
  const before = last ?? now
  const seconds = (now.at - before.at) / 1000
  last = now
  const codec = (stats) => (report.get(stats?.codecId)?.mimeType.split('/')[1] ?? '').replace('opus', 'Opus')
  const rate = (key) => seconds > 0 ? `${Math.round((now[key] - before[key]) * 8 / seconds / 1000)} kbit/s` : ''
  const frames = seconds > 0 ? `${Math.round((now.frames - before.frames) / seconds)} fps` : ''
  const size = picture?.frameWidth ? `${picture.frameWidth} × ${picture.frameHeight}` : ''
  say('summary', [size, frames, codec(picture)].filter(Boolean).join(' · '))
  if (figures.hidden) return

  const pair = all.find(({ type, nominated, state }) => type === 'candidate-pair' && nominated && state === 'succeeded')
  const remote = report.get(pair?.remoteCandidateId) // without an address where the browser hides it
  const milliseconds = (value) => value === undefined ? '' : `${Math.round(value * 1000)} ms`
  const buffered = picture?.jitterBufferEmittedCount ? picture.jitterBufferDelay / picture.jitterBufferEmittedCount : undefined
  const rows = {
    'Picture': size, 'Frames': frames, 'Video': [codec(picture), picture && rate('video')].filter(Boolean).join(' · '),
    'Sound': [codec(sound), sound && rate('audio')].filter(Boolean).join(' · '),
    'Packets lost': [picture, sound].filter(Boolean).reduce((sum, { packetsLost = 0 }) => sum + packetsLost, 0),
    'Frames dropped': picture?.framesDropped ?? '', 'Held in buffer': milliseconds(buffered),
    'Round trip': milliseconds(pair?.currentRoundTripTime),
    'Server': remote?.address ? `${remote.address.includes(':') ? `[${remote.address}]` : remote.address}:${remote.port} ${remote.protocol}` : '',
  }
  figures.replaceChildren(...Object.entries(rows).filter(([, value]) => value !== '').flatMap(([term, value]) => {
    const group = document.createElement('div')
    group.append(...row(term, value))
    return [group]
  }))
}

function setMuted(muted) {
  video.muted = muted
  if (blocked || video.paused) play()
  show()
  if (soundPrompt.hidden && document.activeElement === document.body) mute.focus({ focusVisible: false })
}

function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen()
  else if (stage.requestFullscreen) stage.requestFullscreen()
  else video.webkitEnterFullscreen?.() // iPhones show only videos on the full screen
}

again.addEventListener('click', () => {
  if (player.state === 'playing') play()
  else player.retry()
})
soundPrompt.addEventListener('click', () => setMuted(false))
mute.addEventListener('click', () => setMuted(!video.muted))
fullscreen.addEventListener('click', toggleFullscreen)
video.addEventListener('dblclick', toggleFullscreen)
for (const name of ['pause', 'playing']) video.addEventListener(name, show)
document.addEventListener('visibilitychange', () => {
  if (pictureAt > 0) pictureAt = performance.now()
  show()
})
more.addEventListener('click', () => {
  figures.hidden = !figures.hidden
  more.setAttribute('aria-expanded', String(!figures.hidden))
  measure()
})
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
  const button = { m: mute, f: fullscreen, i: more }[event.key.toLowerCase()]
  if (button && !button.disabled) {
    event.preventDefault()
    button.click()
  }
})
setInterval(() => { measure(); show() }, 1000)

player.start()
