// Usage: node watching.mjs <base url> <stream> <seconds>: Chromium plays a stream for some seconds; what it decoded.
import { chromium, report, until } from './browsers.mjs'
import { decoded, rate } from './decoded.mjs'

const [base, stream, seconds] = process.argv.slice(2)
const { browser, page } = await chromium()
try {
  const opened = Date.now()
  await page.goto(`${base}/watch/${stream}`)
  await until('a picture', async () => (await page.evaluate(decoded)).frames > 0)
  const picture = Date.now() - opened
  await new Promise((resolve) => setTimeout(resolve, 2000)) // the page has its hands full at first
  const before = await page.evaluate(decoded)
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))
  const after = await page.evaluate(decoded)
  report({ rate: rate(before, after), came: rate(before, after, 'came'), picture, viewer: after, freezes: after.freezes - before.freezes })
} finally {
  await browser.close()
}
