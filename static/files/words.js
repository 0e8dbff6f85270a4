/**
 * What a page says about a player of whep.js, in words: what is the matter, what it waits for, what can be done. All pages
 * say the same.
 *
 *     const said = words(player, 'test', { pictures: 'coming' })
 *     headline.textContent = said.headline ?? ''
 *
 * @module words
 */

/**
 * @typedef {object} Words nothing of it is there while the stream plays
 * @property {string} [headline] a few words
 * @property {string} [detail] what is the matter, as a sentence
 * @property {string} [remedy] what can be done about it
 * @property {Object<string, string[]|undefined>} [lists] what was offered and what there is, under their titles
 * @property {string} [countdown] what comes next by itself
 * @property {boolean} [busy] something is under way
 * @property {string} [button] what the button says that goes on; without it there is nothing to press
 * @property {'needed'|'possible'} [token] a token would help for certain, or where the stream is a private one
 */

/**
 * What the page knows besides.
 * @typedef {object} Facts
 * @property {'coming'|'awaited'|'stopped'} [pictures] whether they come, have not come yet, or come no more; `coming` unless told
 * @property {boolean} [sound] sound arrives
 * @property {boolean} [blocked] the browser does not let the video begin by itself
 * @property {boolean} [paused] the video is paused
 * @property {number} [connectingFor] milliseconds since the connection was begun; 0 unless told
 * @property {boolean} [hasToken] a token is sent
 */

/** Milliseconds after which connecting has taken so long that the page says what it waits for. */
const patience = 4_000

/**
 * Says how it stands with the player.
 * @param {import('./whep.js').WHEPPlayer} player
 * @param {string} name the stream's
 * @param {Facts} [facts]
 * @returns {Words}
 */
export function words(player, name, facts = {}) {
  const { state, reason } = player
  switch (state) {
    case 'playing':
      return playing(facts)
    case 'interrupted':
      return { headline: 'The connection broke', detail: 'Connecting again.', busy: true }
    case 'waiting':
    case 'connecting':
      if (!reason) return connecting(player.candidates, facts.connectingFor ?? 0)
      return { ...explain(reason, name, facts.hasToken), busy: state === 'connecting', countdown: countdown(player) }
    case 'refused':
      return { ...explain(reason, name, facts.hasToken), button: 'Try again' }
    default:
      return { headline: 'Not playing', button: 'Play' }
  }
}

/**
 * Says how it stands in a word or two, for a badge; '' while the stream plays.
 * @param {string} state the player's
 * @param {Facts} [facts]
 */
export function badgeWord(state, facts = {}) {
  if (state !== 'playing') return { idle: 'Not playing', refused: 'Not playing', waiting: 'Waiting' }[state] ?? 'Connecting'
  if (facts.blocked || facts.paused) return 'Paused'
  return { awaited: 'Connecting', stopped: facts.sound ? 'Sound alone' : 'Waiting' }[facts.pictures] ?? ''
}

/** @param {Facts} facts @returns {Words} */
function playing({ pictures = 'coming', sound, blocked, paused }) {
  if (blocked) return { headline: 'Ready to play', button: 'Play' }
  if (paused) return { headline: 'Paused', button: 'Play' }
  if (pictures === 'awaited') return { headline: 'Connected', detail: 'Waiting for the first picture.', busy: true }
  if (pictures === 'coming') return {}
  if (sound) return { headline: 'Sound alone', detail: 'The stream sends no picture now. It comes back here by itself when there is one.' }
  return {
    headline: 'The picture has stopped', detail: 'The connection stands, but no picture arrives.',
    remedy: 'The publisher may have paused.', busy: true,
  }
}

/** @returns {Words} */
function connecting(candidates, since) {
  if (since < patience) return { headline: 'Connecting', busy: true }
  if (candidates.length === 0) return { headline: 'Still connecting', detail: 'The server has not answered yet.', busy: true }
  const ports = [...new Set(candidates.map(({ protocol, port }) => `${protocol.toUpperCase()} port ${port}`))].join(', ')
  const addresses = [...new Set(candidates.map(({ address }) => address))].join(', ')
  return {
    headline: 'Still connecting', busy: true,
    detail: `The server answered, but nothing has come from ${ports} at ${addresses} yet.`,
  }
}

function countdown({ state, reason, retryAt }) {
  if (reason.code === 'stream_not_live') return 'It begins here by itself as soon as somebody does.'
  if (state === 'connecting') return 'Trying again now.'
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000))
  return `Trying again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
}

const headlines = {
  unreachable: 'The server cannot be reached',
  no_webrtc: 'This browser cannot play it',
  ice_failed: 'No media gets through',
  dtls_failed: 'No secure connection',
  connection_lost: 'The connection broke',
  session_ended: 'The server ended the session',
  ended_by_operator: 'Somebody who runs the server ended the session',
  token_missing: 'A token is needed to watch this',
  token_unknown: 'The server does not know this token',
  token_forbidden: 'This token does not allow to watch',
}

/**
 * Explains a refusal.
 * @param {import('./whep.js').Reason} reason
 * @param {string} name the stream's
 * @param {boolean} [hasToken] a token was sent
 * @returns {Words}
 */
export function explain(reason, name, hasToken = false) {
  const { code, detail, offered, has, status } = reason
  if (code === 'stream_not_live') return { headline: `Nobody publishes “${name}” yet`, token: 'possible' }
  let { remedy } = reason
  if (status === 422 && !offersH264()) {
    remedy = [remedy, 'This browser cannot play H.264: try Chrome, Edge or Safari, or let Firefox fetch its H.264 plug-in.']
      .filter(Boolean).join(' ')
  }
  const lists = { 'This browser takes': offered, 'The stream has': has }
  return { headline: headlines[code] ?? headlineOf(status, name, hasToken), detail, remedy, lists, ...wanted(status) }
}

function headlineOf(status, name, hasToken) {
  switch (status) {
    case 401: return hasToken ? headlines.token_unknown : headlines.token_missing
    case 403: return headlines.token_forbidden
    case 404: return `There is no stream “${name}”`
  }
  return 'The server does not play it to this browser'
}

function wanted(status) {
  return status === 401 || status === 403 ? { token: 'needed' } : {}
}

function offersH264() {
  const codecs = globalThis.RTCRtpReceiver?.getCapabilities?.('video')?.codecs ?? []
  return codecs.some(({ mimeType }) => mimeType.toLowerCase() === 'video/h264')
}
