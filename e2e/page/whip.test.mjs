// Usage: node --test whip.test.mjs: whip.js against a server that misbehaves, with a peer connection that is only a stand-in.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { register } from 'node:module'
import { after, beforeEach, test } from 'node:test'

register(`data:text/javascript,${encodeURIComponent(`export const load = (url, context, next) =>
  next(url, url.includes('/static/files/') ? { ...context, format: 'module' } : context)`)}`)

/* A browser, as far as whip.js looks at it */

const page = new EventTarget()
Object.assign(globalThis, {
  addEventListener: page.addEventListener.bind(page), dispatchEvent: page.dispatchEvent.bind(page),
  document: { baseURI: 'http://127.0.0.1/' },
  MediaStream: class { getVideoTracks() { return [camera] } getAudioTracks() { return [microphone] } },
  RTCRtpSender: {
    getCapabilities: (kind) => ({
      codecs: (kind === 'audio' ? ['audio/opus', 'audio/PCMU'] : ['video/VP8', 'video/rtx', 'video/H264', 'video/H264', 'video/AV1'])
        .map((mimeType, id) => ({ mimeType, id })),
    }),
  },
})
const camera = { kind: 'video' }, microphone = { kind: 'audio' }
const offer = ['v=0', 'o=- 1 2 IN IP4 0.0.0.0', 'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=ice-ufrag:mine', 'a=ice-pwd:secret',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:1', 'a=rtpmap:111 opus/48000/2', 'a=fmtp:111 useinbandfec=1', ''].join('\r\n')
const answer = ['v=0', 'o=- 7 1 IN IP4 0.0.0.0', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=ice-ufrag:old', 'a=ice-pwd:oldoldoldoldoldoldold0',
  'a=candidate:1 1 udp 1 192.0.2.1 8080 typ host', ''].join('\r\n')

/** Connects as soon as it has an answer. */
class Connection extends EventTarget {
  static all = []
  transceivers = []
  iceConnectionState = 'new'
  connectionState = 'new'
  signalingState = 'stable'
  transport = Object.assign(new EventTarget(), { state: 'new' })

  constructor(configuration) {
    super()
    this.configuration = configuration
    Connection.all.push(this)
  }
  addTransceiver(track, init) {
    const sender = {
      track, transport: this.transport, parameters: { encodings: structuredClone(init.sendEncodings) }, replaced: [],
      getParameters() { return structuredClone(this.parameters) },
      async setParameters(parameters) { this.parameters = parameters },
      async replaceTrack(other) { this.replaced.push(other) },
    }
    const transceiver = { sender, init, setCodecPreferences(codecs) { this.preferred = codecs.map(({ mimeType }) => mimeType) } }
    this.transceivers.push(transceiver)
    return transceiver
  }
  getSenders() { return this.transceivers.map(({ sender }) => sender) }
  getReceivers() { return [] }
  getConfiguration() { return this.configuration }
  setConfiguration(configuration) { this.configuration = configuration }
  async createOffer() { return { type: 'offer', sdp: offer } }
  async setLocalDescription(description) {
    this.localDescription = description
    this.signalingState = description.type === 'rollback' ? 'stable' : 'have-local-offer'
  }
  async setRemoteDescription(description) {
    this.remoteDescription = description
    this.signalingState = 'stable'
    this.state('connected')
  }
  /** Moves to a state and tells. */
  state(state) {
    this.iceConnectionState = this.connectionState = state
    for (const name of ['iceconnectionstatechange', 'connectionstatechange']) this.dispatchEvent(new Event(name))
  }
  gather(candidate) {
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }))
  }
  close() { this.closed = true }
}
globalThis.RTCPeerConnection = Connection

/* A server that answers as it is told */

let replies = [], requests = []
const created = (headers = {}) => ({ status: 201, headers: { Location: '/session/1', ETag: '"e1"', 'Content-Type': 'application/sdp', ...headers }, body: answer })
const problem = (status, code, headers = {}) => (
  { status, headers: { 'Content-Type': 'application/problem+json', ...headers }, body: JSON.stringify({ code, detail: `It is ${code}.`, remedy: 'Do something.' }) })
