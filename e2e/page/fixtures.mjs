/**
 * Answers of the API that a test machine cannot give: files with all that can be found in one, cameras, other servers. That they
 * are such as the API describes is tested (shapes.mjs).
 */

const at = '2026-11-26T03:54:37.120Z'
const video = { kind: 'video', codec: 'H264', profile: 'Constrained Baseline', width: 1280, height: 720, frame_rate: 29.97, bit_rate: 2_400_000, playable: true }
const report = {
  container: 'mp4', size: 9_000_000, duration_ms: 30_030, key_frame_interval_ms: 2002, b_frames: false, aac: false, playable: true, warnings: [],
  tracks: [video, { kind: 'audio', codec: 'opus', channels: 2, rate: 48_000, bit_rate: 128_000, playable: true }],
}
const line = 'ffmpeg -i phone.mp4 -c:v libx264 -profile:v baseline -bf 0 -g 60 -pix_fmt yuv420p -c:a libopus phone.webrtc.mkv'

/** Files as the API lists them. */
export const files = {
  files: [
    { path: 'clip.mp4', complete: true, size: 9_000_000, modified: at, report },
    { path: 'notes.txt', complete: true, size: 120, modified: at, problem: 'It is no media file that is known.' },
    {
      path: 'phone.mp4', complete: true, size: 181_000_000, modified: at, report: {
        ...report, playable: false, b_frames: true, aac: true, tracks: [{ ...video, profile: 'High' }, { kind: 'audio', codec: 'AAC', channels: 2, rate: 44_100, playable: false }],
        problem: `The picture has B-frames, which WebRTC cannot carry: viewers would see nothing but key frames. Encode it anew: ${line}`,
      },
    },
    {
      path: 'shows/lecture of the 26th.mkv', complete: true, size: 4_200_000_000, modified: at, report: {
        ...report, container: 'matroska', duration_ms: 7_380_000, key_frame_interval_ms: 12_000,
        warnings: ['Key frames are 12 s apart: who joins may see a still picture for as long.'],
      },
    },
  ],
  uploads: [{ path: 'talk.mp4', received: 40_000_000, size: 100_000_000, expires: at }],
}

/** Devices as the API lists them. */
export const devices = {
  devices: [
    {
      source: 'camera', param: 'device', name: 'usb-046d_HD_Pro_Webcam_C920_A1B2C3D4-video-index0', title: 'HD Pro Webcam C920',
      report: {
        node: 'video0', bus: 'usb-0000:00:14.0-1', in_use: false,
        formats: [{ format: 'MJPEG', width: 1280, height: 720, rates: [30, 15] }, { format: 'YUYV', width: 640, height: 480, rates: [30] }],
      },
    },
    {
      source: 'camera', param: 'device', name: 'usb-Other', title: 'Other camera',
      report: { node: 'video2', in_use: false, reason: 'Another program has it: close that program.', formats: [] },
    },
  ],
  lacking: [],
}

/**
 * Lets the page see every kind of source as if it could run here, and these files and devices. What is started of them is a
 * test pattern.
 * @param {import('playwright-core').Page} page
 */
export async function withSources(page) {
  const quietly = (handler) => (route) => handler(route).catch(() => {}) // the page may have gone meanwhile
  await page.route('**/api/v1/sources', quietly(async (route) => {
    const response = await route.fetch()
    const { sources } = await response.json()
    await route.fulfill({ response, json: { sources: sources.map(({ reason: _, ...kind }) => ({ ...kind, available: true })) } })
  }))
  await page.route('**/api/v1/files?*', quietly((route) => route.fulfill({ json: files })))
  await page.route('**/api/v1/devices', quietly((route) => route.fulfill({ json: devices })))
  await page.route('**/api/v1/streams/*', quietly(async (route) => {
    if (route.request().method() !== 'POST') return route.fallback()
    const { private: hidden, public: open } = route.request().postDataJSON()
    await route.continue({ postData: JSON.stringify({ source: 'pattern', params: { width: 640, height: 360 }, private: hidden, public: open }) })
  }))
}

/** A source that plays a film and has been through something. @param {object} source any that runs */
export function filmOf(source) {
  return {
    ...source, kind: 'file', params: { file: 'clip.mp4', loop: true, start: 0, paused: false, rate: 0 }, runs: 3, restarts: 1, failures: { file_gone: 1 },
    playback: { position_ms: 12_000, duration_ms: 30_030, paused: false }, on_demand: true, stop_after_ms: 10_000,
    restart: { attempts: 5, delay_ms: 1000, longest_ms: 30_000 },
  }
}

/**
 * Answers a list of streams with something other known of the source of “test”.
 * @param {object} route
 * @param {(source: object) => object} other
 */
export async function withSource(route, other) {
  const response = await route.fetch()
  const answer = await response.json()
  const test = answer.streams.find(({ name }) => name === 'test')
  if (test?.source) test.source = other(test.source)
  await route.fulfill({ response, json: answer })
}

/** Answers a list of streams of which “test” plays a film. */
export const withFilm = (route) => withSource(route, filmOf)

/** Pushes of a stream: one that runs, one that waits. */
export function pushes() {
  const at = new Date(Date.now() - 61_000).toISOString()
  const push = { stream: 'test', since: at, next_try: null, restarts: 0, packets: 5100, bytes: 5_100_340, codecs: ['H264', 'opus'], reason: '' }
  return { pushes: [
    { ...push, id: '1', url: 'https://cdn.example/whip/live', state: 'live' },
    {
      ...push, id: '2', url: 'https://backup.example:8889/studio/whip', state: 'waiting', reason: 'The other server does not answer', restarts: 4,
      next_try: new Date(Date.now() + 8000).toISOString(), packets: 0, bytes: 0, codecs: [],
    },
  ] }
}

/** Lets the page see pushes of every stream. */
export async function withPushes(page) {
  await page.route('**/api/v1/streams/*/pushes', (route) => route.fulfill({ json: pushes() }).catch(() => {}))
}

/** Chooses a kind of source in the page at /. */
export async function choose(page, kind) {
  await page.locator(`#source option[value=${kind}]`).waitFor({ state: 'attached' })
  await page.selectOption('#source', kind)
}
