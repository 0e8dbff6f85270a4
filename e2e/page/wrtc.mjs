// Usage: node wrtc.mjs <base url> <seconds>: libwebrtc in Node, which has no H.264, plays /whep/test.
import wrtc from '@roamhq/wrtc'
import { report, until } from './browsers.mjs'
import { readCode } from './code.mjs'
import { noteSession } from './seen.mjs'

const [base, seconds] = process.argv.slice(2)
const connection = new wrtc.RTCPeerConnection()
const tracks = []
connection.ontrack = ({ track }) => tracks.push(track)
for (const kind of ['video', 'audio']) connection.addTransceiver(kind, { direction: 'recvonly' })
await connection.setLocalDescription(await connection.createOffer())
const response = await fetch(`${base}/whep/test`, {
  method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: connection.localDescription.sdp,
})
const answer = await response.text()
if (response.status !== 201) throw new Error(`${response.status}: ${answer}`)
noteSession(connection.localDescription.sdp, response, answer)
const session = new URL(response.headers.get('Location'), base)
await connection.setRemoteDescription({ type: 'answer', sdp: answer })

const numbers = []
let unreadable = 0, live = 0, begin = 0, samples = 0, channels = 0
const video = new wrtc.nonstandard.RTCVideoSink(tracks.find(({ kind }) => kind === 'video'))
video.onframe = ({ frame: { data, width, height } }) => {
  begin ||= performance.now()
  const code = readCode((x, y) => data[y * width + x], width, height)
  if (!code) { unreadable++; return }
  if (code.live) live++
  numbers.push(code.frame)
}
const audio = new wrtc.nonstandard.RTCAudioSink(tracks.find(({ kind }) => kind === 'audio'))
audio.ondata = ({ numberOfFrames, channelCount }) => {
  samples += numberOfFrames
  channels = channelCount
}
await until('the first picture', () => begin)
await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
const took = (performance.now() - begin) / 1000
const deleted = (await fetch(session, { method: 'DELETE' })).status
video.stop()
audio.stop()
connection.close()
report({
  numbers, unreadable, live, fps: numbers.length / took, samples, channels, deleted,
  video: /a=rtpmap:\d+ (VP8|VP9|AV1|H264)\//.exec(answer)?.[1], title: /^i=(.*?)\r?$/m.exec(answer)?.[1] ?? '',
})
process.exit(0) // libwebrtc's threads would keep Node
