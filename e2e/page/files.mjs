// Usage: node files.mjs <base url> <stream> <seconds> <token> [skew]: Chromium plays a stream of ours for some seconds; what it
// decoded, what the server sent meanwhile, and how much later than the picture the sound comes.
import { chromium, report, until } from './browsers.mjs'
import { decoded } from './decoded.mjs'

const [base, stream, seconds, token, skew] = process.argv.slice(2)
const { browser, page } = await chromium()

/** The units that the server has sent, by kind, and what is decoded. */
const look = () => page.evaluate(new Function('args', `return (async () => {
  const { stream, token } = args
  const decoded = ${decoded}
  const answer = await fetch('/api/v1/streams/' + stream, { headers: { Authorization: 'Bearer ' + token } })
  const { source } = await answer.json()
  const sent = {}
  const seen = await decoded()
  for (const { codec, units } of source.renditions) sent[codec.toLowerCase()] = units
  return { sent, seen }
})()`), { stream, token })

try {
  await page.goto(`${base}/watch/${stream}`)
  await until('media', async () => {
    const { frames, samples } = await page.evaluate(decoded)
    return frames > 30 || samples > 48_000
  })
  await new Promise((resolve) => setTimeout(resolve, 1500)) // the page has its hands full at first
  const before = await look()
  const glass = skew && page.evaluate(new Function('milliseconds', `return (async () => {
    const { player } = await import('/static/watch.js')
    const { Glass } = await import('/static/clock.js')
    const glass = new Glass(document.querySelector('video'))
    glass.start(player.stream)
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    const { skew } = glass.reading()
    glass.stop()
    return skew
  })()`), Number(seconds) * 1000)
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))
  const after = await look()
  const codec = (after.seen.codecs.find((name) => name?.startsWith('video/')) ?? '').slice(6).toLowerCase()
  report({
    codec, decoded: after.seen.frames - before.seen.frames, sent: (after.sent[codec] ?? 0) - (before.sent[codec] ?? 0),
    freezes: after.seen.freezes - before.seen.freezes, lost: after.seen.lost, samples: after.seen.samples - before.seen.samples,
    concealed: after.seen.concealed - before.seen.concealed, skew: await glass,
  })
} finally {
  await browser.close()
}
