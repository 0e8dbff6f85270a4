/**
 * The access token of this tab. The address that Weir prints carries it in its fragment, `#token=…`, which browsers never
 * send anywhere. It is taken out of the address at once and kept in sessionStorage: for this tab, until it is closed.
 *
 * @module token
 */

const key = 'weir.token'
/** Used where the browser lets the page store nothing. */
let kept = ''
const watchers = new Set()

/** The token; '' for none. @returns {string} */
export function token() {
  try {
    return sessionStorage.getItem(key) ?? kept
  } catch {
    return kept
  }
}

/**
 * Keeps a token for this tab; '' forgets it.
 * @param {string} value
 */
export function setToken(value) {
  kept = value.trim()
  try {
    if (kept) sessionStorage.setItem(key, kept)
    else sessionStorage.removeItem(key)
  } catch {
    // It is kept as long as the page stands.
  }
  for (const watcher of watchers) watcher(kept)
}

/**
 * Calls the function whenever the token is set or forgotten from now on.
 * @param {(token: string) => void} watcher
 */
export function onToken(watcher) {
  watchers.add(watcher)
}

/**
 * Splits a fragment into the token in it and what else it says.
 * @param {string} hash with or without `#`
 * @returns {{token: string|null, rest: string}}
 */
export function tokenIn(hash) {
  const parts = hash.replace(/^#/, '').split('&')
  const own = parts.filter((part) => part.startsWith('token='))
  if (own.length === 0) return { token: null, rest: parts.join('&') }
  // A plus sign is one (RFC 6750 2.1); no token has a space.
  const value = new URLSearchParams(own.at(-1)).get('token').replaceAll(' ', '+')
  return { token: value, rest: parts.filter((part) => !own.includes(part)).join('&') }
}

function take() {
  const found = tokenIn(location.hash)
  if (found.token === null) return
  const rest = found.rest ? `#${found.rest}` : ''
  history.replaceState(history.state, '', location.pathname + location.search + rest)
  if (found.token) setToken(found.token)
}

if (globalThis.location) {
  take()
  // The printed address may be pasted into a tab that shows the page already.
  addEventListener('hashchange', take)
}
