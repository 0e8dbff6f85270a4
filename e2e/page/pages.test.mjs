// Usage: node --test pages.test.mjs: what the pages' modules make of text and numbers, without a browser.
import assert from 'node:assert/strict'
import { register } from 'node:module'
import { test } from 'node:test'

// The pages' files are modules, though no package says so.
register(`data:text/javascript,${encodeURIComponent(`export const load = (url, context, next) =>
  next(url, url.includes('/static/files/') ? { ...context, format: 'module' } : context)`)}`)
const load = (name) => import(new URL(`../../static/files/${name}.js`, import.meta.url))
const [{ tokenIn }, { EventParser, EventStream }, form, meter, clock, { BeepDetector }, { scaleOf, numberOf }, { Begun, sentenceOf, spanOf }, { factsOf }] = await Promise.all(
  ['token', 'events', 'form', 'meter', 'clock', 'beep', 'numbers', 'log', 'overlay'].map(load))
const [playback, { wordsOf }, standing] = await Promise.all(['playback', 'pushes', 'standing'].map(load))
const [found, { partAt, addressOf }, { formatsOf }, { bytesOf, clockTimeOf }] = await Promise.all(['report', 'upload', 'devices', 'numbers'].map(load))
const [{ publishWords }, sending, { loudness }, { badgeWord, words }] = await Promise.all(['publishwords', 'sending', 'sound', 'words'].map(load))

test('the token is taken out of the fragment, the rest stays', () => {
  assert.deepEqual(tokenIn('#token=weir_ABC'), { token: 'weir_ABC', rest: '' })
  assert.deepEqual(tokenIn('#stream=a%20b&token=x%2By+z%3D&muted'), { token: 'x+y+z=', rest: 'stream=a%20b&muted' })
  assert.deepEqual(tokenIn('#stream=test'), { token: null, rest: 'stream=test' })
  assert.deepEqual(tokenIn(''), { token: null, rest: '' })
  assert.deepEqual(tokenIn('#token='), { token: '', rest: '' })
})

test('an event stream is cut into events, however it arrives', () => {
  const text = '\uFEFF: hello\n\nid: r-1\nevent: stream_live\ndata: {"a":\ndata:1}\n\ndata\n\nid: bad\0\nretry: 2500\nretry: soon\ndata: x\r\n\r\n' +
    'event: nothing\n\n:\rid\rdata: last\r\r\n'
  const want = [
    { id: 'r-1', name: 'stream_live', data: '{"a":\n1}' }, { id: 'r-1', name: 'message', data: '' },
    { id: 'r-1', name: 'message', data: 'x' }, { id: '', name: 'message', data: 'last' },
  ]
  for (let size = 1; size <= text.length; size++) {
    const parser = new EventParser(), events = []
    for (let at = 0; at < text.length; at += size) events.push(...parser.push(text.slice(at, at + size)))
    assert.deepEqual(events, want, `in pieces of ${size}`)
    assert.equal(parser.retry, 2500)
  }
  assert.throws(() => new EventParser().push('x'.repeat(2 << 20)), RangeError)
})

const schema = {
  type: 'object', required: ['name'], properties: {
    width: { type: 'integer', title: 'Width', description: 'Of the picture.', default: 1280, minimum: 160, maximum: 4096, multipleOf: 2, 'x-unit': 'px' },
    gain: { type: 'number', default: 0.5, minimum: 0 },
    mode: { enum: ['fast', 'good'], default: 'good' },
    size: { oneOf: [{ const: 1, title: 'Small' }, { const: 2, title: 'Large' }] },
    loop: { type: 'boolean', default: true },
    file_name: { type: 'string', maxLength: 8, pattern: '^[a-z.]+$' },
    name: { type: ['string', 'null'] },
    password: { type: 'string', writeOnly: true, maxLength: 4 },
  },
}

