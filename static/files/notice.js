/**
 * Shows a refusal in a page: what is the matter, what can be done, and the words by which the server's log knows it.
 *
 * @module notice
 */

/**
 * @param {HTMLElement} host is hidden where there is nothing to say
 * @param {import('./api.js').Reason|null} reason
 * @param {{name: string, detail: string}[]} [problems] besides, those that stand beside no field
 */
export function showReason(host, reason, problems = reason?.problems ?? []) {
  host.hidden = !reason
  if (!reason) {
    host.replaceChildren()
    return
  }
  host.dataset.level = 'bad'
  const parts = [paragraph('what', reason.detail)]
  if (reason.remedy) parts.push(paragraph('', reason.remedy))
  for (const { name, detail } of problems) parts.push(paragraph('', `${name}: ${detail}`))
  for (const [title, list] of [['Offered', reason.offered], ['There is', reason.has]]) {
    if (list?.length) parts.push(paragraph('', `${title}: ${list.join(', ')}`))
  }
  const trace = [reason.code, reason.request && `request ${reason.request}`].filter(Boolean).join(' · ')
  parts.push(paragraph('trace', trace))
  host.replaceChildren(...parts)
}

function paragraph(className, text) {
  return Object.assign(document.createElement('p'), { className, textContent: text })
}
