// Usage: node --test controls.test.mjs: what the controls of the page at / ask the server for, without a browser: the page's elements only
// keep what they are told.
import assert from 'node:assert/strict'
import { register } from 'node:module'
import { test } from 'node:test'

class Part extends EventTarget {
  dataset = {}
  hidden = false
  checked = false
  value = ''
  textContent = ''
  setAttribute() {}
  removeAttribute() {}
  append() {}
  prepend() {}
  replaceChildren() {}
}
const parts = new Map(), sent = [], answers = []
const part = (id) => parts.get(id) ?? parts.set(id, new Part()).get(id)
Object.assign(globalThis, {
  document: { hidden: false, getElementById: part, createElement: () => new Part() },
  location: { hash: '', origin: 'http://weir', href: 'http://weir/', pathname: '/', search: '' },
  history: { replaceState() {} }, sessionStorage: { getItem: () => null, setItem() {}, removeItem() {} },
  addEventListener() {}, setInterval() {}, matchMedia: () => ({ matches: true }), Option: Part,
  fetch: (url, { method, body }) => new Promise((answer) => {
    if (method !== 'PATCH') return // what there is to choose from is never known
    sent.push(JSON.parse(body).params)
    answers.push(answer)
  }),
})
globalThis.localStorage = globalThis.sessionStorage
globalThis.window = globalThis

// The pages' files are modules, though no package says so.
register(`data:text/javascript,${encodeURIComponent(`export const load = (url, context, next) =>
  next(url, url.includes('/static/files/') ? { ...context, format: 'module' } : context)`)}`)
const load = (name) => import(new URL(`../../static/files/${name}.js`, import.meta.url))
const [{ Playback }, { SourceForm }] = await Promise.all(['playback', 'sourceform'].map(load))

const film = { kind: 'file', state: 'live', params: { file: 'a.mp4', start: 0, loop: true, paused: false }, playback: { position_ms: 0, duration_ms: 60_000, paused: false } }
const soon = () => new Promise((done) => setTimeout(done))

async function answerAll(source) {
  await soon()
  while (answers.length > 0) {
    answers.shift()(new Response(JSON.stringify({ name: 'film', source }), { status: 200, headers: { 'Content-Type': 'application/json' } }))
    await new Promise((done) => setTimeout(done, 10))
  }
}

function seek(seconds) {
  part('film-at').value = seconds
  part('film-at').dispatchEvent(new Event('change'))
}

test('what is wished for while the server is asked is asked for afterwards, the last of each kind', async () => {
  const playback = new Playback()
  playback.show('film', film)
  for (const seconds of [10, 15, 20]) seek(seconds)
  part('film-pause').dispatchEvent(new Event('click'))
  await answerAll(film)
  assert.deepEqual(sent.splice(0), [{ start: 10 }, { start: 20, paused: true }])

  seek(30)
  seek(40)
  playback.show('other', { ...film })
  part('film-pause').dispatchEvent(new Event('click'))
  await answerAll(film)
  assert.deepEqual(sent.splice(0), [{ start: 30 }, { paused: true }], 'of another film nothing is kept')
})

test('a film that has ended begins at its beginning, also where something was entered before it ended', () => {
  const properties = { file: { type: 'string' }, start: { type: 'number', default: 0 }, loop: { type: 'boolean', default: true }, paused: { type: 'boolean', default: false } }
  const form = new SourceForm()
  part('source').value = 'file'
  form.offer([{ name: 'file', available: true, private: false, params: { type: 'object', properties } }])
  part('source').value = 'file'
  const source = { ...film, params: { ...film.params, start: 42, loop: false } }
  const show = (state, reason) => form.show({ name: 'film', private: false, source: { ...source, state, reason } })
  show('live')
  part('file').value = 'a.mp4'
  assert.deepEqual(form.read().params, {}, 'it plays')
  part('private').checked = true
  show('idle', 'ended')
  assert.deepEqual(form.read(), { params: { start: 0 }, private: true })
})