test('a schema becomes fields', () => {
  const fields = form.fieldsOf(schema)
  assert.deepEqual(fields.map(({ name, kind, label }) => [name, kind, label]), [
    ['width', 'integer', 'Width'], ['gain', 'number', 'Gain'], ['mode', 'choice', 'Mode'], ['size', 'choice', 'Size'],
    ['loop', 'switch', 'Loop'], ['file_name', 'text', 'File name'], ['name', 'text', 'Name'], ['password', 'secret', 'Password'],
  ])
  assert.deepEqual(fields[3].choices, [{ value: 1, label: 'Small' }, { value: 2, label: 'Large' }])
  assert.deepEqual(fields.map(form.limitsOf), ['160 to 4\u202f096\u00a0px, even', 'at least 0', '', '', '', 'at most 8 characters', '', 'at most 4 characters'])
  assert.deepEqual(form.fieldsOf(undefined), [])
})

test('what is entered is read as the schema says', () => {
  const field = Object.fromEntries(form.fieldsOf(schema).map((one) => [one.name, one]))
  const read = (name, entered) => form.valueOf(field[name], entered)
  for (const [name, entered, value] of [
    ['width', ' 640 ', 640], ['gain', '0,25', 0.25], ['gain', '1e3', 1000], ['mode', 'fast', 'fast'], ['size', '2', 2],
    ['loop', false, false], ['file_name', 'a.mp', 'a.mp'],
  ]) assert.deepEqual(read(name, entered), { value }, `${name} ${entered}`)
  for (const [name, entered] of [
    ['width', '641'], ['width', '158'], ['width', '5000'], ['width', '640.5'], ['width', 'wide'], ['width', 'Infinity'],
    ['gain', '-1'], ['mode', 'slow'], ['file_name', 'much.too.long'], ['file_name', 'A'], ['name', ''],
  ]) assert.ok(read(name, entered).problem, `${name} ${entered}`)
  assert.deepEqual(read('width', ''), {}) // the server's default
  assert.match(read('width', '1').problem, /whole number: 160 to 4\u202f096\u00a0px, even/)
})

test('a change says only what is other', () => {
  assert.deepEqual(form.patchOf({ a: 1, b: 'x', c: true }, { a: 2, b: 'x' }), { a: 2, c: null })
  assert.deepEqual(form.patchOf({ a: 1 }, { a: 1 }), {})
})

/** A picture as the pattern draws it: brightness by pixel. */
function picture(width, height, frame, millis, { live = true, noise = 0 } = {}) {
  const rows = [[frame, 0x5], [millis, 0xA]].map(([value, seed]) => {
    let check = seed ^ (live ? 0 : 0xF)
    for (let shift = 0; shift < 32; shift += 4) check ^= (value >>> shift) & 0xF
    return `10${(value >>> 0).toString(2).padStart(32, '0')}${live ? 1 : 0}${check.toString(2).padStart(4, '0')}1`
  })
  return (x, y) => {
    for (const [r, bits] of rows.entries()) {
      if (y < height - Math.floor((2 - r) * height / 24) || y >= height - Math.floor((1 - r) * height / 24)) continue
      for (let c = 0; c < 40; c++) {
        if (x < Math.floor(c * width / 40) || x >= Math.floor((c + 1) * width / 40)) continue
        return (bits[c] === '1' ? 235 : 16) + noise * (((x * 7919 + y * 104729) % 101) / 50 - 1)
      }
    }
    return 128
  }
}

test('the blocks of a picture are read, in any size', () => {
  for (const [width, height] of [[160, 90], [320, 192], [1280, 720], [1919, 1081]]) {
    for (const [frame, millis] of [[0, 0], [0xFFFFFFFF, 0x80000001], [123456, 0xDEADBEEF]]) {
      for (const live of [true, false]) {
        assert.deepEqual(clock.readCode(picture(width, height, frame, millis, { live, noise: 30 }), width, height), { frame, millis, live }, `${width}x${height}`)
      }
    }
  }
  assert.equal(clock.readCode(() => 128, 320, 192), null)
  const good = picture(320, 192, 5, 6)
  assert.equal(clock.readCode((x, y) => y >= 184 && x >= 96 && x < 104 ? 251 - good(x, y) : good(x, y), 320, 192), null, 'a wrong bit')
})

