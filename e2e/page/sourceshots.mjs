// Usage: node sourceshots.mjs <base url> <directory> <token>: the page at / with each kind of source that has more than
// parameters, as a desktop and as a phone, light and dark.
import { chromium, report } from './browsers.mjs'
import { choose, files as listed, withFilm, withPushes, withSources } from './fixtures.mjs'

const [base, directory, token] = process.argv.slice(2)
const looks = {
  'desktop-light': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  'phone-dark': { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: 'dark' },
}
const { browser } = await chromium()
const files = []
const states = {
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
  },
  'camera-busy': async (page) => {
    await choose(page, 'camera')
    await page.locator('#device option[value=usb-Other]').waitFor({ state: 'attached' })
    await page.selectOption('#device', 'usb-Other')
  },
  ffmpeg: (page) => choose(page, 'ffmpeg'),
  whep: (page) => choose(page, 'whep'),
  film: async (page) => {
    await page.route('**/api/v1/streams?*', withFilm)
    await page.route('**/api/v1/files/clip.mp4', (route) => route.fulfill({ json: listed.files[0] }))
    await page.reload()
    await page.locator('#film-at').waitFor()
    await page.click('#counters summary')
  },
  pushes: async (page) => {
    await withPushes(page)
    await page.goto(`${base}/streams`)
    await page.locator('[data-do=pushes]').first().click()
    await page.locator('.pushes li').first().waitFor()
  },
}
try {
  for (const [look, options] of Object.entries(looks)) {
    for (const [name, state] of Object.entries(states)) {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      page.on('pageerror', (error) => { throw error })
      page.on('console', (message) => message.type() === 'error' && console.error(name, message.text()))
      await withSources(page)
      await page.goto(`${base}/#token=${token}`)
      await state(page)
      await page.evaluate(() => { document.getElementById('params-box')?.setAttribute('open', '') })
      const path = `${directory}/home-${name}-${look}.png`
      await page.screenshot({ path, fullPage: true })
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) throw new Error(`${look} ${name}: wider than the window`)
      files.push(path)
      await context.close()
    }
  }
} finally {
  await browser.close()
}
report({ files })
