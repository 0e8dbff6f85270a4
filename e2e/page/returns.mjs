// Usage: node returns.mjs <base url> <stream> <viewers>: Chromium plays a stream so many times, in one page. It reports
// when all have a picture; then at each line of its input: "read" reports what every viewer has shown since the last
// reading, "publish TOKEN" lets another page take the stream over in VP8, and says when its first picture was sent.
import { createInterface } from 'node:readline'
import { chromium, report, until } from './browsers.mjs'

const [base, stream, count] = process.argv.slice(2)

/** In the page: plays into so many videos, which note when they show a picture. */
const play = async ([endpoint, count]) => {
  const { WHEPPlayer } = await import('/static/whep.js')
  window.viewers = Array.from({ length: count }, () => {
    const video = Object.assign(document.createElement('video'), { autoplay: true, muted: true, playsInline: true, width: 160 })
    document.body.append(video)
    const viewer = { player: new WHEPPlayer(endpoint), times: [] }
    const shown = (now) => {
      viewer.times.push(performance.timeOrigin + now)
      video.requestVideoFrameCallback(shown)
    }
    video.requestVideoFrameCallback(shown)
    viewer.player.addEventListener('track', () => { video.srcObject = viewer.player.stream })
    viewer.player.start()
    return viewer
  })
}

/** In the page: what every viewer has shown, in milliseconds since 1970, and what its connection tells. The last one is
 * said again the next time: a pause may have begun with it. */
const read = () => Promise.all(window.viewers.map(async (viewer) => {
  const stats = await viewer.player.peerConnection?.getStats() ?? new Map()
  const all = [...stats.values()].filter(({ type }) => type === 'inbound-rtp')
  const video = all.find(({ kind }) => kind === 'video')
  return {
    times: viewer.times.splice(0, viewer.times.length - 1), state: viewer.player.state, lost: video?.packetsLost ?? 0, freezes: video?.freezeCount ?? 0,
    codecs: all.map(({ codecId }) => stats.get(codecId)?.mimeType),
  }
}))

/** In another page: publishes a canvas and silence. */
const publish = async ([endpoint, token]) => {
  const { WHIPPublisher } = await import('/static/whip.js')
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 })
  const context = canvas.getContext('2d')
  let frame = 0
  setInterval(() => {
    context.fillStyle = `hsl(${frame++ * 3 % 360} 80% 50%)`
    context.fillRect(0, 0, 640, 360)
  }, 1000 / 30)
  const media = canvas.captureStream(30)
  media.addTrack(new AudioContext({ sampleRate: 48000 }).createMediaStreamDestination().stream.getAudioTracks()[0])
  const publisher = new WHIPPublisher(endpoint, { token, codecs: ['VP8'] })
  await publisher.start(media)
  for (;;) {
    const stats = await publisher.peerConnection?.getStats() ?? new Map()
    if ([...stats.values()].some(({ type, kind, framesSent }) => type === 'outbound-rtp' && kind === 'video' && framesSent > 0)) return Date.now()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const { browser, context, page } = await chromium({ bypassCSP: true })
let posts = 0
page.on('request', (request) => { if (request.method() === 'POST') posts++ })
try {
  await page.goto(`${base}/healthz`)
  await page.evaluate(play, [`${base}/whep/${stream}`, Number(count)])
  await until('pictures', () => page.evaluate(() => window.viewers.every(({ times }) => times.length > 30)))
  report({ step: 'playing' })
  for await (const line of createInterface({ input: process.stdin })) {
    const [what, token] = line.split(' ')
    if (what === 'read') {
      report({ viewers: await page.evaluate(read), posts })
    } else if (what === 'publish') {
      const other = await context.newPage()
      await other.goto(`${base}/healthz`)
      report({ step: 'began', at: await other.evaluate(publish, [`${base}/whip/${stream}`, token]) })
    } else {
      break
    }
  }
} finally {
  await browser.close()
}