test('the time lies between question and answer', () => {
  const one = clock.estimate(1000, 1010, 5_005)
  assert.deepEqual(one, { offset: 4000, uncertainty: 5, at: 1010 })
  assert.equal(clock.aged(one, 31_010).uncertainty, 8)
  assert.equal(clock.aged(one, 1000).uncertainty, 5)
  const vague = { offset: 4010, uncertainty: 40, at: 31_010 }
  assert.equal(clock.better(null, vague), vague)
  assert.equal(clock.better(one, vague), one, 'the surer one is kept')
  assert.equal(clock.better(one, { ...vague, uncertainty: 6 }).uncertainty, 6, 'a better one is taken')
  const other = { offset: 9000, uncertainty: 50, at: 31_010 }
  assert.equal(clock.better(one, other), other, 'a clock was set')
})

test('a coarse clock is known', () => {
  assert.equal(clock.grain([1, 2, 17]), 1)
  assert.equal(clock.grain([100, 300]), 100)
  assert.equal(clock.grain([50 / 3, 100 / 3, 50]), 1000 / 60)
  assert.equal(clock.grain([1.2, 3.4]), 0.1)
})

test('differences of times that wrap are small', () => {
  assert.equal(clock.wrapped(5 - 0xFFFFFFFF), 6)
  assert.equal(clock.wrapped(0xFFFFFFFF - 5), -6)
  assert.equal(clock.wrapped(1_764_000_000_083 - 1_764_000_000_000 % 2 ** 32), 83)
  assert.equal(clock.wrapped(-720, 1000), 280)
  assert.equal(clock.median([3, 1, 2]), 2)
  assert.equal(clock.median([4, 1, 2, 3]), 2.5)
})

test('the rate is told by numbers and clocks', () => {
  const codes = Array.from({ length: 40 }, (_, i) => ({ frame: 4294967290 + i > 0xFFFFFFFF ? i - 6 : 4294967290 + i, millis: Math.round(i * 1000 / 30) }))
  assert.equal(clock.rateOf(codes), 30)
  assert.equal(clock.rateOf(codes.slice(0, 20)), undefined)
  assert.equal(clock.rateOf([]), undefined)
})

test('the sound is placed against the picture', () => {
  const rate = 30
  for (const skew of [-180, -20, 0, 35, 240]) {
    // Frame n is shown 80 ms after n/rate, on the 60 Hz of a display; some frames are never shown.
    const pictures = Array.from({ length: 45 }, (_, i) => 995 + i).filter((frame) => frame % 7 !== 0)
      .map((frame) => ({ frame, shown: Math.ceil((frame * 1000 / rate + 80) * 60 / 1000) * 1000 / 60 }))
    const heard = 34_000 + 80 + skew
    const got = clock.skewOf(pictures, heard, rate)
    assert.ok(Math.abs(got - skew) < 17, `${skew}: ${got}`)
  }
})

test('a beep is found to the sample', () => {
  for (const rate of [44_100, 48_000]) {
    const detector = new BeepDetector(rate)
    const begin = Math.round(1.2345 * rate), found = []
    const sound = (channel) => Float32Array.from({ length: 3 * rate }, (_, i) => {
      const tone = 0.18 * Math.sin(2 * Math.PI * (channel === 0 ? 440 : 880) * i / rate)
      const inside = (i - begin) % rate
      if (i < begin || inside >= rate / 10) return tone
      const edge = Math.min(1, Math.min(inside, rate / 10 - inside) / (rate / 400))
      return tone + 0.55 * (1 - Math.cos(Math.PI * edge)) / 2 * Math.sin(2 * Math.PI * 2000 * inside / rate)
    })
    const [left, right] = [sound(0), sound(1)]
    for (let at = 0; at < left.length; at += 128) found.push(...detector.push([left.subarray(at, at + 128), right.subarray(at, at + 128)], at))
    assert.equal(found.length, 2)
    for (const [i, at] of found.entries()) assert.ok(Math.abs(at - begin - i * rate) < rate / 1000, `${at} instead of ${begin + i * rate}`)
  }
})

