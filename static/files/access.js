/**
 * Asks for an administrator's token where one is needed, and says how to get it.
 *
 * @module access
 */
import { setToken, token } from './token.js'

/**
 * Fills the form.
 * @param {HTMLFormElement} form
 * @param {string} purpose what the token is needed for, as a half sentence: 'To start a source'
 */
export function fillAccess(form, purpose) {
  form.innerHTML = `
    <p data-part="why"></p>
    <p class="hint">Open the address that Weir printed when it was started: it carries the token. Or, where Weir runs, type
      <code>weir token list -show</code> and paste the token here.</p>
    <div class="field">
      <label for="token">Administrator token</label>
      <div class="row tight">
        <input class="grow" id="token" type="password" autocomplete="off" autocapitalize="off" spellcheck="false"
          aria-describedby="token-error token-hint">
        <button type="submit">Use token</button>
      </div>
      <p class="error" id="token-error" role="alert"></p>
      <p class="hint" id="token-hint">It is kept for this tab until you close it.</p>
    </div>`
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
