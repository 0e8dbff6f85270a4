// Usage: node whip.mjs <base url> <token> <codec> <seconds> [simulcast|firefox]: Chromium, or Firefox, publishes a canvas and
// two tones by WHIP, another Chromium plays them; what was sent, and what of it was decoded.
import { chromium, firefox, report, until } from './browsers.mjs'
import { decoded, rate } from './decoded.mjs'

const [base, token, codec, seconds, how] = process.argv.slice(2)
const simulcast = how === 'simulcast'
const publisher = how === 'firefox' ? await firefox() : await chromium({ bypassCSP: true }), viewer = await chromium()

/** In the page: publishes into the stream, and leaves the connection in the window. */
const publish = async ({ base, token, codec, simulcast }) => {
  // Chromium sends three layers only of what is large enough.
  const [width, height] = simulcast ? [960, 540] : [640, 360]
  const canvas = Object.assign(document.createElement('canvas'), { width, height })
  const context = canvas.getContext('2d')
  let frame = 0
  setInterval(() => {
    frame++
    for (let column = 0; column < 16; column++) {
      context.fillStyle = `hsl(${(column * 23 + frame * 3) % 360} 80% 50%)`
      context.fillRect(column * width / 16, 0, width / 16, height)
    }
    context.fillStyle = '#fff'
    context.fillRect(frame * 7 % width, 100, 60, 60)
    context.font = '60px monospace'
    context.fillText(String(frame), 40, 320)
  }, 1000 / 30)
  const video = canvas.captureStream(30).getVideoTracks()[0]
  const audio = new AudioContext({ sampleRate: 48000 })
  const merger = audio.createChannelMerger(2), destination = audio.createMediaStreamDestination()
  for (const [channel, hertz] of [440, 880].entries()) {
    const oscillator = new OscillatorNode(audio, { frequency: hertz })
    oscillator.connect(merger, 0, channel)
    oscillator.start()
  }
  merger.connect(destination)

  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle' })
  window.connection = connection
  const layers = [
    { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000 }, { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 400_000 },
    { rid: 'h', maxBitrate: 1_500_000 },
  ]
  const sends = connection.addTransceiver(video, { direction: 'sendonly', ...simulcast && { sendEncodings: layers } })
  const known = RTCRtpReceiver.getCapabilities('video').codecs
  const wanted = ({ mimeType }) => mimeType === `video/${codec}`
  sends.setCodecPreferences([...known.filter(wanted), ...known.filter(({ mimeType }) => mimeType === 'video/rtx')])
  connection.addTransceiver(destination.stream.getAudioTracks()[0], { direction: 'sendonly' })
  const offer = await connection.createOffer()
  offer.sdp = offer.sdp.replace('useinbandfec=1', 'useinbandfec=1;stereo=1;sprop-stereo=1')
  await connection.setLocalDescription(offer)
  const answer = await fetch(`${base}/whip/live`, {
    method: 'POST', body: offer.sdp, headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` },
  })
  const sdp = await answer.text()
  if (answer.status !== 201) throw new Error(`${answer.status} ${sdp}`)
  await connection.setRemoteDescription({ type: 'answer', sdp })
  return { offer: offer.sdp, answer: sdp, session: answer.headers.get('Location') }
}

/** In the publisher's page: what was sent, of the layer that is largest. */
const sent = async () => {
  const all = [...(await window.connection.getStats()).values()]
  const video = all.filter(({ type, kind }) => type === 'outbound-rtp' && kind === 'video').toSorted((a, b) => (a.frameWidth ?? 0) - (b.frameWidth ?? 0)).at(-1)
  return {
    state: window.connection.connectionState, at: video?.timestamp, frames: video?.framesSent ?? 0, width: video?.frameWidth ?? 0, bits: video?.targetBitrate ?? 0,
    keyFrames: video?.keyFramesEncoded ?? 0, plis: video?.pliCount ?? 0, nacks: video?.nackCount ?? 0,
    layers: all.filter(({ type, kind, framesSent }) => type === 'outbound-rtp' && kind === 'video' && framesSent > 0).length,
    rtt: all.find(({ type }) => type === 'remote-inbound-rtp')?.roundTripTime ?? 0,
    loss: Math.max(0, ...all.filter(({ type }) => type === 'remote-inbound-rtp').map(({ packetsLost }) => packetsLost)),
  }
}

try {
  await publisher.page.goto(`${base}/${how === 'firefox' ? 'docs' : 'healthz'}`)
  const made = await publisher.page.evaluate(publish, { base, token, codec, simulcast })
  await until('the publisher\'s frames', async () => (await publisher.page.evaluate(sent)).frames > 0)
  const opened = Date.now()
  await viewer.page.goto(`${base}/watch/live`)
  await until('a picture', async () => (await viewer.page.evaluate(decoded)).frames > 0)
  const picture = Date.now() - opened
  if (simulcast) {
    await until('the largest layer', async () => (await viewer.page.evaluate(decoded)).width === 960).catch(async (error) => {
      const sessions = await fetch(`${base}/api/v1/sessions`, { headers: { Authorization: `Bearer ${token}` } })
      throw new Error(`${error.message}; ${JSON.stringify(await publisher.page.evaluate(sent))} ${await sessions.text()}\n${made.answer}`)
    })
  }
  await new Promise((resolve) => setTimeout(resolve, 2000)) // both pages have their hands full at first
  const both = () => Promise.all([publisher.page.evaluate(sent), viewer.page.evaluate(decoded)])
  const [sentBefore, decodedBefore] = await both()
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))
  const [sentAfter, decodedAfter] = await both()
  // By the second, since the two cannot be asked at the same moment.
  report({
    sent: rate(sentBefore, sentAfter), decoded: rate(decodedBefore, decodedAfter), picture,
    publisher: sentAfter, viewer: decodedAfter, offer: made.offer, answer: made.answer, session: made.session,
    freezes: decodedAfter.freezes - decodedBefore.freezes,
  })
} finally {
  await (publisher.close ?? (() => publisher.browser.close()))()
  await viewer.browser.close()
}