const report = (video, audio, roundTrip) => new Map(Object.entries({
  v: { type: 'inbound-rtp', kind: 'video', ssrc: 1, codecId: 'cv', ...video }, a: { type: 'inbound-rtp', kind: 'audio', ssrc: 2, codecId: 'ca', ...audio },
  cv: { type: 'codec', mimeType: 'video/H264' }, ca: { type: 'codec', mimeType: 'audio/opus' },
  old: { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 9 },
  p: { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: roundTrip, remoteCandidateId: 'r' },
  t: { type: 'transport', selectedCandidatePairId: 'p' }, r: { type: 'remote-candidate', address: '::1', port: 8080, protocol: 'udp' },
}))

test('two readings become figures', () => {
  const before = meter.countersOf(report(
    { bytesReceived: 1000, packetsReceived: 100, packetsLost: 0, framesDecoded: 10, jitterBufferDelay: 1, jitterBufferEmittedCount: 10, freezeCount: 0 },
    { bytesReceived: 0, packetsReceived: 50, packetsLost: 1 }), 1000)
  const now = meter.countersOf(report(
    { bytesReceived: 251_000, packetsReceived: 295, packetsLost: 5, framesDecoded: 70, jitterBufferDelay: 4, jitterBufferEmittedCount: 70, frameWidth: 1280, frameHeight: 720, framesDropped: 2, freezeCount: 1, totalFreezesDuration: 0.4 },
    { bytesReceived: 16_000, packetsReceived: 150, packetsLost: 1 }, 0.0123), 3000)
  const figures = meter.figuresOf(now, before)
  assert.equal(figures.video.bitRate, 1000)
  assert.equal(figures.audio.bitRate, 64)
  assert.equal(figures.video.frameRate, 30)
  assert.equal(Math.round(figures.video.jitterBuffer), 50)
  assert.equal(figures.lost, 6)
  assert.equal(figures.loss, 5 / 300)
  assert.equal(figures.roundTrip, 12.3)
  assert.equal(figures.video.freezesNow, 1)
  assert.equal(factsOf(figures), '1280 × 720 · H264 · Opus · 2 frames dropped · from [::1]:8080 udp')
})

test('what was not measured is no figure', () => {
  const first = meter.figuresOf(meter.countersOf(report({ bytesReceived: 9, packetsLost: 0 }, {}), 5), null)
  for (const key of ['bitRate', 'frameRate', 'jitterBuffer', 'freezes']) assert.equal(first.video[key], undefined, key)
  assert.equal(first.loss, undefined)
  assert.equal(first.roundTrip, undefined)
  const none = meter.figuresOf(meter.countersOf(new Map(), 5), null)
  assert.equal(none.video.there, false)
  assert.equal(none.lost, undefined)
  // Another session's counters begin anew.
  const other = new Map([['v', { type: 'inbound-rtp', kind: 'video', ssrc: 7, bytesReceived: 5 }]])
  assert.equal(meter.figuresOf(meter.countersOf(other, 6), meter.countersOf(report({ bytesReceived: 9 }, {}), 5)).video.bitRate, undefined)
})

test('scales are calm, numbers are written well', () => {
  assert.deepEqual(scaleOf(0, 0, 1), [0, 1])
  assert.deepEqual(scaleOf(null, null, 100), [0, 100])
  assert.deepEqual(scaleOf(0, 2512, 100), [0, 3000])
  assert.deepEqual(scaleOf(-120, 40, 100, true), [-150, 150])
  assert.deepEqual([numberOf(1234), numberOf(12_345), numberOf(-0.04, 1), numberOf(-3.26, 1)], ['1234', '12\u202f345', '0.0', '−3.3'])
})

