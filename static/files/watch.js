/**
 * The player page: /watch/{stream}, and what a browser gets at the stream's WHEP endpoint. It plays by whep.js and says
 * in the words of words.js what that reports.
 *
 * @module watch
 */
import { Meter } from './meter.js'
import { setUpDialog } from './share.js'
import { onToken, setToken, token } from './token.js'
import { factsOf, WHEPPlayer } from './whep.js'
import { badgeWord, words } from './words.js'

const element = (id) => document.getElementById(id)
const [stage, video, again, soundPrompt, mute, fullscreen, pip, more, figures, note, tokenOpen, tokenForm] = [
  'stage', 'video', 'again', 'sound-prompt', 'mute', 'fullscreen', 'pip', 'more', 'figures', 'note', 'token-open', 'token-form',
].map(element)

const name = nameIn(location.pathname)
/** The page's player; other scripts may look at it. */
export const player = new WHEPPlayer(`/whep/${encodeURIComponent(name)}`, { token: token() })
const endpoint = new URL(`/whep/${encodeURIComponent(name)}`, location)
const meter = new Meter()
const share = setUpDialog(name, token)

/** Milliseconds without a new picture after which the page says so. */
const stallAfter = 4_000

/** Frames a second below which what plays may be a card that stands in for a publisher. */
const cardRate = 5

/** Milliseconds between two questions whether somebody publishes: of a card, and of a picture that might be one. */
const askAfter = { card: 2_000, picture: 15_000 }

/** What can be done here where a token is needed; the server says how it is sent. */
const tokenRemedy = 'Enter one here, or open the whole link that you were given: it ends with the token.'

/** When the newest picture was shown; 0 before the first one of a session. */
let pictureAt = 0
let connectingSince = 0
let blocked = false // the browser does not let the video begin by itself
let hears = false // sound arrives
let tokenAsked = false // somebody wants to give one
let card = false // what plays stands in for a publisher who is not there
let askAt = 0 // when to ask next whether that is so

document.title = `${name} – Weir`
element('name').textContent = name
element('bar').hidden = false
pip.hidden = !document.pictureInPictureEnabled

/** The stream's name in /watch/{stream}, /whep/{stream} or /{stream}/whep. */
function nameIn(path) {
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent)
  return parts.length === 2 && parts[1] === 'whep' && !['watch', 'whep'].includes(parts[0]) ? parts[0] : parts.at(-1)
}

player.addEventListener('statechange', () => {
  if (player.state !== 'playing') {
    pictureAt = 0
    card = false
  }
  if (player.state === 'connecting') connectingSince = performance.now()
  if (player.state === 'playing') tokenAsked = false
  show()
})
player.addEventListener('track', ({ detail: { track, title } }) => {
  if (video.srcObject !== player.stream) {
    video.srcObject = player.stream
    note.hidden = true
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
        pip.disabled = false
        pictureAt = performance.now()
        show()
        askCard()
      }
      pictureAt = performance.now()
    }
    watchPictures()
  })
}
// Without frame callbacks the clock of the video tells that it moves.
if ('requestVideoFrameCallback' in video) watchPictures()
else video.addEventListener('timeupdate', () => { pictureAt = performance.now(); show() })

video.addEventListener('resize', () => { if (pictureAt > 0) askCard() }) // another source is likely

/** Whether pictures come. A stream of sound alone has none and is playing all the same. */
function pictures() {
  const expected = player.stream?.getVideoTracks().length > 0
  // A page that is not looked at is shown no pictures.
  const recent = pictureAt > 0 && (document.hidden || performance.now() - pictureAt < stallAfter)
  if (!expected || recent) return 'coming'
  return pictureAt === 0 ? 'awaited' : 'stopped'
}

/** Asks whether somebody publishes what plays. */
async function askCard() {
  askAt = performance.now() + askAfter.picture
  const facts = await factsOf(endpoint, player.token)
  if (player.state !== 'playing') return
  card = facts?.live === false
  if (card) askAt = performance.now() + askAfter.card
  show()
}

