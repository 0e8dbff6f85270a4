/**
 * The picture alone: /embed/{stream}, for a frame or a browser source. Its parameters are described in embed.html.
 *
 * @module embed
 */
import { WHEPPlayer } from './whep.js'

/** Milliseconds after a refusal that would be final for a person: here nobody is there to press a button. */
const retryAfter = 10_000
/** Milliseconds without a new picture after which nothing is shown any more. */
const stallAfter = 4_000
/** Milliseconds without a new picture after which a new session is made. */
const giveUpAfter = 30_000

const video = document.getElementById('video')
const name = decodeURIComponent(location.pathname.split('/').pop())
const settings = settingsOf(location.search, location.hash)
const kinds = settings.only ? [settings.only] : ['video', 'audio']

/** The page's player; other scripts may look at it. */
export const player = new WHEPPlayer(`/whep/${encodeURIComponent(name)}`, { kinds, token: settings.token })

let pictureAt = 0
let connectedAt = 0
let retryTimer = 0

/**
 * Reads the parameters.
 * @param {string} search with or without `?`
 * @param {string} hash with or without `#`
 * @returns {{muted: boolean, fit: 'contain'|'cover', only: ''|'video'|'audio', token: string}}
 */
export function settingsOf(search, hash) {
  const query = new URLSearchParams(search), fragment = new URLSearchParams(hash.replace(/^#/, ''))
  const read = (key) => (fragment.get(key) ?? query.get(key))?.toLowerCase()
  const muted = read('muted')
  const only = read('only')
  return {
    muted: muted !== undefined && !['0', 'false', 'no'].includes(muted),
    fit: read('fit') === 'cover' ? 'cover' : 'contain',
    only: only === 'video' || only === 'audio' ? only : '',
    // A token in the query would stand in the logs of every server on the way. A plus sign is one (RFC 6750 2.1).
    token: fragment.get('token')?.replaceAll(' ', '+') ?? '',
  }
}

function show() {
  const now = performance.now()
  // A page that is not looked at is shown no pictures.
  const recent = pictureAt > 0 && (document.hidden || now - pictureAt < stallAfter)
  video.dataset.state = player.state === 'playing' && recent ? 'playing' : 'nothing'
  const expected = player.stream?.getVideoTracks().length > 0
  if (player.state === 'playing' && expected && !document.hidden && now - Math.max(pictureAt, connectedAt) > giveUpAfter) player.retry()
}

async function play() {
  try {
    await video.play()
  } catch (error) {
    if (error.name !== 'NotAllowedError' || video.muted) return
    video.muted = true
    for (const press of ['pointerup', 'keydown']) addEventListener(press, withSound, { once: true })
    await video.play().catch(() => {})
  }
}

function withSound() {
  video.muted = false
  play()
}

function watchPictures() {
  video.requestVideoFrameCallback(() => {
    if (player.state === 'playing' && video.srcObject === player.stream) {
      const first = pictureAt === 0
      pictureAt = performance.now()
      if (first) show()
    }
    watchPictures()
  })
}

player.addEventListener('statechange', () => {
  clearTimeout(retryTimer)
  if (player.state !== 'playing') pictureAt = 0
  else connectedAt = performance.now()
  if (player.state === 'refused') retryTimer = setTimeout(() => player.retry(), retryAfter)
  show()
})
player.addEventListener('track', () => {
  if (video.srcObject !== player.stream) video.srcObject = player.stream
  play()
})
video.addEventListener('pause', play) // nobody could make it go on
document.addEventListener('visibilitychange', () => {
  if (pictureAt > 0) pictureAt = performance.now()
  show()
})
// Another address after the # is another setting: a browser source whose URL is changed does not load the page anew.
addEventListener('hashchange', () => location.reload())

document.title = document.getElementById('name').textContent = name
video.muted = settings.muted
video.dataset.fit = settings.fit
if ('requestVideoFrameCallback' in video) watchPictures()
else video.addEventListener('timeupdate', () => { pictureAt = performance.now(); show() })
setInterval(show, 1000)
player.start()
