// Usage: node camera.mjs chromium|firefox watch|home <base url> <token> <stream>: a page with a real camera's picture, what is
// seen of it, and a screenshot in out/. `watch` looks at the stream, `home` starts it in the page at /.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, firefox, report, until } from './browsers.mjs'
import { choose } from './fixtures.mjs'

const [name, subject, base, token, stream] = process.argv.slice(2)
const { page, browser, close } = await (name === 'firefox' ? firefox() : chromium({ viewport: { width: 1280, height: 1420 } }))
if (name === 'firefox') await page.setViewport({ width: 1280, height: 800 })
const input = createInterface({ input: process.stdin })
const violations = []
page.on('console', (message) => /Content.Security.Policy/i.test(message.text()) && violations.push(message.text()))
page.on('pageerror', (error) => violations.push(String(error)))

/** Looks at a video for some seconds. */
const look = new Function('args', `return (async () => {
  const { selector, seconds } = args
  const video = document.querySelector(selector)
  const next = () => new Promise((resolve) => video.requestVideoFrameCallback((now, metadata) => resolve(metadata)))
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  const brightness = () => {
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight })
    context.drawImage(video, 0, 0)
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
    return Uint8Array.from({ length: data.length / 4 }, (_, i) => (data[i * 4] + 2 * data[i * 4 + 1] + data[i * 4 + 2]) / 4)
  }
  const before = await next()
  const first = brightness(), begin = performance.now()
  let after = before
  while (performance.now() - begin < seconds * 1000) after = await next()
  const took = (performance.now() - begin) / 1000, last = brightness()
  const [red, green, blue] = context.getImageData(canvas.width * 3.5 / 8, 6, 1, 1).data
  return {
    bar: [red, green, blue], fps: (after.presentedFrames - before.presentedFrames) / took, width: video.videoWidth, height: video.videoHeight,
    levels: new Set(first.map((value) => value >> 4)).size, moved: first.filter((value, i) => Math.abs(value - last[i]) > 40).length,
  }
})()`)
const sight = async (what, selector) => {
  await until('a picture', () => page.evaluate((selector) => document.querySelector(selector)?.videoWidth > 0, selector))
  await new Promise((resolve) => setTimeout(resolve, 2000)) // everybody has the hands full at first
  const seen = await page.evaluate(look, { selector, seconds: 5 })
  const screenshot = `out/camera-${what}-${name}.png`
  await page.evaluate(() => scrollTo(0, 0))
  await page.screenshot({ path: screenshot })
  return { ...seen, screenshot, violations }
}
const codecOf = new Function(`return (async () => {
  const { player } = await import('/static/watch.js')
  const stats = await player.peerConnection.getStats()
  return stats.get([...stats.values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')?.codecId)?.mimeType
})()`)
const options = (id) => page.evaluate((id) => [...document.getElementById(id).options].map(({ text }) => text), id)
const text = (id) => page.evaluate((id) => document.getElementById(id).innerText, id)

const subjects = {
  async watch() {
    await page.goto(`${base}/watch/${stream}#token=${token}`)
    report({ ...await sight('watch', 'video'), codec: await page.evaluate(codecOf) })
    await once(input, 'line')
    await page.goto('about:blank') // gives its session back
  },

  async home() {
    await page.goto(`${base}/#token=${token}`)
    await page.fill('#stream', stream)
    await choose(page, 'camera')
    await page.locator('#device option', { hasText: 'vivid' }).waitFor({ state: 'attached' })
    const devices = await options('device')
    await page.selectOption('#device', { label: 'vivid' })
    const formats = await options('device-format')
    await page.selectOption('#device-format', { label: formats.find((one) => /^320 × 180.*I420/.test(one)) })
    const values = await page.evaluate(() => ['width', 'height'].map((param) => document.getElementById(`param-${param}`).value))
    await page.fill('#param-rate', '15')
    await page.fill('#param-bit_rate', '400000')
    report({
      kind: await page.evaluate(() => document.getElementById('source').selectedOptions[0].text), hint: await text('device-hint'),
      devices, formats, values, private: await page.isChecked('#private'),
    })
    await page.click('#preview')
    report(await sight('preview', '#preview-video'))
    await page.click('#start')
    await until('a source that runs', async () => await text('source-word') === 'Live')
    if (await text('connect') === 'Connect') await page.click('#connect')
    report({ ...await sight('home', '#video'), codec: await text('summary') })
    await once(input, 'line')
    await page.click('#stop')
    await until('a source that stopped', async () => await text('source-word') === 'Not running')
    await until('that nothing is to be seen', async () => (await text('curtain')).includes('Nothing feeds'))
    await page.evaluate(() => scrollTo(0, 0))
    await page.screenshot({ path: `out/camera-stopped-${name}.png` })
    report({ step: 'stopped' })
    await once(input, 'line')
  },
}

try {
  await subjects[subject]()
} finally {
  input.close()
  await (close ?? (() => browser.close()))()
}