/** Puts the words into the page. What stays the same is not touched: a screen reader would say it again. */
function show() {
  const facts = {
    pictures: pictures(), sound: hears, blocked, paused: video.paused, hasToken: player.token !== '', connectingFor: performance.now() - connectingSince,
  }
  const said = words(player, name, facts)
  const playing = player.state === 'playing' && !said.headline
  stage.dataset.state = playing ? 'playing' : 'curtain'
  stage.toggleAttribute('data-busy', Boolean(said.busy))
  if (!playing) {
    say('headline', said.headline)
    say('detail', said.detail)
    say('remedy', said.token === 'needed' ? tokenRemedy : said.remedy)
  }
  say('countdown', said.countdown)
  again.hidden = !said.button
  if (said.button) say('again', said.button)
  showLists(said.lists ?? {})
  showToken(said.token)

  const badge = element('badge')
  badge.dataset.state = player.state === 'playing' && !playing ? 'connecting' : playing && card ? 'waiting' : player.state
  say('badge-word', playing ? card ? 'Waiting' : 'Live' : badgeWord(player.state, facts))
  say('announcement', playing ? card ? `Nobody publishes “${name}” yet. It begins here by itself as soon as somebody does.` : 'Playing' : [`${said.headline}.`, said.detail, said.remedy].filter(Boolean).join(' '))

  const sound = player.stream?.getAudioTracks().length > 0
  soundPrompt.hidden = card || !(sound && video.muted)
  mute.setAttribute('aria-pressed', String(!video.muted))
}

/** @param {'needed'|'possible'|undefined} wanted */
function showToken(wanted) {
  // The attempt that a refusal is followed by must not take the field from under somebody who types.
  if (!wanted && player.state === 'connecting' && tokenForm.contains(document.activeElement)) return
  tokenForm.hidden = !(wanted === 'needed' || (wanted && tokenAsked))
  tokenOpen.hidden = wanted !== 'possible' || tokenAsked
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
  const measured = player.state === 'playing' ? await meter.measure(player.peerConnection).catch(() => null) : null
  hears = measured?.audio.bitRate > 0
  if (!measured || player.state !== 'playing') {
    say('summary', '')
    figures.replaceChildren()
    return
  }
  const { video: picture, audio: sound } = measured
  if ((card || picture.frameRate < cardRate) && performance.now() > askAt) askCard()
  const whole = (value, unit) => value === undefined ? '' : `${Math.round(value)} ${unit}`
  const size = picture.width ? `${picture.width} × ${picture.height}` : ''
  const rate = whole(picture.frameRate, 'fps')
  say('summary', pictures() === 'stopped' ? '' : [size, rate, picture.codec].filter(Boolean).join(' · '))
  if (figures.hidden) return
  const rows = {
    'Picture': size, 'Frames': rate,
    'Video': [picture.codec, whole(picture.bitRate, 'kbit/s')].filter(Boolean).join(' · '),
    'Sound': [sound.codec, whole(sound.bitRate, 'kbit/s')].filter(Boolean).join(' · '),
    'Packets lost': measured.lost ?? '', 'Frames dropped': picture.dropped ?? '', 'Freezes': picture.freezes ?? '',
    'Held in buffer': whole(picture.jitterBuffer, 'ms'), 'Round trip': whole(measured.roundTrip, 'ms'),
    'Server': measured.server ?? '',
  }
  figures.replaceChildren(...Object.entries(rows).filter(([, value]) => value !== '').map(([term, value]) => {
    const group = document.createElement('div')
    group.append(...row(term, value))
    return group
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

async function togglePictureInPicture() {
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture()
    else await video.requestPictureInPicture()
  } catch {
    pip.disabled = true // this browser has it, but not here
  }
}

again.addEventListener('click', () => {
  if (player.state === 'playing') play()
  else player.retry()
})
tokenOpen.addEventListener('click', () => {
  tokenAsked = true
  show()
  element('token').focus()
})
tokenForm.addEventListener('submit', (event) => {
  event.preventDefault()
  setToken(element('token').value)
  element('token').value = ''
})
onToken((value) => {
  player.token = value
  player.retry()
})
soundPrompt.addEventListener('click', () => setMuted(false))
mute.addEventListener('click', () => setMuted(!video.muted))
fullscreen.addEventListener('click', toggleFullscreen)
video.addEventListener('dblclick', toggleFullscreen)
pip.addEventListener('click', togglePictureInPicture)
for (const [name, pressed] of [['enterpictureinpicture', true], ['leavepictureinpicture', false]]) {
  video.addEventListener(name, () => pip.setAttribute('aria-pressed', String(pressed)))
}
element('share').addEventListener('click', () => share.open())
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
  if (event.target.matches?.('input, textarea') || document.querySelector('dialog[open]')) return
  const button = { m: mute, f: fullscreen, p: pip, i: more, s: element('share') }[event.key.toLowerCase()]
  if (button && !button.disabled && !button.hidden) {
    event.preventDefault()
    button.click()
  }
})
setInterval(() => { measure(); show() }, 1000)

player.start()
