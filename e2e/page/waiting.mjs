// Usage: node waiting.mjs <base url> <token> <page>/<stream>/<codec>[/card]…: Chromium opens a stream's page, watch or embed,
// before another one publishes the stream, one after the other; what the page says meanwhile, and how soon its picture
// comes. With card there is one to be seen before and after.
import { chromium, report, until } from './browsers.mjs'

const [base, token, ...all] = process.argv.slice(2)
const publisher = await chromium({ bypassCSP: true }), viewer = await chromium()

/** In the viewer's page: notes when a picture of each width was last and first seen. */
const notePictures = () => {
  window.first = {}
  window.last = {}
  const video = document.querySelector('video')
  const look = (now, { width }) => {
    window.first[width] ??= Date.now()
    window.last[width] = Date.now()
    video.requestVideoFrameCallback(look)
  }
  video.requestVideoFrameCallback(look)
}

/** In the publisher's page: publishes a canvas 640 wide; when it has connected. */
const publish = async ({ base, token, stream, codec }) => {
  const { WHIPPublisher } = await import('/static/whip.js')
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 })
  const context = canvas.getContext('2d')
  let frame = 0
  setInterval(() => {
    context.fillStyle = `hsl(${frame++ * 3 % 360} 80% 50%)`
    context.fillRect(0, 0, 640, 360)
  }, 1000 / 30)
  const whip = new WHIPPublisher(`${base}/whip/${stream}`, { token, codecs: [codec] })
  window.whip = whip
  whip.start(canvas.captureStream(30))
  return new Promise((resolve) => {
    whip.addEventListener('statechange', () => whip.state === 'publishing' && resolve(Date.now()))
  })
}

const curtain = () => viewer.page.evaluate(() => document.querySelector('#curtain')?.innerText ?? '')
/** On /watch: what the page calls it. */
const badge = (kind, word) => kind !== 'watch' || until(`that it says ${word}`, () => viewer.page.evaluate((word) =>
  document.querySelector('#badge-word').textContent === word, word))
const cardSeen = (since) => viewer.page.evaluate((since) => window.last[1280] > since, since)

const wait = async (kind, stream, codec, card) => {
  await publisher.page.goto(`${base}/healthz`)
  await viewer.page.goto(`${base}/${kind}/${stream}`)
  await viewer.page.evaluate(notePictures)
  if (card) {
    await until('the card', () => cardSeen(0))
    await badge(kind, 'Waiting')
  } else if (kind === 'watch') await until('that it waits', async () => (await curtain()).includes('It begins here by itself'))
  else await new Promise((resolve) => setTimeout(resolve, 2500)) // the page has asked, and says nothing
  const said = await curtain()
  const connected = await publisher.page.evaluate(publish, { base, token, stream, codec })
  await until('the publisher\'s picture', () => viewer.page.evaluate(() => window.first[640]))
  await badge(kind, 'Live')
  const picture = await viewer.page.evaluate(() => window.first[640]) - connected
  await publisher.page.evaluate(() => window.whip.close())
  const left = Date.now()
  if (card) {
    await until('the card again', () => cardSeen(left))
    await badge(kind, 'Waiting')
  }
  report({ said, picture })
}

try {
  for (const one of all) await wait(...one.split('/'))
} finally {
  await publisher.browser.close()
  await viewer.browser.close()
}
