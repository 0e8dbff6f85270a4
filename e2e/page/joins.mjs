// Usage: node joins.mjs <chromium|firefox> <base url> <stream> <seconds> <GOP in pictures> <moment>...: a browser plays the stream
// once for each moment, for so many seconds each; a moment is the picture of the GOP at which it begins, of 30 a second.
// For each: milliseconds from the POST to the first picture, from there until it is live for good, the latency in the last
// second, and how often it froze.
import * as browsers from './browsers.mjs'
import { readers } from './code.mjs'

const [which, base, stream, seconds, gop, ...moments] = process.argv.slice(2)
const { browser, page, close } = await (which === 'firefox' ? browsers.firefox() : browsers.chromium({ bypassCSP: true }))
try {
  await page.goto(`${base}/${which === 'firefox' ? 'docs' : 'healthz'}`)
  const play = new Function('{ name, seconds, gop, moment }', `return (async () => {
    ${readers}
    const { WHEPPlayer } = await import('/static/whep.js')
    // The clock of the GOP, as far as an earlier join has seen it.
    const clock = window.gopClock
    if (clock) {
      const now = clock.frame + (performance.now() - clock.at) / 1000 * 30
      await new Promise((resolve) => setTimeout(resolve, (moment - now % gop + gop) % gop / 30 * 1000))
    }
    let posted = 0
    const send = window.fetch
    window.fetch = (...args) => {
      if (args[1]?.method === 'POST') posted ||= performance.now()
      return send(...args)
    }
    const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true })
    document.body.prepend(video)
    const player = new WHEPPlayer('/whep/' + name)
    player.addEventListener('track', () => { video.srcObject = player.stream })
    player.start()
    const shown = []
    const first = new Promise((resolve) => {
      const look = (now, { expectedDisplayTime }) => {
        const code = codeOf(video)
        if (code) {
          shown.push({ at: expectedDisplayTime, latency: (performance.timeOrigin + expectedDisplayTime) % 2 ** 32 - code.millis, frame: code.frame })
          // The picture is that which is due now: what a joiner is shown late says nothing of the clock.
          const drawn = performance.now() - ((performance.timeOrigin + performance.now()) % 2 ** 32 - code.millis)
          window.gopClock = { frame: code.frame, at: drawn }
        } else shown.push({ at: expectedDisplayTime, latency: NaN })
        resolve(shown[0].at)
        if (player.state !== 'closed') video.requestVideoFrameCallback(look)
      }
      video.requestVideoFrameCallback(look)
    })
    await Promise.race([first, new Promise((resolve, reject) => setTimeout(() => reject(new Error('no picture: ' + JSON.stringify(player.reason) + player.state)), ${browsers.patience}))])
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const stats = [...(await player.peerConnection.getStats()).values()].find(({ type, kind }) => type === 'inbound-rtp' && kind === 'video')
    player.close()
    video.remove()
    window.fetch = send
    const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1]
    const readable = shown.filter(({ latency }) => !Number.isNaN(latency))
    const end = readable.at(-1).at
    const settled = median(readable.filter(({ at }) => at > end - 1000).map(({ latency }) => latency))
    const late = readable.findLast(({ at, latency }) => at < shown[0].at + 2000 && latency > settled + 60)
    return {
      moment, picture: shown[0].at - posted, live: late ? late.at - shown[0].at : 0, latency: settled, behind: readable[0].latency - settled,
      unreadable: shown.length - readable.length, freezes: stats.freezeCount ?? 0, frozen: stats.totalFreezesDuration ?? 0,
      lost: stats.packetsLost, dropped: stats.framesDropped ?? 0, decoder: stats.decoderImplementation ?? '',
    }
  })()`)
  await page.evaluate(play, { name: stream, seconds: 1, gop: Number(gop), moment: 0 }) // finds the clock, and warms the browser up
  const joins = []
  for (const moment of moments) {
    joins.push(await page.evaluate(play, { name: stream, seconds: Number(seconds), gop: Number(gop), moment: Number(moment) }))
  }
  browsers.report(joins)
} finally {
  await (close ?? (() => browser.close()))()
}
