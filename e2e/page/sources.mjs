// Usage: node sources.mjs <subject> <base url> <token> [more…]: what the pages / and /streams make of sources and pushes, by keyboard
// and mouse, against the server's own answers. Subjects that need something else to change print {"step": …} and go on when a
// line comes in.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, report, until } from './browsers.mjs'
import { readers } from './code.mjs'
import { byKeys } from './keys.mjs'

const [subject, base, token, ...more] = process.argv.slice(2)
const { browser, context, page } = await chromium({ viewport: { width: 1280, height: 900 } })
const { press, tabTo, write } = byKeys(page)
const input = createInterface({ input: process.stdin })
const violations = []
const guard = (page) => {
  page.on('console', (message) => /Content.Security.Policy/i.test(message.text()) && violations.push(message.text()))
  page.on('pageerror', (error) => violations.push(String(error)))
  return page
}
guard(page)

/** What the server says of itself. */
const ask = async (method, path, body) => {
  const headers = { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) }
  const response = await fetch(`${base}/api/v1/${path}`, { method, headers, body: body && JSON.stringify(body) })
  return response.status === 204 ? null : response.json()
}

/* What is to be seen */

const text = (selector, on = page) => on.evaluate((selector) => document.querySelector(selector)?.innerText.trim() ?? '', selector)
const says = (selector, words, on = page) => {
  let last
  return until(`${words} in ${selector}`, async () => {
    last = await text(selector, on).catch(() => '')
    return (words instanceof RegExp ? words.test(last) : last.includes(words)) && { last }
  }).then(() => last, (error) => { throw new Error(`${error.message}; it says ${JSON.stringify(last)}`) })
}
const state = (word) => says('#source-word', new RegExp(`^${word}$`))
/** The number that stands in the picture which is shown; null where none can be read. */
const shown = (on = page) => on.evaluate(new Function(`${readers}
  const video = document.querySelector('video')
  return video.videoWidth > 0 && document.querySelector('#stage').dataset.state === 'playing' ? codeOf(video)?.frame ?? null : null`))
/** The time that the picture tells which is shown, in milliseconds: the film has 30 a second. */
const told = async () => {
  const frame = await shown()
  return frame === null ? null : Math.round(frame * 1000 / 30)
}
const near = (what, milliseconds, tolerance) => until(`${what}: the picture of ${milliseconds} ms`, async () => {
  const now = await told()
  return now !== null && Math.abs(now - milliseconds) <= tolerance && { told: now }
})
const moves = async (on = page) => {
  const first = await until('a picture', async () => await shown(on) ?? false)
  return until(`another picture than ${first}`, async () => await shown(on) !== first)
}
const open = async (path = '/') => {
  await page.goto(`${base}${path}#token=${token}`)
  if (path === '/') await page.locator('#source option').first().waitFor({ state: 'attached' })
}
const choose = async (kind, name) => {
  await write('#stream', name)
  await state('Not running')
  await tabTo('#source')
  const title = await page.locator(`#source option[value=${kind}]`).innerText()
  await page.keyboard.type(title)
  if (await page.inputValue('#source') !== kind) throw new Error(`the keyboard chose ${await page.inputValue('#source')}`)
}
/** Whether something is written anywhere in the page: in its text, its markup or a field. */
const holds = (secret, on = page) => on.evaluate((secret) => document.documentElement.outerHTML.includes(secret) ||
  [...document.querySelectorAll('input, select, textarea')].some(({ value }) => value.includes(secret)), secret)

