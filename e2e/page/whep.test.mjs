// Usage: node --test whep.test.mjs: the parts of whep.js that only handle text.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const source = await readFile(new URL('../../static/files/whep.js', import.meta.url), 'utf8')
const whep = await import(`data:text/javascript,${encodeURIComponent(source)}`)
const lines = (...all) => all.map((line) => `${line}\r\n`).join('')

const answer = lines(
  'v=0', 'o=- 4611686018427387905 9007199254740993 IN IP4 0.0.0.0', 's=-', 't=0 0', 'a=group:BUNDLE 1 2',
  'm=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'a=mid:0', 'a=ice-ufrag:old', 'a=ice-pwd:oldoldoldoldoldoldold0',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'i=A clip', 'a=mid:1', 'a=ice-ufrag:old', 'a=ice-pwd:oldoldoldoldoldoldold0',
  'a=setup:passive', 'a=candidate:1 1 udp 2130706431 192.0.2.1 8080 typ host', 'a=end-of-candidates',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:2', 'a=ice-ufrag:old', 'a=ice-pwd:oldoldoldoldoldoldold0',
)

test('a restart changes credentials, candidates and version, and nothing else', () => {
  const fragment = lines(
    'a=ice-options:trickle ice2', 'm=video 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:1', 'a=ice-ufrag:new',
    'a=ice-pwd:newnewnewnewnewnewnew0', 'a=candidate:1 1 udp 2130706431 192.0.2.2 8080 typ host',
    'a=candidate:2 1 udp 2130706430 2001:db8::2 8080 typ host', 'a=candidate:1 1 udp 2130706431 192.0.2.2 8080 typ host',
    'a=end-of-candidates',
  )
  const want = answer
    .replaceAll('a=ice-ufrag:old', 'a=ice-ufrag:new').replaceAll('oldoldoldoldoldoldold0', 'newnewnewnewnewnewnew0')
    .replace('9007199254740993', '9007199254740994')
    .replace('a=candidate:1 1 udp 2130706431 192.0.2.1 8080 typ host\r\n', lines(
      'a=candidate:1 1 udp 2130706431 192.0.2.2 8080 typ host', 'a=candidate:2 1 udp 2130706430 2001:db8::2 8080 typ host'))
  assert.equal(whep.restartedAnswer(answer, fragment), want)
  assert.equal(whep.restartedAnswer(answer, fragment.replaceAll('\r\n', '\n')), want)
  assert.throws(() => whep.restartedAnswer(answer, lines('a=ice-ufrag:new')), SyntaxError)
})

test('a fragment has the credentials and the candidates that belong to them', () => {
  const candidate = (sdpMid, usernameFragment, number) => (
    { sdpMid, usernameFragment, candidate: `candidate:${number} 1 udp 1 192.0.2.9 ${number} typ host` })
  const local = lines(
    'v=0', 'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=ice-ufrag:mine', 'a=ice-pwd:secret',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111', 'a=mid:1', 'a=ice-ufrag:mine', 'a=ice-pwd:secret',
  )
  assert.equal(whep.fragmentOf(local, [candidate('0', 'mine', 5), candidate('0', 'stale', 6), candidate('0', null, 7)], true), lines(
    'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=ice-ufrag:mine', 'a=ice-pwd:secret',
    'a=candidate:5 1 udp 1 192.0.2.9 5 typ host', 'a=candidate:7 1 udp 1 192.0.2.9 7 typ host', 'a=end-of-candidates',
  ))
  assert.equal(whep.fragmentOf(local, [], false), lines(
    'a=group:BUNDLE 0 1', 'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=mid:0', 'a=ice-ufrag:mine', 'a=ice-pwd:secret'))
})

test('stereo is asked for once, of Opus alone', () => {
  const offer = lines(
    'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 112', 'a=rtpmap:111 opus/48000/2', 'a=rtpmap:63 red/48000/2', 'a=rtpmap:112 OPUS/48000/2',
    'a=fmtp:111 minptime=10;useinbandfec=1', 'a=fmtp:63 111/111', 'a=fmtp:112 stereo=1',
  )
  const want = offer.replace('useinbandfec=1', 'useinbandfec=1;stereo=1;sprop-stereo=1')
  assert.equal(whep.askForStereo(offer), want)
  assert.equal(whep.askForStereo(want), want)
})

test('ICE servers come out of Link fields', () => {
  assert.deepEqual(whep.iceServersOf(''), [])
  assert.deepEqual(whep.iceServersOf(
    '<stun:stun.example>; rel="ice-server", <turn:turn.example?transport=udp>; rel="ice-server"; username="a, \\"b\\""; ' +
    'credential="p;q"; credential-type="password", <https://example/layer>; rel="urn:ietf:params:whep:ext:core:layer", ' +
    '<turns:turn.example:443>;rel=ice-server;username=u;credential=c, <javascript:alert>; rel="ice-server"',
  ), [
    { urls: 'stun:stun.example' },
    { urls: 'turn:turn.example?transport=udp', username: 'a, "b"', credential: 'p;q' },
    { urls: 'turns:turn.example:443', username: 'u', credential: 'c' },
  ])
})

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(whep.retryAfterOf('2', now), 2_000)
  assert.equal(whep.retryAfterOf('0', now), 0)
  assert.equal(whep.retryAfterOf('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000)
  assert.equal(whep.retryAfterOf('Wed, 31 Dec 2025 00:00:30 GMT', now), 0)
  for (const none of [null, '', 'soon']) assert.equal(whep.retryAfterOf(none, now), undefined)
})

test('sections have a title, candidates an address', () => {
  assert.deepEqual(whep.sectionsOf(answer).map(({ mid, title }) => [mid, title]), [['0', ''], ['1', 'A clip'], ['2', '']])
  const twice = answer + lines('a=candidate:1 1 UDP 2130706431 192.0.2.1 8080 typ host', 'a=candidate:2 1 tcp 1 2001:db8::1 443 typ relay')
  assert.deepEqual(whep.candidatesOf(twice), [
    { address: '192.0.2.1', port: 8080, protocol: 'udp', type: 'host' },
    { address: '2001:db8::1', port: 443, protocol: 'tcp', type: 'relay' },
  ])
})
