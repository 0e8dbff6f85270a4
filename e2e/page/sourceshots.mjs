// Usage: node sourceshots.mjs <base url> <directory> <token> [look]: the page at / with each kind of source and in each state of
// one, and the pushes at /streams, as a desktop and as a phone, light and dark.
import { chromium, report } from './browsers.mjs'
import { choose, filmOf, withPushes, withSource, withSources } from './fixtures.mjs'

const [base, directory, token, wanted] = process.argv.slice(2)
const looks = {
  'desktop-light': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  'desktop-dark': { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' },
  'phone-light': { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' },
}
const { browser } = await chromium()
const files = []
/** The page with something other known of the source that runs. */
const known = (other, more = async () => {}) => async (page) => {
  await page.route('**/api/v1/streams?*', (route) => withSource(route, other).catch(() => {}))
  await page.reload()
  await page.locator('#source-word').waitFor()
  await more(page)
}
const soon = () => new Date(Date.now() + 8000).toISOString()
const ffmpeg = (source) => ({
  ...source, kind: 'ffmpeg', renditions: [],
  params: { input: 'rtsp://camera.example:554/stream1', user: 'viewer', transport: 'tcp', video: true, audio: true, copy: true, bit_rate: 2_500_000, max_height: 1080, timeout: 15 },
})
const films = async (page) => {
  await page.locator('#film-time').waitFor()
  await page.click('#counters summary')
}
const states = {
  pattern: async (page) => {
    await page.click('#counters summary')
  },
  starting: known((source) => ({ ...ffmpeg(source), state: 'starting' })),
  waiting: known((source) => ({
    ...ffmpeg(source), state: 'waiting', next_try: soon(), restarts: 3, failures: { failed: 4 },
    reason: 'the input cannot be opened: Connection to tcp://camera.example:554?timeout=15000000 failed: Connection refused',
  })),
  failed: known((source) => ({
    ...ffmpeg(source), state: 'failed', restarts: 4, failures: { failed: 5 }, reason: 'the server wants another user or password',
  })),
  ended: known((source) => ({ ...filmOf(source), state: 'idle', reason: 'ended', on_demand: false, playback: { position_ms: 30_030, duration_ms: 30_030, paused: false } })),
  unwatched: known((source) => ({ ...filmOf(source), state: 'idle', reason: 'unwatched', playback: { position_ms: 0, duration_ms: 30_030, paused: false } })),
  paused: known((source) => ({ ...filmOf(source), playback: { position_ms: 7_384_000, duration_ms: 9_000_000, paused: true } }), films),
  file: async (page) => {
    await choose(page, 'file')
    await page.selectOption('#file', 'clip.mp4')
  },
  'file-b-frames': async (page) => {
    await choose(page, 'file')
    await page.selectOption('#file', 'phone.mp4')
  },
  'file-upload': async (page) => {
    await choose(page, 'file')
    let parts = 0
    await page.route('**/api/v1/files/*', (route) => {
      if (route.request().method() === 'HEAD') return route.fulfill({ status: 404 })
      return parts++ === 0 ? route.fulfill({ status: 202, headers: { 'Upload-Offset': '1200000' }, json: {} }) : undefined
    })
    await page.setInputFiles('#file-input', { name: 'holidays.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(4_000_000) })
    await page.locator('#upload-text', { hasText: '1.2 MB' }).waitFor()
  },
  camera: async (page) => {
    await choose(page, 'camera')
    await page.selectOption('#device-format', '0')
    await page.click('#preview')
    await page.locator('#preview-text', { hasText: 'Seen by you alone' }).waitFor()
    await page.waitForFunction(() => document.querySelector('#preview-video').videoWidth > 0)
    return () => page.click('#preview') // its stream would stay
  },
  'camera-busy': async (page) => {
    await choose(page, 'camera')
    await page.locator('#device option[value=usb-Other]').waitFor({ state: 'attached' })
    await page.selectOption('#device', 'usb-Other')
  },
  ffmpeg: (page) => choose(page, 'ffmpeg'),
  'ffmpeg-refused': async (page) => {
    await page.fill('#stream', 'door')
    await choose(page, 'ffmpeg')
    await page.click('#start')
    await page.locator('#param-input-error:not(:empty)').waitFor()
  },
  whep: (page) => choose(page, 'whep'),
  'whep-refused': async (page) => {
    await page.fill('#stream', 'copy')
    await choose(page, 'whep')
    await page.fill('#param-url', 'https://elsewhere.example/whep/live')
    const detail = 'is not allowed: relay.hosts does not list it with its port'
    await page.route('**/api/v1/streams/copy', (route) => route.fulfill({ status: 422, contentType: 'application/problem+json', json: {
      type: 'about:blank', title: 'Unprocessable Entity', status: 422, code: 'params_invalid', detail: 'One parameter is not as it must be.', problems: [{ name: 'params.url', detail }],
    } }))
    await page.click('#start')
    await page.locator('#param-url-error:not(:empty)').waitFor()
  },
  film: known(filmOf, films),
  pushes: async (page) => {
    await withPushes(page)
    await page.goto(`${base}/streams`)
    await page.locator('[data-do=pushes]').first().click()
    await page.locator('.pushes li').first().waitFor()
  },
  'pushes-none': async (page) => {
    await page.goto(`${base}/streams`)
    await page.locator('[data-do=pushes]').first().click()
    await page.locator('.pushes form button').first().click()
    await page.locator('.pushes .error:not(:empty)').waitFor()
  },
}

/** Makes the pictures of one look. */
async function shoot(look, options) {
  for (const [name, state] of Object.entries(states)) {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    page.on('pageerror', (error) => { throw error })
    page.on('console', (message) => message.type() === 'error' && console.error(name, message.text()))
    await withSources(page)
    await page.goto(`${base}/#token=${token}`)
    const leave = await state(page)
    await page.evaluate(() => { document.getElementById('params-box')?.setAttribute('open', '') })
    const { width } = options.viewport
    await page.setViewportSize({ width, height: await page.evaluate(() => document.documentElement.scrollHeight) }) // what is sticky stands in its place
    const path = `${directory}/home-${name}-${look}.png`
    await page.screenshot({ path, fullPage: true })
    if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) throw new Error(`${look} ${name}: wider than the window`)
    files.push(path)
    await leave?.()
    await context.close()
  }
}

try {
  for (const [look, options] of Object.entries(looks)) if (!wanted || look === wanted) await shoot(look, options)
} finally {
  await browser.close()
}
report({ files })