const subjects = {
  /** A film that is played on demand: it stands still, goes elsewhere, ends, begins again, and rests when nobody watches. */
  async film() {
    await open()
    await choose('file', 'film')
    await until('the file', async () => await page.inputValue('#file') === 'pattern.ivf')
    await tabTo('#on-demand')
    await page.keyboard.press('Space')
    await press('#start') // what is picked is watched at once
    await state('Live')
    await moves()
    await press('#film-pause')
    await says('#film-pause', /^Play$/)
    const playback = async () => (await ask('GET', 'streams/film')).source.playback
    const paused = await playback()
    const still = await near('paused', paused.position_ms, 150)
    const place = await text('#film-time')
    await tabTo('#film-at')
    await page.keyboard.press('Home')
    for (let presses = 0; presses < 5; presses++) await page.keyboard.press('PageUp') // a tenth each
    const sought = { ...await near('elsewhere, while it stands still', 5000, 40), ...await playback(), page: await text('#film-time') }
    await press('#film-pause')
    await until('pictures that go on', async () => await told() > 5100)
    const resumed = { told: [], at: [] } // what the two tell at one moment, a few times
    for (let n = 0; n < 3; n++) {
      resumed.told.push(await told())
      resumed.at.push((await playback()).position_ms)
    }
    resumed.page = await text('#film-time')
    // Once, to its end.
    await tabTo('#film-loop')
    await page.keyboard.press('Space')
    await until('a film that ends', async () => !(await ask('GET', 'streams/film')).source.params.loop)
    await tabTo('#film-at')
    await page.keyboard.press('End')
    await page.keyboard.press('PageDown')
    const ended = { state: await state('Ended'), ...await playback(), curtain: await says('#curtain', 'film'), start: await text('#start') }
    // Again, from its beginning.
    await press('#start')
    await state('Live')
    await until('its beginning', async () => (await told() ?? 1e6) < 8000)
    // Nobody watches.
    await ask('PATCH', 'streams/film', { stop_after_ms: 500, params: { loop: true } }) // or it may end before
    await press('#connect')
    await state('On demand')
    const unwatched = (await ask('GET', 'streams/film')).source
    await press('#connect')
    await state('Live')
    await moves()
    const { runs } = (await ask('GET', 'streams/film')).source
    await press('#stop')
    await state('Not running')
    return { paused, still, place, sought, resumed, ended, unwatched: unwatched.reason, runs }
  },

  /** A stream is pushed to another server by the page at /streams, watched there, and no more. */
  async push() {
    const [other, secret] = more
    await open('/streams')
    await page.locator('#list > li').first().waitFor()
    await page.evaluate(() => { document.querySelector('#list > li').id = 'mine' })
    await press('#mine [data-do=pushes]')
    await says('#mine .pushes', 'no other server')
    const enter = async (url, token) => {
      await write('#mine [name=url]', url)
      if (token) await write('#mine [name=token]', token)
      await page.keyboard.press('Enter')
    }
    const refusal = async (url) => {
      await enter(url)
      const words = await says('#mine .pushes .error', /\w/)
      const field = await page.evaluate(() => ({ focused: document.activeElement.name, invalid: document.querySelector('#mine [name=url]').getAttribute('aria-invalid') }))
      await page.keyboard.press('End')
      await page.keyboard.type('x')
      await says('#mine .pushes .error', /^$/)
      return { words, ...field }
    }
    const wrong = [await refusal('ftp://elsewhere.example/whip/x'), await refusal('https://192.0.2.9/whip/x')]
    await enter(`${other}/whip/copy`, secret)
    const item = '#mine .pushes li'
    await says(`${item} .badge`, `${other}/whip/copy`)
    const live = await says(`${item} .hint`, /^Live (for|since) .*[1-9]\S*\s(kB|MB) sent\./)
    const kept = await holds(secret)
    const watching = guard(await context.newPage())
    await watching.goto(`${other}/watch/copy`)
    await moves(watching)
    await page.bringToFront()
    const shows = { state: await page.getAttribute(`${item} .badge`, 'data-state'), list: (await ask('GET', 'streams/test/pushes')).pushes.length }
    await press(`${item} button`)
    await says('#mine .pushes', 'no other server')
    await until('the end at the other server', async () => {
      const { streams } = await (await fetch(`${other}/api/v1/streams`)).json()
      return !streams.some(({ name, live }) => name === 'copy' && live)
    })
    return { wrong, live, kept, shows, left: (await ask('GET', 'streams/test/pushes')).pushes.length }
  },

  /** A stream comes from another server; what is entered wrong is said beside its field. */
  async pull() {
    const [other] = more
    await open()
    await choose('whep', 'copy')
    const refusal = async (field, value) => {
      await write(`#param-${field}`, value)
      await page.keyboard.press('Enter')
      const words = await says(`#param-${field}-error`, /\w/)
      return { words, focused: await page.evaluate(() => document.activeElement.id), invalid: await page.getAttribute(`#param-${field}`, 'aria-invalid') }
    }
    const wrong = [await refusal('url', ''), await refusal('url', 'elsewhere'), await refusal('url', 'https://192.0.2.9/whep/x'), await refusal('url', `${other}/whep/test?a=b`)]
    await write('#param-url', `${other}/whep/test`)
    await press('#start')
    await state('Live')
    await press('#connect')
    await moves()
    await press('#counters summary')
    const counters = await says('#counters dl', /packets/)
    await press('#stop')
    await state('Not running')
    return { wrong, counters }
  },

  /** A file that has gone, and what FFmpeg opens or may not open. */
  async ffmpeg() {
    await open()
    await choose('file', 'missing')
    await until('the file', async () => await page.inputValue('#file') === 'pattern.ivf')
    report({ step: 'listed' })
    await once(input, 'line')
    await press('#start')
    const missing = await says('#file-error', /\w/)
    await choose('ffmpeg', 'made')
    const refusal = async (value) => {
      await write('#param-input', value)
      await page.keyboard.press('Enter')
      const words = await until('the refusal', async () => {
        const words = await text('#param-input-error')
        return words !== '' && await text('#start') === 'Start' && words
      })
      const { id } = await page.evaluate(() => ({ id: document.activeElement.id }))
      return { words, focused: id }
    }
    const wrong = [await refusal('file:///etc/passwd'), await refusal('rtsp://192.0.2.9/live')]
    await write('#param-input', 'lavfi:testsrc2=size=320x180:rate=15')
    await press('#start')
    const states = new Set()
    await until('live', async () => states.add(await text('#source-word')) && await text('#source-word') === 'Live')
    await press('#connect')
    await until('a picture', () => page.evaluate(() => document.querySelector('#stage').dataset.state === 'playing' && document.querySelector('video').videoWidth === 320))
    await press('#counters summary')
    const counters = await says('#counters dl', /H264/)
    await press('#stop')
    await state('Not running')
    return { missing, wrong, counters, states: [...states] }
  },
}

try {
  report({ ...await subjects[subject](), violations })
} catch (error) {
  await page.screenshot({ path: `out/failed-${subject}.png`, fullPage: true }).catch(() => {})
  throw error
} finally {
  input.close()
  await browser.close()
}
