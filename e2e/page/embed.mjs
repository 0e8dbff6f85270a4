// Usage: node embed.mjs <subject> <base url>: the embedded picture in Chromium.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, report, until } from './browsers.mjs'

const [subject, base] = process.argv.slice(2)
// Higher than 16:9: there is room above and below the picture.
const { browser, context, page } = await chromium({ viewport: { width: 640, height: 800 } })
const violations = []
page.on('console', (message) => /Content Security Policy/i.test(message.text()) && violations.push(message.text()))
page.on('pageerror', (error) => violations.push(String(error)))
const input = createInterface({ input: process.stdin })
const step = async (name) => {
  report({ step: name })
  await once(input, 'line')
}
const shown = () => page.evaluate(() => getComputedStyle(document.querySelector('video')).visibility === 'visible')
const picture = () => until('a picture', async () => await shown() && await page.evaluate(async () => {
  const { player } = await import('/static/embed.js')
  return player.state === 'playing' && document.querySelector('video').videoWidth > 0
}))

/** The alpha of a screenshot without background: at some points, and the greatest of all. */
const alpha = async () => {
  const png = (await page.screenshot({ omitBackground: true })).toString('base64')
  const reader = await context.newPage()
  try {
    return await reader.evaluate(async (png) => {
      const bytes = Uint8Array.from(atob(png), (character) => character.charCodeAt(0))
      const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }), { premultiplyAlpha: 'none' })
      const canvas = new OffscreenCanvas(image.width, image.height)
      const drawing = canvas.getContext('2d')
      drawing.drawImage(image, 0, 0)
      const { data } = drawing.getImageData(0, 0, image.width, image.height)
      const at = (x, y) => data[(Math.floor(y * (image.height - 1)) * image.width + Math.floor(x * (image.width - 1))) * 4 + 3]
      let most = 0
      for (let index = 3; index < data.length; index += 4) most = Math.max(most, data[index])
      return { top: at(0.5, 0.1), bottom: at(0.5, 0.9), corner: at(0, 0), middle: at(0.5, 0.5), left: at(0.01, 0.5), most }
    }, png)
  } finally {
    await reader.close()
  }
}

const subjects = {
  /** What is around the picture, what there is to press, and what stands there while nothing plays. */
  async alone() {
    await page.goto(`${base}/embed/nobody`)
    await until('a refusal', () => page.evaluate(async () => (await import('/static/embed.js')).player.reason !== null))
    const waiting = await alpha()
    await page.goto(`${base}/embed/test`)
    await picture()
    const playing = await alpha()
    const facts = await page.evaluate(() => ({
      controls: document.querySelectorAll('button, input, select, textarea, a, [controls], [tabindex], [role=button], [onclick], iframe').length,
      muted: document.querySelector('video').muted, words: document.body.innerText.trim(),
      fit: getComputedStyle(document.querySelector('video')).objectFit,
    }))
    await page.goto('about:blank')
    await page.goto(`${base}/embed/test?muted&fit=contain&only=video#fit=cover`)
    await picture()
    const filled = await alpha()
    const settings = await page.evaluate(async () => {
      const { player } = await import('/static/embed.js')
      return { muted: document.querySelector('video').muted, kinds: player.stream.getTracks().map(({ kind }) => kind) }
    })
    return { waiting, playing, filled, facts, settings }
  },

  /** The server goes and comes back, three times. */
  async restarts() {
    await page.goto(`${base}/embed/test`)
    await picture()
    for (let n = 1; n <= 3; n++) {
      await step(`playing ${n}`)
      await until('nothing', async () => !await shown())
      await step(`gone ${n}`)
      await picture()
    }
    return {}
  },
}

try {
  report({ ...await subjects[subject](), violations })
} finally {
  input.close()
  await browser.close()
}
