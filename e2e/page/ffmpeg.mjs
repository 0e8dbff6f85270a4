// Usage: node ffmpeg.mjs <endpoint> <token> <seconds>: FFmpeg 8 publishes by its WHIP muxer. It reports when the first
// picture is on its way, and at the end, or when a line comes in, how many were.
import { report } from './browsers.mjs'
import { film } from './film.mjs'

const [endpoint, token, seconds] = process.argv.slice(2)
const { encoders, play } = await film('baseline')
const { Muxer } = await import('node-av/api')
const output = await Muxer.open(endpoint, { format: 'whip', options: { authorization: token } })
const tracks = { video: output.addStream(encoders.video), audio: output.addStream(encoders.audio) }
let began = false
const sent = await play(Number(seconds), async (kind, packet) => {
  await output.writePacket(packet, tracks[kind])
  if (kind === 'video' && !began) {
    began = true
    report({ step: 'began', at: Date.now() })
  }
})
await output.close()
report(sent)
process.exit(0) // node-av keeps the process alive
