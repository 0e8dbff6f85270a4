// Usage: node datachannel.mjs <endpoint> <token> <seconds>: libdatachannel publishes as OBS does that is made of it: no
// candidates in the offer, H.264 declared as 42e01f that is High, lost packets sent again as they were. It reports when it
// is connected, with its offer, and at the end, or when a line comes in, how many pictures it sent.
import datachannel from 'node-datachannel'
import { report } from './browsers.mjs'
import { film } from './film.mjs'
import { noteSession } from './seen.mjs'

const [endpoint, token, seconds] = process.argv.slice(2)
datachannel.initLogger('Warning', (level, message) => process.stderr.write(`${level}: ${message}\n`))
const connection = new datachannel.PeerConnection('publisher', { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: true })

/** Adds a track as OBS does; what it is sent are whole frames. */
const addTrack = (media, kind, ssrc, payloadType, clockRate) => {
  media.addSSRC(ssrc, 'obs', 'obs', `obs-${kind}`)
  const config = new datachannel.RtpPacketizationConfig(ssrc, 'obs', payloadType, clockRate)
  const packetizer = kind === 'video' ? new datachannel.H264RtpPacketizer('StartSequence', config, 1200) : new datachannel.RtpPacketizer(config)
  packetizer.addToChain(new datachannel.RtcpSrReporter(config))
  packetizer.addToChain(new datachannel.RtcpNackResponder(4000))
  const track = connection.addTrack(media)
  track.setMediaHandler(packetizer)
  return { track, config, packetizer }
}
const audio = new datachannel.Audio('0', 'SendOnly')
audio.addOpusCodec(111, 'minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1')
const video = new datachannel.Video('1', 'SendOnly')
video.addH264Codec(96, 'profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1')
const tracks = { audio: addTrack(audio, 'audio', 1001, 111, 48000), video: addTrack(video, 'video', 1002, 96, 90000) }

const offer = await new Promise((resolve) => {
  connection.onLocalDescription((sdp) => resolve(sdp))
  connection.setLocalDescription('offer')
})
const answer = await fetch(endpoint, {
  method: 'POST', body: offer, headers: { 'Content-Type': 'application/sdp', Authorization: `Bearer ${token}` },
})
const sdp = await answer.text()
if (answer.status !== 201) throw new Error(`${answer.status} ${sdp}`)
noteSession(offer, answer, sdp)
const connected = new Promise((resolve) => connection.onStateChange((state) => state === 'connected' && resolve()))
connection.setRemoteDescription(sdp, 'answer')
await connected
const { play } = await film('high')
report({ step: 'began', offer })
const sent = await play(Number(seconds), async (kind, packet, milliseconds) => {
  const { track, config } = tracks[kind]
  config.timestamp = Math.round(milliseconds * config.clockRate / 1000)
  track.sendMessageBinary(packet.data)
})
connection.close()
const ended = await fetch(new URL(answer.headers.get('Location'), endpoint), { method: 'DELETE', headers: { Authorization: `Bearer ${token}` } })
report({ ...sent, ended: ended.status })
process.exit(0)
