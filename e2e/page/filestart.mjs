// Usage: node filestart.mjs <base url> <token> <file>: the page at / uploads a film, and goes on after a break; it says what is
// in it, starts it, shows its picture, and makes it stand still, go elsewhere and end. All by its own controls.
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
  await until('the file in the list', async () => await page.inputValue('#file') === name && (await text('#file-report')).includes('Picture'), 20_000)
  const found = await text('#file-report')

  await page.click('#start')
  await until('a source that runs', async () => await text('#source-word') === 'Live')
  await until('a picture', () => page.evaluate(() => document.getElementById('stage').dataset.state === 'playing'), 20_000)
  const moving = await pictures(1000)

  await page.click('#film-pause')
  await until('a film that stands still', async () => await text('#film-pause') === 'Play')
  await until('the last picture', async () => await pictures(400) === 1, 5_000)
  const still = await pictures(700)
  await page.click('#film-pause')
  await until('a film that goes on', async () => await text('#film-pause') === 'Pause')
  await until('other pictures', async () => await pictures(500) > 3, 5_000)

  await page.locator('#film-at').waitFor()
  await page.locator('#film-at').evaluate((slider) => {
    slider.value = 15
    slider.dispatchEvent(new Event('input', { bubbles: true }))
    slider.dispatchEvent(new Event('change', { bubbles: true }))
  })
  await until('another place', async () => /^0:1[5-9] of 0:20$/.test(await text('#film-time')))
  const start = () => page.evaluate(async () => {
    const { token } = await import('/static/token.js')
    const answer = await fetch('/api/v1/streams/film', { headers: { Authorization: `Bearer ${token()}` } })
    return (await answer.json()).source.params.start
  })
  await until('a film that went elsewhere', async () => await start() > 0) // the page shows the place before it is there
  const place = await start()
  const after = await pictures(700)

  await page.click('#stop')
  await until('nothing that runs', async () => await text('#source-word') === 'Not running')
  await page.click('#file-delete')
  await page.click('#confirm-yes')
  await until('no file', async () => await page.inputValue('#file') === '')
  report({ ranges, found, moving, still, place, after, troubles })
} finally {
  await browser.close()
}
