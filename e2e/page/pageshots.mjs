// Usage: node pageshots.mjs <base url> <directory> <token> [look]: every other page, as a desktop, as one at 200 %, and as a phone,
// light and dark.
import { chromium, report } from './browsers.mjs'

const [base, directory, token, wanted] = process.argv.slice(2)
const devices = {
  desktop: { viewport: { width: 1280, height: 900 } },
  zoomed: { viewport: { width: 640, height: 450 }, deviceScaleFactor: 2 }, // 1280 × 900 at 200 %
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
}
const shown = (selector) => (page) => page.locator(selector).first().waitFor()
const playing = shown('#stage[data-state=playing]')
const pages = {
  'home-signed-out': { path: '/', ready: shown('#access #token') },
  'home-connected': {
    path: `/#token=${token}`,
    async ready(page) {
      await shown('#start')(page)
      await page.click('#connect')
      await playing(page)
    },
  },
  'home-bad-name': {
    path: `/#token=${token}`,
    async ready(page) {
      await shown('#start')(page)
      await page.fill('#stream', 'bad name!')
      await shown('#stream-error:not(:empty)')(page)
    },
  },
  streams: { path: `/streams#token=${token}`, ready: shown('[data-do=pushes]') },
  'streams-signed-out': { path: '/streams', ready: shown('text=test') },
  watch: { path: '/watch/test', ready: playing },
  'watch-nobody': { path: '/watch/nobody', ready: shown('text=Nobody publishes') },
  embed: { path: '/embed/test#muted', ready: (page) => page.waitForFunction(() => document.querySelector('video').currentTime > 0) },
  'not-found': { path: '/nowhere', ready: shown('h1') },
  docs: { path: '/docs', ready: shown('.opblock'), long: true },
  redoc: { path: '/redoc', ready: shown('h1:visible'), long: true },
}
const { browser } = await chromium()
const files = []

/** Makes the pictures of one look. */
async function shoot(look, options) {
  for (const [name, { path, ready, long }] of Object.entries(pages)) {
    const context = await browser.newContext(options)
    const page = await context.newPage()
    page.on('pageerror', (error) => { throw error })
    await page.goto(base + path)
    await ready(page)
    const file = `${directory}/page-${name}-${look}.png`
    if (!long) { // what is sticky stands in its place
      await page.setViewportSize({ width: options.viewport.width, height: Math.max(options.viewport.height, await page.evaluate(() => document.documentElement.scrollHeight)) })
    }
    await page.screenshot({ path: file })
    const { scroll, width } = await page.evaluate(() => ({ scroll: document.documentElement.scrollWidth, width: innerWidth }))
    if (scroll > width && !long) throw new Error(`${look} ${name}: ${scroll} pixels wide in a window of ${width}`)
    files.push(file)
    await context.close()
  }
}

try {
  for (const [device, options] of Object.entries(devices)) {
    for (const colorScheme of ['light', 'dark']) {
      const look = `${device}-${colorScheme}`
      if (!wanted || look === wanted) await shoot(look, { ...options, colorScheme })
    }
  }
} finally {
  await browser.close()
}
report({ files })
