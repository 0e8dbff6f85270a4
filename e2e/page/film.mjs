/** FFmpeg's test picture and tone, encoded in real time by node-av, which carries FFmpeg 8. */
if (!Promise.withResolvers) { // which node-av takes for granted
  Promise.withResolvers = () => {
    const all = {}
    all.promise = new Promise((resolve, reject) => Object.assign(all, { resolve, reject }))
    return all
  }
}
const { Decoder, Demuxer, Encoder, FilterAPI } = await import('node-av/api')

/** Opens one of FFmpeg's own sources. */
const source = async (description, kind) => {
  const input = await Demuxer.open(description, { format: 'lavfi' })
  const decoder = await Decoder.create(input[kind]())
  return () => decoder.frames(input.packets())
}

/**
 * H.264 without B-frames, 640x360 at 30 Hz with a key frame each second, and Opus in stereo.
 * @param {string} profile of H.264
 * @returns {Promise<{encoders: object, play: (seconds: number, write: (kind: string, packet: object, milliseconds: number) => Promise<void>) => Promise<{pictures: number, made: number}>}>}
 *   `play` writes packets when they are due, until a line comes in, and returns how many pictures that were, and how many a second
 */
export async function film(profile) {
  const video = await source('testsrc2=size=640x360:rate=30', 'video')
  const audio = await source('sine=frequency=440:sample_rate=48000:samples_per_frame=960', 'audio')
  const encoders = {
    video: await Encoder.create('libx264', {
      bitrate: '800k', gopSize: 30, maxBFrames: 0, options: { preset: 'ultrafast', tune: 'zerolatency', profile, ...profile === 'high' && { '8x8dct': 1 } },
    }),
    audio: await Encoder.create('libopus', { bitrate: '64k' }),
  }
  const frames = {
    video: () => FilterAPI.create('format=yuv420p').frames(video()),
    audio: () => FilterAPI.create('aformat=sample_fmts=s16:channel_layouts=stereo').frames(audio()),
  }
  const play = async (seconds, write) => {
    const begin = performance.now()
    let pictures = 0, enough = false
    process.stdin.once('data', () => { enough = true })
    await Promise.all(['video', 'audio'].map(async (kind) => {
      for await (const packet of encoders[kind].packets(frames[kind]())) {
        if (!packet) break
        const at = Number(packet.pts) * packet.timeBase.num / packet.timeBase.den * 1000
        if (at > seconds * 1000 || enough) break
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, begin + at - performance.now())))
        await write(kind, packet, at)
        if (kind === 'video') pictures++
        packet.free()
      }
    }))
    return { pictures, made: pictures / (performance.now() - begin) * 1000 }
  }
  return { encoders, play }
}