test('events are told in sentences', () => {
  assert.equal(sentenceOf('stream_live', { stream: 'test' }), '“test” is live.')
  assert.equal(sentenceOf('session_ended', { stream: 'test', duration_ms: 12_345, reason: 'deleted' }), 'A viewer of “test” is gone after 12 s: the player left.')
  for (const [name, data, said] of [
    ['session_created', { protocol: 'whep', remote: '::1' }, 'A viewer at ::1 asked for “a” and got an answer.'],
    ['session_created', { protocol: 'whip', remote: '::1' }, 'A publisher at ::1 wants to feed “a” and got an answer.'],
    ['session_connected', { protocol: 'whep', duration_ms: 48 }, 'A viewer of “a” is connected, after 48 ms.'],
    ['session_connected', { protocol: 'whip', duration_ms: 48 }, 'A publisher of “a” is connected, after 48 ms.'],
    ['session_ended', { protocol: 'whep', reason: 'consent_expired' }, 'A viewer of “a” is gone: nothing came from the player any more.'],
    ['session_ended', { protocol: 'whip', reason: 'deleted' }, 'A publisher of “a” is gone: the publisher left.'],
    ['stream_ended', { reason: 'deleted' }, '“a” is no longer live: the publisher left.'],
    ['stream_ended', { reason: 'failed' }, '“a” is no longer live: what fed it broke down.'],
    ['source_started', { source: 'whep' }, 'Source whep of “a” started and waits for its media.'],
    ['push_live', { push: 'p1' }, '“a” is pushed to another server.'],
    ['push_waiting', { push: 'p1', reason: 'nobody answers' }, 'The push of “a” broke off and is tried again: nobody answers.'],
  ]) assert.equal(sentenceOf(name, { stream: 'a', ...data }), said)
  assert.equal(sentenceOf('source_failed', { stream: 'a', source: 'pattern', reason: 'No encoder.' }), 'Source pattern of “a” has failed: No encoder.')
  assert.equal(sentenceOf('stream_live', {}), 'A stream is live.')
  assert.equal(sentenceOf('source_live', { stream: 'a', source: 'whep' }), 'Source whep of “a” has its media and is live.')
  assert.equal(sentenceOf('source_waiting', { stream: 'a', source: 'whep', reason: 'nobody answers' }), 'Source whep of “a” gets no media and goes on trying: nobody answers.')
  assert.equal(sentenceOf('source_waiting', { stream: 'a', source: 'camera', reason: 'it is unplugged', duration_ms: 1000 }), 'Source camera of “a” broke down and is started again: it is unplugged.')
  assert.equal(sentenceOf('source_stopped', { stream: 'a', source: 'camera', reason: 'stopped' }), 'Source camera of “a” stopped.')
  assert.equal(sentenceOf('something_new', { at: 'x', stream: 'a', count: 3 }), 'something new, stream a, count 3')
  assert.deepEqual([spanOf(12), spanOf(1200), spanOf(61_000), spanOf(7_300_000)], ['12 ms', '1.2 s', '1 min', '2 h 2 min'])
})

test('a stream is not told to be live before its source has media', () => {
  const run = (...events) => {
    const begun = new Begun()
    return events.map((event) => {
      const [name, source] = event.split(' ')
      return begun.tell(name, { stream: 'a', source })
    })
  }
  assert.deepEqual(run('stream_live', 'source_started ffmpeg', 'stream_ended', 'source_waiting ffmpeg', 'stream_live', 'source_started ffmpeg', 'stream_ended'),
    ['told', 'untrue', 'silent', 'told', 'silent', 'told', 'silent'], 'an input that refuses')
  assert.deepEqual(run('stream_live', 'source_started whep', 'source_live whep', 'stream_ended'), ['told', 'untrue', 'told', 'told'])
  assert.deepEqual(run('stream_live', 'source_started pattern', 'stream_ended'), ['told', 'told', 'told'])
  assert.deepEqual(run('stream_live', 'source_started ffmpeg', 'source_stopped ffmpeg', 'stream_live'), ['told', 'untrue', 'told', 'told'], 'somebody else publishes')
})

