// Usage: node h264.mjs <base url> <frames>: Chromium plays /watch/test; what it decoded, how late, and what it hears.
import { chromium, report, until } from './browsers.mjs'
import { readers } from './code.mjs'

const [base, wanted] = process.argv.slice(2)
const { browser, page } = await chromium({ viewport: { width: 1280, height: 860 } })
try {
  await page.goto(`${base}/watch/test`)
  const openToPicture = await until('the first picture', () =>
    page.evaluate(() => performance.getEntriesByName('picture')[0]?.startTime))
  const play = new Function('wanted', `return (async () => {
    ${readers}
    const { player } = await import('/static/watch.js')
    const { peerConnection: connection, stream } = player

    // Each decoded frame, as it leaves the decoder.
    const numbers = [], decoded = []
    let unreadable = 0, buffer = new Uint8Array(0), from = 0
    const reader = new MediaStreamTrackProcessor({ track: stream.getVideoTracks()[0].clone(), maxBufferSize: 120 })
      .readable.getReader()
    while (numbers.length < wanted) {
      const { value: frame } = await reader.read()
      from ||= Date.now()
      const { width, height } = frame.visibleRect
      const top = Math.floor((height - 2 * Math.ceil(height / 24)) / 2) * 2 // of the strip of blocks, even as chroma is
      const strip = { rect: { x: 0, y: top, width, height: height - top } }
      if (buffer.length < frame.allocationSize(strip)) buffer = new Uint8Array(frame.allocationSize(strip))
      const [{ offset, stride }] = await frame.copyTo(buffer, strip)
      const code = readCode((x, y) => buffer[offset + (y - top) * stride + x], width, height)
      frame.close()
      if (!code) { unreadable++; continue }
      numbers.push(code.frame)
      if (code.live) decoded.push(Date.now() % 2 ** 32 - code.millis)
    }
    const to = Date.now()
    await reader.cancel()

    // Frames as they are shown.
    const video = document.querySelector('video')
    const shown = []
    for (let looked = 0; decoded.length > 0 && looked < wanted / 3; looked++) { // a recorded clip's clock tells nothing
      const { expectedDisplayTime } = await new Promise((resolve) =>
        video.requestVideoFrameCallback((now, metadata) => resolve(metadata)))
      const code = codeOf(video)
      if (code?.live) shown.push((performance.timeOrigin + expectedDisplayTime) % 2 ** 32 - code.millis)
    }

    const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
    return {
      numbers, unreadable, from, to, live: decoded.length, decodedLatency: median(decoded), shownLatency: median(shown),
      packetsLost: await sum(connection, 'packetsLost'),
      framesDropped: await sum(connection, 'framesDropped'), codecs: await codecs(connection),
    }
  })()`)
  const pictures = page.evaluate(play, Number(wanted))

  // Meanwhile the strongest tone of each channel, and how much weaker the other channel's is there (dB); medians, as the beep
  // sounds in both once a second.
  const tones = await page.evaluate(async () => {
    const { player } = await import('/static/watch.js')
    const audio = new AudioContext({ sampleRate: 48000 })
    const splitter = audio.createChannelSplitter(2)
    audio.createMediaStreamSource(player.stream).connect(splitter)
    const ears = [0, 1].map((channel) => {
      const analyser = audio.createAnalyser()
      analyser.fftSize = 16384
      analyser.smoothingTimeConstant = 0
      splitter.connect(analyser, channel)
      return analyser
    })
    const levels = new Float32Array(ears[0].frequencyBinCount)
    const bin = 48000 / ears[0].fftSize
    const near = (hertz) => Math.max(...[-1, 0, 1].map((step) => levels[Math.round(hertz / bin) + step]))
    const heard = [[], []]
    for (let round = 0; round < 25; round++) {
      await new Promise((resolve) => setTimeout(resolve, 170))
      for (const [channel, ear] of ears.entries()) {
        ear.getFloatFrequencyData(levels)
        const hertz = levels.indexOf(Math.max(...levels)) * bin
        heard[channel].push({ hertz, separation: channel === 0 ? near(440) - near(880) : near(880) - near(440) })
      }
    }
    await audio.close()
    const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
    return heard.map((samples) => ({
      hertz: median(samples.map(({ hertz }) => hertz)), separation: median(samples.map(({ separation }) => separation)),
    }))
  })
  report({ openToPicture, ...await pictures, tones })
} finally {
  await browser.close()
}
