/**
 * What the page at /publish says: what is the matter, what it waits for, what can be done.
 *
 * @module publishwords
 */

/** @typedef {import('./whep.js').Reason} Reason */

/**
 * @typedef {object} Words nothing of it is there where the picture can be seen
 * @property {string} [headline]
 * @property {string} [detail]
 * @property {string} [remedy]
 * @property {string} [address] to be copied
 * @property {Object<string, string[]|undefined>} [lists] what was offered and what is taken, under their titles
 * @property {string} [countdown] what comes next by itself
 * @property {boolean} [busy] something is under way
 * @property {string} [button] what the button says that goes on
 * @property {boolean} [token] a token is to be entered
 * @property {boolean} [choose] camera or screen is to be chosen
 */

/**
 * What the page knows.
 * @typedef {object} Facts
 * @property {string} name the stream's
 * @property {Reason & {address?: string}|null} unavailable why there are no devices at all
 * @property {'asked'|'granted'|Reason} access whether the token may publish
 * @property {import('./whip.js').WHIPPublisher} publisher
 * @property {''|'camera'|'screen'} kind what is open
 * @property {boolean} opening a device is being asked for
 * @property {Reason|null} missing why nothing is open
 */

/** @param {Facts} facts @returns {Words} */
export function publishWords({ name, unavailable, access, publisher, kind, opening, missing }) {
  if (unavailable) {
    return { ...unavailable, headline: unavailable.code === 'not_secure' ? 'No camera without HTTPS' : 'No camera in this browser' }
  }
  const { state, reason } = publisher
  if (access === 'asked') return { headline: 'Asking the server', busy: true }
  if (access !== 'granted') return tokenWords(access, name)
  if (state === 'interrupted') return { headline: 'The connection broke', detail: 'Connecting again.', busy: true }
  if (reason && state !== 'publishing') return troubleWords(publisher, name)
  if (opening) return { headline: 'Asking the browser', detail: 'Allow it to use the devices when it asks.', busy: true }
  if (kind) return {}
  if (missing) return { headline: headlines[missing.code] ?? 'It could not be opened', detail: missing.detail, remedy: missing.remedy, choose: true }
  return { headline: `Publish “${name}”`, detail: 'Choose what to send. Nobody sees it before you go live.', choose: true }
}

function troubleWords(publisher, name) {
  const { state, reason, retryAt } = publisher
  const { code, detail, remedy, offered, has, status } = reason
  const words = {
    headline: headlines[code] ?? (status === 409 ? headlines.stream_published : 'The server does not take it'),
    detail, remedy, lists: { 'This browser offers': offered, 'The server takes': has },
  }
  if (code === 'stream_published') words.headline = `Somebody else publishes “${name}”`
  if (state === 'refused') return { ...words, button: code === 'taken_over' ? 'Take it back' : 'Try again' }
  if (state === 'connecting') return { ...words, busy: true, countdown: code === 'held' ? '' : 'Trying again now.' }
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000))
  return { ...words, countdown: `Trying again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.` }
}

/** Whether a refusal means that another token is needed. @param {Reason|null} reason */
export function wantsToken(reason) {
  return reason?.status === 401 || reason?.status === 403
}

/** @returns {Words} */
function tokenWords({ status, hasToken }, name) {
  const detail = 'Open the whole link that you were given, which ends with the token, or enter one that may publish.'
  if (status === 403) return { headline: 'This token does not allow to publish', detail: 'Enter one that does.', token: true }
  if (hasToken) return { headline: 'The server does not know this token', detail: 'It may have been changed or revoked. Enter another one.', token: true }
  return { headline: `A token is needed to publish “${name}”`, detail, token: true }
}

const headlines = {
  // of the server and the connection
  unreachable: 'The server cannot be reached',
  no_webrtc: 'This browser cannot publish',
  no_codec: 'This browser does not have the codec',
  ice_failed: 'No media gets through',
  dtls_failed: 'No secure connection',
  connection_lost: 'The connection broke',
  session_ended: 'The server ended the session',
  ended_by_operator: 'Somebody who runs the server ended the session',
  taken_over: 'You publish somewhere else now',
  stream_published: 'Somebody else publishes this stream',
  shutting_down: 'The server is stopping',
  held: 'Waiting for the server',
  // of the devices
  denied: 'No permission',
  not_shared: 'Nothing is shared',
  no_camera: 'No camera was found',
  no_microphone: 'No microphone was found',
  no_media: 'Nothing is chosen',
  gone: 'The device is not there any more',
  busy: 'The device is in use',
  screen_ended: 'You no longer share your screen',
  camera_ended: 'The camera is gone',
}

/** What stands beside a picture that goes out, where something is amiss. @type {Object<string, string>} */
export const limits = {
  cpu: 'This machine is too busy to send all of the picture. Choose a smaller resolution, fewer frames or another codec.',
  bandwidth: 'The connection does not carry all of the picture: the browser sends it smaller or with fewer frames.',
}
