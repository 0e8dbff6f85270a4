/**
 * Asks the control API.
 *
 *     const { sources } = await call('GET', '/api/v1/sources')
 *
 * @module api
 */
import { token } from './token.js'
import { retryAfterOf } from './whep.js'

const requestTimeout = 15_000

/**
 * A refusal; whep.js says what a Reason is. Those of the API may name the parameters that are wrong.
 * @typedef {import('./whep.js').Reason & {problems?: {name: string, detail: string}[]}} Reason
 */

/** The server refused, or could not be asked. */
export class Refused extends Error {
  /** @param {Reason} reason */
  constructor(reason) {
    super(reason.detail)
    this.name = 'Refused'
    this.reason = reason
  }
}

/** The header fields that every request carries. @returns {Object<string, string>} */
export function authorization() {
  const secret = token()
  return secret ? { Authorization: `Bearer ${secret}` } : {}
}

/**
 * Sends a request and returns what the answer says.
 * @param {string} method
 * @param {string} path
 * @param {object} [body] sent as JSON
 * @param {AbortSignal} [signal] gives up; then the error is the signal's own
 * @returns {Promise<any>} null where the answer has no content
 * @throws {Refused}
 */
export async function call(method, path, body, signal) {
  const timeout = AbortSignal.timeout(requestTimeout)
  let response
  try {
    response = await fetch(path, {
      method,
      headers: { Accept: 'application/json', ...authorization(), ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    })
    if (!response.ok) throw new Refused(await reasonOf(response))
    return response.status === 204 ? null : await response.json()
  } catch (error) {
    if (error instanceof Refused || signal?.aborted) throw error
    throw new Refused(unreachable(error, response))
  }
}

function unreachable(error, response) {
  if (response && error instanceof SyntaxError) {
    return { code: 'not_json', detail: 'The answer is not what Weir sends.', remedy: 'Is something else in front of the server?' }
  }
  return {
    code: 'unreachable',
    detail: error.name === 'TimeoutError' ? 'The server took too long to answer.' : 'The server does not answer.',
    remedy: 'It may be restarting, or this device may be offline.',
  }
}

/** Reads a refusal: a problem document (RFC 9457), or whatever else came. @returns {Promise<Reason>} */
export async function reasonOf(response) {
  const { status } = response
  const reason = { code: `http_${status}`, detail: `The server answered ${status} ${response.statusText}`.trim() + '.', status }
  const retryAfter = retryAfterOf(response.headers.get('Retry-After'))
  if (retryAfter !== undefined) reason.retryAfter = retryAfter
  if (!/^application\/(problem\+)?json\b/i.test(response.headers.get('Content-Type') ?? '')) return reason
  const problem = await response.json().catch(() => ({}))
  for (const key of ['code', 'detail', 'remedy', 'problems', 'offered', 'has', 'request']) {
    if (problem[key]) reason[key] = problem[key]
  }
  return reason
}

/** Whether a refusal means that this page's token does not do. @param {Reason} reason */
export function wantsToken({ status }) {
  return status === 401 || status === 403
}