test('events are not followed while the page is hidden, and go on after the last one', async (context) => {
  const asked = [], streams = []
  const page = Object.assign(new EventTarget(), { hidden: false })
  const own = { document: page, addEventListener() {}, location: new URL('http://weir.test/'), sessionStorage: { getItem: () => null }, fetch: async (_path, { headers, signal }) => {
    asked.push(headers['Last-Event-ID'])
    const body = new ReadableStream({ start(controller) {
      streams.push({ controller, signal })
      signal.addEventListener('abort', () => controller.error(signal.reason))
    } })
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } })
  } }
  for (const [name, value] of Object.entries(own)) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name)
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    context.after(() => before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name])
  }
  const look = (hidden) => {
    page.hidden = hidden
    page.dispatchEvent(new Event('visibilitychange'))
  }
  const events = new EventStream('0')
  const next = (name) => new Promise((resolve) => events.addEventListener(name, ({ detail }) => resolve(detail), { once: true }))
  context.after(() => events.close())
  events.start()
  if (events.state !== 'open') await next('statechange')
  const told = next('event')
  streams[0].controller.enqueue(new TextEncoder().encode('id: r-7\nevent: stream_live\ndata: {"stream":"a"}\n\n'))
  assert.deepEqual(await told, { id: 'r-7', name: 'stream_live', data: { stream: 'a' } })
  look(true)
  assert.equal(streams[0].signal.aborted, true)
  assert.equal(events.state, 'closed')
  look(true)
  assert.equal(streams.length, 1, 'it is not asked for while nobody looks')
  look(false)
  if (events.state !== 'open') await next('statechange')
  assert.deepEqual(asked, ['0', 'r-7'])
})

test('two readings become figures of what is sent, the layers added up', () => {
  const reading = (bytes, frames) => new Map(Object.entries({
    small: { type: 'outbound-rtp', kind: 'video', ssrc: 1, codecId: 'c', bytesSent: bytes, framesSent: 1, frameWidth: 320, retransmittedPacketsSent: 1 },
    large: { type: 'outbound-rtp', kind: 'video', ssrc: 2, codecId: 'c', bytesSent: 3 * bytes, framesSent: frames, frameWidth: 1280, frameHeight: 720,
      retransmittedPacketsSent: 2, qualityLimitationReason: 'cpu', pliCount: 4 },
    c: { type: 'codec', mimeType: 'video/VP8' },
    lost: { type: 'remote-inbound-rtp', kind: 'video', fractionLost: 0.25 }, kept: { type: 'remote-inbound-rtp', kind: 'audio', fractionLost: 0 },
    p: { type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 0.02 },
  }))
  const figures = sending.figuresOf(sending.sentIn(reading(50_000, 70), 3000), sending.sentIn(reading(0, 10), 1000))
  assert.deepEqual(figures, {
    video: { there: true, codec: 'VP8', bitRate: 800, frameRate: 30, width: 1280, height: 720, limited: 'cpu', keyFrameRequests: 4, resent: 3 },
    audio: { there: false, codec: '' }, roundTrip: 20, loss: 0.25,
  })
  assert.equal(sending.figuresOf(sending.sentIn(reading(9, 1), 5), null).video.bitRate, undefined)
})

test('how loud it is', () => {
  assert.deepEqual([-Infinity, -55, -40, -20, -0.5, 0].map(loudness), ['silent', 'silent', 'quiet', 'good', 'too loud', 'too loud'])
})

test('the page that publishes says first what has to be done first', () => {
  const facts = { name: 'lobby', unavailable: null, access: 'granted', kind: '', opening: false, missing: null, publisher: { state: 'idle', reason: null } }
  const say = (more) => publishWords({ ...facts, ...more })
  const denied = { code: 'denied', detail: 'No.', remedy: 'Allow it.' }
  const foreign = { state: 'refused', reason: { code: 'stream_published', status: 409, detail: 'Another publishes.' } }
  assert.equal(say({ unavailable: { code: 'not_secure' }, access: { status: 401 } }).headline, 'No camera without HTTPS')
  assert.deepEqual([say({ access: { status: 401 } }).token, say({ access: { status: 403, hasToken: true } }).headline], [true, 'This token does not allow to publish'])
  assert.deepEqual(say({ missing: denied }), { headline: 'No permission', detail: 'No.', remedy: 'Allow it.', choose: true })
  assert.deepEqual(say({ kind: 'camera', missing: denied }), {}, 'what is open is shown')
  assert.equal(say({ kind: 'camera', publisher: foreign }).headline, 'Somebody else publishes “lobby”')
  assert.equal(say({ kind: 'camera', publisher: foreign }).button, 'Try again')
  const waiting = { state: 'waiting', retryAt: Date.now() + 900, reason: { code: 'unreachable', detail: 'It does not answer.' } }
  assert.equal(say({ kind: 'camera', publisher: waiting }).countdown, 'Trying again in 1 second.')
  assert.deepEqual(say({ kind: 'camera', publisher: { state: 'publishing', reason: null } }), {})
})

