/** What a viewer's page tells of what it plays. */
/** In the page at /watch/…: what was decoded. */
export const decoded = async () => {
  const { player } = await import('/static/watch.js')
  if (!player.peerConnection) return { frames: 0 }
  const stats = await player.peerConnection.getStats()
  const all = [...stats.values()].filter(({ type }) => type === 'inbound-rtp')
  const video = all.find(({ kind }) => kind === 'video'), audio = all.find(({ kind }) => kind === 'audio')
  return {
    at: video?.timestamp, frames: video?.framesDecoded ?? 0, came: video?.framesReceived ?? 0, width: video?.frameWidth ?? 0, freezes: video?.freezeCount ?? 0, lost: video?.packetsLost ?? 0,
    samples: audio?.totalSamplesReceived ?? 0, concealed: audio?.concealedSamples ?? 0,
    codecs: all.map(({ codecId }) => stats.get(codecId)?.mimeType), keyFrames: video?.keyFramesDecoded ?? 0,
    channels: stats.get(audio?.codecId)?.channels ?? 0,
  }
}

/** Frames a second between two looks: those decoded, or those that came. */
export const rate = (before, after, which = 'frames') => (after[which] - before[which]) / (after.at - before.at) * 1000