const server = createServer(async (request, response) => {
  let body = ''
  for await (const part of request) body += part
  requests.push({ method: request.method, path: request.url, headers: request.headers, body })
  const index = replies.findIndex(({ method = 'POST' }) => method === request.method)
  const { status, headers = {}, body: text = '', until } = index < 0 ? { status: request.method === 'DELETE' ? 200 : 204 } : replies.splice(index, 1)[0]
  await until
  response.writeHead(status, headers).end(text)
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const base = `http://127.0.0.1:${server.address().port}`
after(() => server.close())

const { WHIPPublisher, sendable } = await import(new URL('../../static/files/whip.js', import.meta.url))
let publisher
const publish = (options) => {
  publisher = new WHIPPublisher(`${base}/whip/lobby`, { token: 'T', ...options })
  publisher.start(new MediaStream())
  return publisher
}
const reaches = async (state) => {
  for (const deadline = Date.now() + 5_000; publisher.state !== state; await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > deadline) throw new Error(`it is ${publisher.state} (${publisher.reason?.code}), not ${state}`)
  }
}
/** Waits for so many requests that hold; what a publisher of another test gives back may still come in. */
const asked = async (method, count = 1, holds = () => true) => {
  for (const deadline = Date.now() + 5_000; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
    const found = requests.filter((request) => request.method === method && holds(request))
    if (found.length >= count) return found.at(-1)
    if (Date.now() > deadline) throw new Error(`${found.length} times ${method}, not ${count}`)
  }
}
beforeEach(() => {
  publisher?.close()
  replies = []
  requests = []
  Connection.all = []
})
after(() => publisher?.close())

test('it sends only, bundled, with the codecs that were asked for', async () => {
  replies = [created({ Link: '<turn:t.example>; rel="ice-server"; username="u"; credential="c"' })]
  publish({ codecs: ['AV1', 'H264'], maxBitRate: 1_000_000 })
  await reaches('publishing')
  const [connection] = Connection.all, [video, audio] = connection.transceivers
  assert.equal(connection.configuration.bundlePolicy, 'max-bundle')
  assert.deepEqual([video.init.direction, audio.init.direction], ['sendonly', 'sendonly'])
  assert.equal(video.init.streams[0], audio.init.streams[0])
  assert.deepEqual(video.preferred, ['video/AV1', 'video/H264', 'video/H264', 'video/rtx'])
  assert.deepEqual(audio.preferred, ['audio/opus'])
  assert.deepEqual(video.init.sendEncodings, [{ maxBitrate: 1_000_000 }])
  assert.deepEqual(connection.configuration.iceServers, [{ urls: 'turn:t.example', username: 'u', credential: 'c' }])
  const post = await asked('POST')
  assert.equal(post.headers.authorization, 'Bearer T')
  assert.equal(post.headers['content-type'], 'application/sdp')
  assert.match(post.body, /useinbandfec=1;stereo=1;sprop-stereo=1/)
  assert.equal(connection.localDescription.sdp, post.body)
  publisher.configure({ maxBitRate: 250_000 })
  await new Promise(setImmediate)
  assert.deepEqual(video.sender.parameters.encodings, [{ maxBitrate: 250_000 }])
})

test('a simulcast has three layers that share the bit rate; without stereo nothing is said of it', async () => {
  replies = [created()]
  publish({ simulcast: true, maxBitRate: 1_000_000, stereo: false })
  await reaches('publishing')
  assert.deepEqual(Connection.all[0].transceivers[0].init.sendEncodings.map(({ rid, scaleResolutionDownBy, maxBitrate }) => [rid, scaleResolutionDownBy, maxBitrate]),
    [['l', 4, 80_000], ['m', 2, 220_000], ['h', 1, 700_000]])
  assert.doesNotMatch((await asked('POST')).body, /stereo/)
})

test('a redirect is followed, and the session is where the answer came from', async () => {
  replies = [{ status: 307, headers: { Location: '/elsewhere/whip' } }, created({ Location: 'session/2' })]
  publish()
  await reaches('publishing')
  publisher.stop()
  await asked('DELETE', 1, ({ path }) => path === '/elsewhere/session/2')
  assert.equal(requests.filter(({ method }) => method === 'POST').at(-1).path, '/elsewhere/whip')
})

test('candidates go by PATCH; a server that takes none is not asked again', async () => {
  replies = [created(), { method: 'PATCH', status: 405 }]
  publish()
  await reaches('publishing')
  Connection.all[0].gather({ candidate: 'candidate:1 1 udp 1 192.0.2.9 9 typ host', sdpMid: '0', usernameFragment: 'mine' })
  const patch = await asked('PATCH')
  assert.equal(patch.headers['if-match'], '"e1"')
  assert.equal(patch.headers['content-type'], 'application/trickle-ice-sdpfrag')
  assert.match(patch.body, /a=ice-ufrag:mine\r\na=ice-pwd:secret\r\na=candidate:1 /)
  await new Promise((resolve) => setTimeout(resolve, 30))
  Connection.all[0].gather(null)
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.equal(requests.filter(({ method }) => method === 'PATCH').length, 1)
  assert.equal(publisher.state, 'publishing')
})

test('ICE is restarted when the connection fails', async () => {
  replies = [created(), { method: 'PATCH', status: 200, headers: { ETag: '"e2"' }, body: 'a=ice-ufrag:new\r\na=ice-pwd:newnewnewnewnewnewnew0\r\n' }]
  publish()
  await reaches('publishing')
  const restarted = new Promise((resolve) => publisher.addEventListener('restarted', resolve))
  Connection.all[0].state('failed')
  assert.equal(publisher.state, 'interrupted')
  await restarted
  assert.equal((await asked('PATCH')).headers['if-match'], '*')
  assert.match(Connection.all[0].remoteDescription.sdp, /a=ice-ufrag:new/)
  await reaches('publishing')
  assert.equal(Connection.all.length, 1)
})

test('a restart that is refused ends in a new session, which takes the old one over', async () => {
  replies = [created(), { method: 'PATCH', status: 404 }, problem(409, 'stream_published', { 'Retry-After': '0' }), created()]
  publish()
  await reaches('publishing')
  Connection.all[0].state('failed')
  await reaches('waiting')
  await reaches('publishing')
  assert.equal(requests.filter(({ method }) => method === 'POST').length, 3, 'a 409 is tried again after a loss of one’s own')
})

test('somebody else’s stream is told, and left alone', async () => {
  replies = [problem(409, 'stream_published', { 'Retry-After': '0' })]
  publish()
  await reaches('refused')
  assert.deepEqual([publisher.reason.code, publisher.reason.detail, publisher.reason.remedy, publisher.reason.status],
    ['stream_published', 'It is stream_published.', 'Do something.', 409])
  replies = [created()]
  publisher.retry()
  await reaches('publishing')
})

test('a server that holds the offer is waited for, and told about', async () => {
  let go
  replies = [{ ...created(), until: new Promise((resolve) => { go = resolve }) }]
  publish()
  await new Promise((resolve) => publisher.addEventListener('statechange', () => publisher.reason?.code === 'held' && resolve()))
  assert.equal(publisher.state, 'connecting')
  go()
  await reaches('publishing')
  assert.equal(publisher.reason, null)
})

test('who was taken over says so and does not fight', async () => {
  for (const [code, state] of [['taken_over', 'refused'], ['no_such_session', 'waiting']]) {
    replies = [created(), { method: 'GET', ...problem(404, code) }]
    publish()
    await reaches('publishing')
    const { transport } = Connection.all.at(-1)
    transport.state = 'closed'
    transport.dispatchEvent(new Event('statechange'))
    await reaches(state)
    assert.equal(publisher.reason.code, code === 'taken_over' ? code : 'session_ended')
    publisher.close()
  }
})

test('what passes is tried again, what does not is told', async () => {
  replies = [problem(503, 'server_full', { 'Retry-After': '0' }), { status: 502, headers: { 'Retry-After': '0' }, body: '<html>' }, created()]
  publish()
  await reaches('publishing')
  publisher.close()
  for (const [reply, code] of [
    [problem(401, 'token_missing'), 'token_missing'], [problem(422, 'no_common_codec'), 'no_common_codec'],
    [{ status: 201, body: answer }, 'not_whip'], [{ status: 200, body: 'hello' }, 'not_whip'], [{ status: 404 }, 'http_404'],
  ]) {
    replies = [reply]
    publish()
    await reaches('refused')
    assert.equal(publisher.reason.code, code)
    publisher.close()
  }
})

test('a server that is gone is waited for', async () => {
  publisher = new WHIPPublisher('http://127.0.0.1:1/whip/lobby')
  publisher.start(new MediaStream())
  await reaches('waiting')
  assert.equal(publisher.reason.code, 'unreachable')
  assert.ok(publisher.retryAt > Date.now())
})

test('another device needs no session; another kind of media does', async () => {
  replies = [created(), created()]
  publisher = new WHIPPublisher(`${base}/whip/lobby`)
  publisher.start({ getVideoTracks: () => [camera], getAudioTracks: () => [] })
  await reaches('publishing')
  const other = { kind: 'video' }
  publisher.configure({ contentHint: 'detail' })
  await publisher.replaceTrack('video', other)
  await publisher.replaceTrack('video', null)
  assert.deepEqual(Connection.all[0].transceivers[0].sender.replaced, [other, null])
  assert.equal(other.contentHint, 'detail')
  await publisher.replaceTrack('video', camera)
  await publisher.replaceTrack('audio', microphone)
  await asked('POST', 2)
  await reaches('publishing')
  assert.deepEqual(Connection.all[1].transceivers.map(({ sender }) => sender.track), [camera, microphone])
  assert.ok(Connection.all[0].closed)
})

test('the session is given back when it is stopped, and when the page is left', async () => {
  for (const leave of [() => publisher.stop(), () => page.dispatchEvent(new Event('pagehide'))]) {
    requests = []
    replies = [created()]
    publish()
    await reaches('publishing')
    leave()
    assert.equal(publisher.state, 'idle')
    await asked('DELETE', 1, ({ path, headers }) => path === '/session/1' && headers.authorization === 'Bearer T')
    publisher.close()
  }
})

test('what cannot be sent is not offered', async () => {
  assert.deepEqual(sendable(), ['VP8', 'H264', 'AV1'])
  publish({ codecs: ['H265'] })
  await reaches('refused')
  assert.equal(publisher.reason.code, 'no_codec')
  publisher = new WHIPPublisher(`${base}/whip/lobby`)
  publisher.start({ getVideoTracks: () => [], getAudioTracks: () => [] })
  assert.equal(publisher.reason.code, 'no_media')
  assert.equal(requests.length, 0)
})