test('what a player is said to do: one word, and what goes with it', () => {
  const player = { state: 'playing', reason: null }
  for (const [facts, word, headline] of [
    [{ pictures: 'coming' }, '', undefined], [{ pictures: 'awaited' }, 'Connecting', 'Connected'], [{ pictures: 'stopped' }, 'Waiting', 'The picture has stopped'],
    [{ pictures: 'stopped', sound: true }, 'Sound alone', 'Sound alone'], [{ pictures: 'stopped', paused: true }, 'Paused', 'Paused'],
  ]) assert.deepEqual([badgeWord('playing', facts), words(player, 'a', facts).headline], [word, headline])
  assert.deepEqual(['idle', 'connecting', 'interrupted', 'waiting', 'refused'].map((state) => badgeWord(state)), ['Not playing', 'Connecting', 'Connecting', 'Waiting', 'Not playing'])
})

test('the parts of an upload: a small one first, then full ones, none behind the end', () => {
  assert.deepEqual(partAt(0, 20_000_000, true), { end: 131_072, range: 'bytes 0-131071/20000000' })
  assert.deepEqual(partAt(131_072, 20_000_000, false), { end: 8_519_680, range: 'bytes 131072-8519679/20000000' })
  assert.deepEqual(partAt(19_999_999, 20_000_000, true), { end: 20_000_000, range: 'bytes 19999999-19999999/20000000' })
  assert.equal(addressOf('a b/c?.mp4'), '/api/v1/files/a%20b/c%3F.mp4')
})

test('what is in a file is said in words, its remedy apart', () => {
  const video = { kind: 'video', codec: 'H264', profile: 'High', width: 1280, height: 720, frame_rate: 29.97, bit_rate: 2_400_000, playable: true }
  const file = {
    path: 'a.mp4', size: 9_000_000, report: {
      container: 'mp4', duration_ms: 3_723_000, key_frame_interval_ms: 2002, b_frames: true, playable: false, warnings: ['Too long.'],
      tracks: [video, { kind: 'audio', codec: 'AAC', channels: 2, rate: 44_100, playable: false }], problem: 'It has B-frames. Encode it anew: ffmpeg -i a.mp4 b.mkv',
    },
  }
  assert.equal(found.lineOf(file), 'a.mp4, 1:02:03, 1280 × 720, cannot be played as it is')
  assert.equal(found.lineOf({ path: 'n.txt', problem: 'It is none.' }), 'n.txt (not a video)')
  assert.deepEqual(found.factsOf(file), [
    ['Length', '1:02:03'], ['Size', '9.0\u00a0MB'], ['Container', 'mp4'], ['Picture', 'H.264 (High), 1280 × 720, 29.97 fps, 2400 kbit/s'],
    ['Sound', 'AAC, stereo, 44.1 kHz, browsers do not take it'], ['Key frames', 'every 2.0 s'], ['B-frames', 'yes'],
  ])
  assert.deepEqual(found.troublesOf(file).map(({ level, text }) => [level, found.remedyIn(text)]), [
    ['bad', { words: 'It has B-frames. Encode it anew:', line: 'ffmpeg -i a.mp4 b.mkv' }], ['warning', { words: 'Too long.', line: '' }],
  ])
  assert.deepEqual([0, 1, 999, 1000, 12_345_678, 4.2e9].map(bytesOf), ['0\u00a0bytes', '1\u00a0byte', '999\u00a0bytes', '1.0\u00a0kB', '12\u00a0MB', '4.2\u00a0GB'])
  assert.deepEqual([0, 59_999, 61_000, 36_000_000].map(clockTimeOf), ['0:00', '0:59', '1:01', '10:00:00'])
})

