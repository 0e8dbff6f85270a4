/**
 * Asks for an administrator's token where one is needed, and says how to get it.
 *
 * @module access
 */
import { setToken, token } from './token.js'

/**
 * Fills the form with what the page's template for it holds.
 * @param {HTMLFormElement} form
 * @param {string} purpose what the token is needed for, as a half sentence: 'To start a source'
 */
export function fillAccess(form, purpose) {
  form.append(document.getElementById('access-template').content.cloneNode(true))
  form.querySelector('[data-part=why]').textContent = `${purpose}, Weir asks for a token. Public streams can be watched without.`
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const input = form.querySelector('#token')
    // Whole printed addresses get pasted too.
    const value = /[#&]token=([^&\s]+)/.exec(input.value)?.[1] ?? input.value.trim()
    if (!/^[\w.~+/-]+=*$/.test(value)) {
      accessError(form, value ? 'This is no token: it has characters that no token has.' : 'Paste the token first.')
      return
    }
    accessError(form, '')
    setToken(value)
  })
}

/** Says what is wrong with the token that there is. @param {HTMLFormElement} form @param {string} text */
export function accessError(form, text) {
  const input = form.querySelector('#token')
  const error = form.querySelector('#token-error')
  if (error.textContent !== text) error.textContent = text
  if (text) input.setAttribute('aria-invalid', 'true')
  else input.removeAttribute('aria-invalid')
}

/**
 * Puts a refusal of the token into words.
 * @param {import('./api.js').Reason|null} reason
 * @returns {string} '' where there was no token to refuse
 */
export function tokenTrouble(reason) {
  if (!token() || !reason) return ''
  if (reason.status === 403) return 'The server knows this token, but it does not allow to administer.'
  return 'The server does not know this token. It may have been rotated or revoked.'
}
