// Usage: node offer.mjs chromium|firefox <base url>: the offer that whep.js posts.
import { chromium, firefox, report, until } from './browsers.mjs'

const [name, base] = process.argv.slice(2)
const started = name === 'firefox' ? await firefox() : await chromium()
const { page, browser } = started
const record = () => {
  const send = window.fetch
  window.fetch = (url, init) => {
    if (init?.method === 'POST') window.offer ??= init.body
    return send(url, init)
  }
}
try {
  if (name === 'firefox') await page.evaluateOnNewDocument(record)
  else await page.addInitScript(record)
  await page.goto(`${base}/watch/test`)
  const offer = await until('an offer', () => page.evaluate(() => window.offer))
  report({ offer, version: await browser.version() })
} finally {
  await (started.close ?? (() => browser.close()))()
}