test('the formats of a device, the fastest rate of each', () => {
  assert.deepEqual(formatsOf({ formats: [{ format: 'MJPEG', width: 1280, height: 720, rates: [30, 15] }, { format: 'YUYV', width: 640, height: 480 }] }), [
    { words: '1280 × 720, 30 fps, MJPEG', values: { width: 1280, height: 720, rate: 30 } }, { words: '640 × 480, YUYV', values: { width: 640, height: 480 } },
  ])
  assert.deepEqual(formatsOf(undefined), [])
})

test('where a film is by now', () => {
  const told = { position_ms: 5000, duration_ms: 20_000, paused: false }
  assert.equal(playback.placeOf(told, { loop: true, passed: 2000 }), 7000)
  assert.equal(playback.placeOf({ ...told, paused: true }, { loop: true, passed: 2000 }), 5000)
  assert.equal(playback.placeOf(told, { loop: true, passed: 18_000 }), 3000)
  assert.equal(playback.placeOf(told, { loop: false, passed: 18_000 }), 20_000)
  assert.equal(playback.placeOf({ ...told, duration_ms: 0 }, { loop: true, passed: 18_000 }), 23_000)
})

test('the server is asked again soon where no event tells, and ever less often', () => {
  const next = '2026-11-26T03:55:40.000Z'
  const after = (source, lasting, open = false) => standing.staleAfter(source, { lasting, open })
  assert.deepEqual([0, 9999, 10_000, 59_999, 60_000, 1e9].map((lasting) => after({ state: 'starting' }, lasting)), [900, 900, 2000, 2000, 10_000, 10_000])
  assert.deepEqual([0, 1e9].map((lasting) => after({ state: 'starting' }, lasting, true)), [900, 2000], 'the counters are seen')
  for (const [source, told, closed, open] of [
    [{ state: 'waiting' }, false, 2000, 2000], [{ state: 'waiting', next_try: next }, true, 10_000, 2000], [{ state: 'live' }, true, 10_000, 2000],
    [{ state: 'idle' }, true, Infinity, 2000], [{ state: 'failed' }, true, Infinity, 2000], [{ state: 'starting' }, false, 900, 900], [null, true, Infinity, Infinity],
  ]) {
    assert.equal(standing.eventsTell(source), told, JSON.stringify(source))
    assert.deepEqual([after(source, 0), after(source, 0, true)], [closed, open], JSON.stringify(source))
  }
})

test('how it stands with a push, and what a source has been through', () => {
  const since = '2026-11-26T03:54:37.000Z', now = Date.parse(since) + 61_000
  const push = { state: 'live', reason: '', since, next_try: null, restarts: 0, bytes: 5_100_340 }
  assert.equal(wordsOf(push, now), 'Live for 1 min, 5.1\u00a0MB sent.')
  assert.equal(wordsOf({ ...push, state: 'waiting', reason: 'nobody answers', next_try: '2026-11-26T03:55:40.000Z', restarts: 1, bytes: 0 }, now),
    'Waiting for 1 min, 0\u00a0bytes sent. Next try in 2 s. Restarted once.')
  assert.deepEqual(standing.countersOf({ restarts: 0 }), [['Restarts', '0']]) // of a server that counts no more
  assert.deepEqual(standing.countersOf({ runs: 3, restarts: 1, failures: { file_gone: 1 }, on_demand: true, stop_after_ms: 10_000, restart: { attempts: 5 } }), [
    ['Runs', '3'], ['Restarts', '1'], ['Failed: file gone', '1'], ['It runs', 'while somebody watches, and 10 s more'],
    ['When it fails', 'it is started again, up to 5 times in a row'],
  ])
  const rendition = { codec: 'H264', units: 1200, packets: 5100, bytes: 5_100_340, skipped: 2, encoders: 1, running: true }
  const relayed = { ...rendition, codec: 'opus', units: 0, skipped: 0, encoders: 0, running: false }
  assert.deepEqual(standing.countersOf({ restarts: 0, renditions: [rendition, relayed, { ...relayed, codec: 'VP8', packets: 0 }] }).slice(1), [
    ['H264', '1200 pictures, 5.1\u00a0MB, 2 left out, 1 encoder so far'], ['Opus', '5100 packets, 5.1\u00a0MB, rests'],
  ])
  assert.equal(standing.wordOf({ state: 'idle', reason: 'unwatched' }), 'On demand')
})
