// Usage: node filestart.mjs <base url> <token> <file>: the page at / uploads a film, and goes on after a break; it says what is
// in it, starts it, shows its picture, and ends it. All by its own controls.
import { basename } from 'node:path'
import { chromium, report, until } from './browsers.mjs'

const [base, token, file] = process.argv.slice(2)
const { browser, page } = await chromium({ viewport: { width: 1280, height: 900 } })
const name = basename(file)
const text = (selector) => page.locator(selector).innerText()
const troubles = []
page.on('pageerror', (error) => troubles.push(String(error)))

/** Whether the film moves: pictures that come in a while. */
const pictures = (milliseconds) => page.evaluate(async (milliseconds) => {
  const video = document.getElementById('video')
  const hash = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 })
    const context = canvas.getContext('2d')
    context.drawImage(video, 0, 0, 64, 36)
    return context.getImageData(0, 0, 64, 36).data.join()
  }
  const seen = new Set()
  for (const end = performance.now() + milliseconds; performance.now() < end;) {
    seen.add(hash())
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return seen.size
}, milliseconds)

try {
  await page.goto(`${base}/#token=${token}`)
  await page.locator('#source option[value=file]:not([disabled])').waitFor({ state: 'attached' })
  await page.fill('#stream', 'film')
  await until('a stream that does not run', async () => await text('#source-word') === 'Not running')
  await page.selectOption('#source', 'file')

  // The connection breaks behind the first part; the upload goes on by itself, where it had come to.
  const ranges = []
  let broken = false
  await page.route(`**/api/v1/files/${name}`, async (route) => {
    if (route.request().method() !== 'PUT') return route.continue()
    ranges.push(route.request().headers()['content-range'])
    if (ranges.length === 2 && !broken) {
      broken = true
      return route.abort('connectionreset')
    }
    return route.continue()
  })
  await page.setInputFiles('#file-input', file)
  await until('the file in the list', async () => await page.inputValue('#file') === name && (await text('#file-report')).includes('Picture'))
  const found = await text('#file-report')

  await page.click('#start')
  await until('a source that runs', async () => await text('#source-word') === 'Live')
  await until('a picture', () => page.evaluate(() => document.getElementById('stage').dataset.state === 'playing'))
  let moving = 0
  await until('a film that moves', async () => (moving = await pictures(1000)) >= 5)

  await page.click('#stop')
  await until('nothing that runs', async () => await text('#source-word') === 'Not running')
  await page.click('#file-delete')
  await page.click('#confirm-yes')
  await until('no file', async () => await page.inputValue('#file') === '')
  report({ ranges, found, moving, troubles })
} finally {
  await browser.close()
}
