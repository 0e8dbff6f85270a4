// Usage: node axe.mjs own|docs light|dark|narrow|short <base url> <token> <base url where playing needs a token>: axe-core on our
// own pages, or on those around Swagger UI and ReDoc, in each of their states; short is dark, and then, as it stands, narrow
// with a look at the width alone. What is serious is reported as a whole.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { chromium, patience, report, until } from './browsers.mjs'
import { choose, files, withFilm, withPushes, withSources } from './fixtures.mjs'

const [whose, look, base, token, closed] = process.argv.slice(2)
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const { browser } = await chromium()

const has = (selector) => (page) => until(`${selector} in ${page.url()}`, () => page.evaluate((selector) => {
  const found = document.querySelector(selector)
  return found !== null && found.getClientRects().length > 0
}, selector))
const says = (words) => (page) => until(`“${words}” in ${page.url()}`, () => page.evaluate((words) => document.body.innerText.includes(words), words))

/** Each page, and the state in which it is looked at. */
const own = {
  'start': { path: '/', ready: has('#connect') },
  'start with a token': { path: `/#token=${token}`, ready: has('select:enabled') },
  'a file that cannot be played, and an upload': {
    path: `/#token=${token}`,
    async before(page) {
      await withSources(page)
      let parts = 0 // the second one has no answer
      await page.route('**/api/v1/files/*', (route) => {
        if (route.request().method() === 'HEAD') return route.fulfill({ status: 404 })
        return parts++ === 0 ? route.fulfill({ status: 202, headers: { 'Upload-Offset': '131072' }, json: {} }) : undefined
      })
    },
    async ready(page) {
      await choose(page, 'file')
      await page.locator('#file option[value="phone.mp4"]').waitFor({ state: 'attached' })
      await page.selectOption('#file', 'phone.mp4')
      await page.setInputFiles('#file-input', { name: 'holidays.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(1_000_000) })
      await says('holidays.mp4: ')(page)
    },
  },
  'a camera and its preview': {
    path: `/#token=${token}`,
    before: withSources,
    async ready(page) {
      await choose(page, 'camera')
      await has('#device-format')(page)
      await page.click('#preview')
      await says('Seen by you alone')(page)
    },
    async after(page) { // closing the context is not leaving the page: its stream would stay
      const deleted = page.waitForResponse((response) => response.request().method() === 'DELETE').catch(() => {})
      await page.click('#preview')
      await until('no preview', () => page.evaluate(() => document.getElementById('preview-box').hidden))
      await deleted
    },
  },
  'ffmpeg': {
    path: `/#token=${token}`,
    before: withSources,
    async ready(page) {
      await choose(page, 'ffmpeg')
      await page.evaluate(() => { document.getElementById('params-box').open = true })
      await has('#param-password[type=password]')(page)
    },
  },
  'streams': { path: '/streams', ready: says('test') },
  'streams with a token': { path: `/streams#token=${token}`, ready: says('test') },
  'streams with findings': {
    path: `/streams#token=${token}`,
    async before(page) {
      const withFindings = async (route) => {
        const response = await route.fetch()
        const answer = await response.json()
        // By its name: another look's page may publish beside it.
        const test = answer.streams.find(({ name }) => name === 'test')
        if (test) test.findings = ['error', 'warning'].map((severity) => ({
          code: 'b_frames', severity, since: '2026-11-26T03:55:02.400Z', track: `video/${severity}`, text: '67 % of the pictures are B-frames.',
          remedies: { obs: 'Settings > Output > Streaming: B-Frames 0.', ffmpeg: '-bf 0', gstreamer: 'x264enc bframes=0; vah264enc b-frames=0' },
        }))
        await route.fulfill({ response, json: answer })
      }
      // It asks again and again; when the page goes its last request goes with it.
      await page.route('**/api/v1/streams?**', (route) => withFindings(route).catch(() => {}))
    },
    async ready(page) {
      await has('[data-do=findings]')(page)
      await page.click('[data-do=findings]:visible')
      for (const summary of await page.locator('.finding summary').all()) await summary.click()
      await has('.finding[open] + .finding[open] .remedies')(page)
    },
  },
  'a film that plays, and how it has run': {
    path: `/#token=${token}`,
    async before(page) {
      await withSources(page)
      await page.route('**/api/v1/streams?*', (route) => withFilm(route).catch(() => {}))
      await page.route('**/api/v1/files/clip.mp4', (route) => route.fulfill({ json: files.files[0] }))
    },
    async ready(page) {
      await has('#film-at')(page)
      await page.click('#counters summary')
      await says('Failed: file gone')(page)
    },
  },
  'streams with pushes': {
    path: `/streams#token=${token}`,
    before: withPushes,
    async ready(page) {
      await has('[data-do=pushes]')(page)
      await page.click('[data-do=pushes]')
      await says('The other server does not answer')(page)
      await page.locator('.pushes form button').first().click()
      await says('Enter the WHIP address')(page)
    },
  },
  'watch': { path: '/watch/test', ready: has('#stage[data-state=playing]') },
  'watch, shared': {
    path: `/watch/test#token=${token}`,
    async ready(page) {
      await has('#stage[data-state=playing]')(page)
      await page.keyboard.press('i')
      await page.keyboard.press('s')
      await has('#qr svg')(page)
    },
  },
  'watch, nobody': {
    path: '/watch/nobody',
    async ready(page) {
      await says('Nobody publishes')(page)
      await page.click('#token-open')
    },
  },
  'watch, token needed': { server: closed, path: '/watch/test', ready: has('#token-form') },
  'publish': {
    path: `/publish/studio#token=${token}`,
    async ready(page) {
      await has('#choose')(page)
      await page.click('#use-camera')
      await page.click('#go')
      await says('Key frames asked for')(page)
    },
  },
  'publish, token needed': { path: '/publish/studio', ready: has('#access') },
  'embed': { path: '/embed/test', ready: has('video[data-state=playing]') },
  'not found': { path: '/nothing-here', ready: has('h1') },
}
const docs = {
  'docs': {
    path: `/docs#token=${token}`,
    async ready(page) {
      await has('.opblock')(page)
      for (const method of ['get', 'post', 'patch', 'delete']) {
        await page.locator(`.opblock-${method} .opblock-summary-control`).first().click()
        await has(`.opblock-${method}.is-open .responses-wrapper`)(page)
      }
    },
  },
  'redoc': { path: '/redoc', ready: says('/api/v1/streams') },
}
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
}
looks.short = looks.dark

/** Makes a page narrow as it stands. */
const narrow = async (context, page) => {
  const { colorScheme, viewport } = looks.narrow
  await page.emulateMedia({ colorScheme })
  await page.setViewportSize(viewport)
  const devtools = await context.newCDPSession(page)
  await devtools.send('Emulation.setDeviceMetricsOverride', { ...viewport, deviceScaleFactor: 1, mobile: true })
  await devtools.send('Emulation.setTouchEmulationEnabled', { enabled: true })
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
}

const serious = [], slight = [], wide = []
let looked = 0
const examine = async (name, page) => {
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  for (const { id, impact, help, nodes } of violations) {
    const found = { page: name, id, impact, help, nodes: nodes.slice(0, 4).map(({ target, failureSummary }) => `${target.join(' ')}: ${failureSummary}`) }
    if (impact === 'serious' || impact === 'critical') serious.push(found)
    else slight.push(`${name}: ${id}`)
  }
  await measure(name, page)
  looked++
}
const measure = async (name, page) => {
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) wide.push(name)
}
try {
  for (const [name, { server = base, path, before, ready, after }] of Object.entries({ own, docs }[whose])) {
    const context = await browser.newContext({ ...looks[look], reducedMotion: 'reduce' })
    context.setDefaultTimeout(patience)
    try {
      const page = await context.newPage()
      await before?.(page)
      await page.goto(`${server}${path}`)
      await ready(page)
      await page.evaluate(axe)
      await examine(name, page)
      if (look === 'short') {
        await narrow(context, page)
        await measure(`${name}, narrow`, page)
      }
      await after?.(page)
    } finally {
      await context.close()
    }
  }
} finally {
  await browser.close()
}
report({ looked, serious, slight, wide })
