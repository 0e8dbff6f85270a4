/** Answers of the API that a test machine cannot give: files with all that can be found in one, cameras, other servers. */

const text = (title, more) => ({ type: 'string', title, ...more })
const whole = (title, initial, minimum, maximum, unit) => ({ type: 'integer', title, default: initial, minimum, maximum, 'x-unit': unit })

const kinds = {
  file: {
    title: 'Video file', description: 'A file of the media folder, once or over and over.', private: false,
    properties: { file: text('File', { maxLength: 1024 }), loop: { type: 'boolean', title: 'Over and over', default: true } }, required: ['file'],
  },
  camera: {
    title: 'Camera', description: 'A camera of this machine. It is on only while somebody watches; streams of one camera share it.', private: true,
    properties: {
      device: text('Camera', { default: '', maxLength: 256 }), width: whole('Width', 1280, 16, 4096, 'px'), height: whole('Height', 720, 16, 4096, 'px'),
      rate: whole('Frame rate', 30, 1, 120, 'fps'), bit_rate: whole('Bit rate', 2_500_000, 50_000, 100_000_000, 'bit/s'),
    },
  },
  ffmpeg: {
    title: 'FFmpeg', description: 'Whatever FFmpeg opens: an RTSP camera, RTMP, SRT, HLS.', private: false,
    properties: {
      input: text('Input', { minLength: 1, description: 'A URL, a device such as v4l2:/dev/video0, or lavfi: and a graph of filters.' }),
      user: text('User', { default: '' }), password: text('Password', { writeOnly: true, description: 'It is never shown again.' }),
      transport: text('Transport of RTSP', { enum: ['tcp', 'udp'], default: 'tcp' }), copy: { type: 'boolean', title: 'Copy what fits', default: true },
      bit_rate: whole('Bit rate', 2_500_000, 100_000, 20_000_000, 'bit/s'),
    }, required: ['input'],
  },
  whep: {
    title: 'Another server', description: 'A stream that another server has, by its WHEP address.', private: false,
    properties: {
      url: text('Address', { pattern: '^https?://', description: 'WHEP endpoint of the other server: https://HOST/whep/STREAM' }),
      token: text('Token', { writeOnly: true, description: 'Bearer token for it, if it wants one' }),
    }, required: ['url'],
  },
}

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
 * Lets the page see these kinds of source, files and devices. What is started of them is a test pattern.
 * @param {import('playwright-core').Page} page
 */
export async function withSources(page) {
  const quietly = (handler) => (route) => handler(route).catch(() => {}) // the page may have gone meanwhile
  await page.route('**/api/v1/sources', quietly(async (route) => {
    const response = await route.fetch()
    const { sources } = await response.json()
    const others = sources.filter(({ name }) => !(name in kinds))
    const own = Object.entries(kinds).map(([name, { title, description, private: hidden, properties, required }]) => (
      { name, title, description, available: true, private: hidden, params: { type: 'object', additionalProperties: false, properties, required } }))
    await route.fulfill({ response, json: { sources: [...others, ...own] } })
  }))
  await page.route('**/api/v1/files?*', quietly((route) => route.fulfill({ json: files })))
  await page.route('**/api/v1/devices', quietly((route) => route.fulfill({ json: devices })))
  await page.route('**/api/v1/streams/*', quietly(async (route) => {
    if (route.request().method() !== 'POST') return route.fallback()
    const { private: hidden, public: open } = route.request().postDataJSON()
    await route.continue({ postData: JSON.stringify({ source: 'pattern', params: { width: 640, height: 360 }, private: hidden, public: open }) })
  }))
}

/** Answers a list of streams with one more thing known of the first: it plays a film. */
export async function withFilm(route) {
  const response = await route.fetch()
  const answer = await response.json()
  const [first] = answer.streams
  if (first?.source) {
    first.source = {
      ...first.source, kind: 'file', params: { file: 'clip.mp4', loop: true, start: 0, paused: false, rate: 0 }, runs: 3, restarts: 1, failures: { file_gone: 1 },
      playback: { position_ms: 12_000, duration_ms: 30_030, paused: false }, on_demand: true, stop_after_ms: 10_000, restart: { attempts: 5, delay_ms: 1000, longest_ms: 30_000 },
    }
  }
  await route.fulfill({ response, json: answer })
}

/** Lets the page see pushes of every stream: one that runs, one that waits. */
export async function withPushes(page) {
  const at = new Date(Date.now() - 61_000).toISOString()
  const push = { stream: 'test', since: at, next_try: null, restarts: 0, packets: 5100, bytes: 5_100_340, codecs: ['H264', 'opus'], reason: '' }
  await page.route('**/api/v1/streams/*/pushes', (route) => route.fulfill({ json: { pushes: [
    { ...push, id: '1', url: 'https://cdn.example/whip/live', state: 'live' },
    {
      ...push, id: '2', url: 'https://backup.example:8889/studio/whip', state: 'waiting', reason: 'The other server does not answer', restarts: 4,
      next_try: new Date(Date.now() + 8000).toISOString(), bytes: 0, codecs: [],
    },
  ] } }).catch(() => {}))
}

/** Chooses a kind of source in the page at /. */
export async function choose(page, kind) {
  await page.locator(`#source option[value=${kind}]`).waitFor({ state: 'attached' })
  await page.selectOption('#source', kind)
}
