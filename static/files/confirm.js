/**
 * Asks before something is done that cannot be undone, in the page's dialog.
 *
 * @module confirm
 */

/**
 * @param {string} title
 * @param {string} text
 * @param {string} yes the word on the button that does it
 * @returns {Promise<boolean>}
 */
export function confirm(title, text, yes) {
  const element = (id) => document.getElementById(id)
  const dialog = element('confirm')
  for (const [id, words] of [['confirm-title', title], ['confirm-text', text], ['confirm-yes', yes]]) element(id).textContent = words
  dialog.returnValue = ''
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true })
  })
}
