/**
 * Notes what a run saw that must stay secret (session secrets, ICE passwords of both ends) and every page's source, for
 * the end of the run: nothing of the one may stand in the other, in a log or in an event. One line of JSON each, in the
 * file that E2E_SEEN names.
 */
import { appendFileSync } from 'node:fs'

const file = process.env.E2E_SEEN
const note = (what) => file && appendFileSync(file, `${JSON.stringify(what)}\n`)
const noteSDP = (text) => {
  for (const [, password] of (text ?? '').matchAll(/^a=ice-pwd:(.*?)\r?$/gm)) note({ kind: 'ice password', secret: password })
}

/**
 * Notes what a client without a page posted, and the answer to it.
 * @param {string} offer
 * @param {Response} response
 * @param {string} answer
 */
export function noteSession(offer, response, answer) {
  const session = /\/session\/([0-9a-f]{32})$/.exec(response.headers.get('Location') ?? '')?.[1]
  if (session) note({ kind: 'session', secret: session })
  noteSDP(offer)
  noteSDP(answer)
}

/**
 * Watches what a page, or all pages of a context, ask for.
 * @param {object} emitter Playwright's context or Puppeteer's page
 */
export function watchSecrets(emitter) {
  if (!file) return
  emitter.on('request', (request) => {
    const session = /\/session\/([0-9a-f]{32})$/.exec(request.url())?.[1]
    if (session) note({ kind: 'session', secret: session })
    if (!['POST', 'PATCH'].includes(request.method())) return
    if (request.fetchPostData) request.fetchPostData().then(noteSDP, () => {}) // the page has gone, and its requests with it
    else noteSDP(request.postData())
  })
  emitter.on('response', async (response) => {
    const header = (name) => response.headers()[name] ?? ''
    const session = /\/session\/([0-9a-f]{32})$/.exec(header('location'))?.[1]
    if (session) note({ kind: 'session', secret: session })
    const type = header('content-type').split(';')[0]
    if (!['text/html', 'application/sdp', 'application/trickle-ice-sdpfrag'].includes(type)) return
    const text = await response.text().catch(() => '') // the page has gone, and its answers with it
    if (type === 'text/html') note({ source: text })
    else noteSDP(text)
  })
}
