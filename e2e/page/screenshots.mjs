// Usage: node screenshots.mjs <base url> <directory> <token> [stream…]: the pages that play and publish, as a desktop and as a
// phone, light and dark.
import { chromium, report, until } from './browsers.mjs'

const [base, directory, token, ...streams] = process.argv.slice(2)
const devices = {
  desktop: { viewport: { width: 1280, height: 860 } },
  phone: { viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
}
const { browser } = await chromium()
const files = []
try {
  for (const [device, options] of Object.entries(devices)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ ...options, colorScheme })
      const page = await context.newPage()
      for (const stream of streams.length > 0 ? streams : ['test']) {
        await page.goto(`${base}/watch/${stream}`)
        await until('a page that plays or says why not', () => page.evaluate(async () => {
          const { player } = await import('/static/watch.js')
          const curtain = getComputedStyle(document.querySelector('#curtain'))
          return curtain.visibility === 'hidden' || player.reason !== null
        }))
        if (stream === 'test') {
          await page.click('#more')
          await until('figures', () => page.evaluate(() => document.querySelector('#figures').children.length > 5 &&
            document.querySelector('#summary').textContent.includes('fps')))
        }
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)
        if (wide) throw new Error(`${device}: the page is wider than the window`)
        const path = `${directory}/watch-${stream}-${device}-${colorScheme}.png`
        await page.screenshot({ path })
        files.push(path)
      }
      const shot = async (name) => {
        const path = `${directory}/publish-${name}-${device}-${colorScheme}.png`
        await page.screenshot({ path, fullPage: true })
        files.push(path)
      }
      const shows = (selector) => page.locator(selector).waitFor()
      await page.goto(`${base}/publish/studio`)
      await shows('#token')
      await shot('token')
      await page.goto(`${base}/publish/studio#token=${token}`)
      await shows('#choose')
      await shot('choose')
      await page.click('#use-camera')
      await page.click('#go')
      await shows('#figures')
      await shot('live')
      await context.close()
    }
  }
} finally {
  await browser.close()
}
report({ files })
