// Usage: node docs.mjs <base url> <token>: Swagger UI and ReDoc in Chromium, with all network but the server cut off.
import { chromium, report, until } from './browsers.mjs'

const [base, token] = process.argv.slice(2)
const { browser, context, page } = await chromium({ viewport: { width: 1280, height: 1000 } })
const outside = [], violations = []
await context.route((url) => url.origin !== base, (route) => {
  outside.push(route.request().url())
  return route.abort()
})
page.on('console', (message) => /Content Security Policy/i.test(message.text()) && violations.push(message.text()))
page.on('pageerror', (error) => violations.push(String(error)))

const stream = 'tried-out'
const ask = async () => (await fetch(`${base}/api/v1/streams/${stream}`, { headers: { Authorization: `Bearer ${token}` } })).status

/** Opens an operation, fills it in, executes it, and returns the status of the answer. */
const tryOut = async (operation, body) => {
  const block = page.locator(`.opblock[id$="-${operation}"]`)
  await block.locator('.opblock-summary-control').click()
  await block.locator('tr[data-param-in="path"] input').fill(stream)
  if (body) await block.locator('textarea.body-param__text').fill(JSON.stringify(body))
  await block.locator('button.execute').click()
  const status = block.locator('.live-responses-table tr.response .response-col_status').first()
  await status.waitFor()
  const answered = Number.parseInt(await status.innerText(), 10)
  const curl = await block.locator('.curl-command').innerText()
  await block.locator('.opblock-summary-control').click()
  return { status: answered, curl: curl.replaceAll(token, 'TOKEN') }
}

try {
  await page.goto(`${base}/docs#token=${token}`)
  await until('operations', () => page.evaluate(() => document.querySelectorAll('.opblock').length > 10))
  const address = page.url()
  const operations = await page.evaluate(() => document.querySelectorAll('.opblock').length)
  const validator = await page.evaluate(() => document.querySelectorAll('.validator, img[src*="validator"]').length)
  const before = await ask()
  const started = await tryOut('startStream', { source: 'pattern' })
  const between = await ask()
  const stopped = await tryOut('stopStream')
  const after = await ask()

  await page.goto(`${base}/redoc`)
  const text = () => page.evaluate(() => document.body.innerText)
  await until('the introduction', async () => (await text()).includes('/api/v1/streams'))
  await page.getByText('sources and streams', { exact: true }).first().click()
  await page.getByText('Start a source on a stream').first().click()
  await until('an operation', async () => (await text()).includes('422'))
  const operation = page.url()
  if (process.env.E2E_SOAK) await page.reload() // ReDoc takes as long as all the rest to be made
  const redoc = await until('the operation', async () => {
    const shown = await text()
    return shown.includes('Responses') && shown.includes('It runs.') && { address: operation, path: shown.includes('/api/v1/streams/{') }
  })
  await page.waitForLoadState('networkidle')
  report({ address, operations, validator, before, started, between, stopped, after, redoc, outside, violations })
} finally {
  await browser.close()
}
