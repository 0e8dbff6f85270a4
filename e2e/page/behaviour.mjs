// Usage: node behaviour.mjs <subject> <base url>: how the player page behaves in Chromium. Subjects that need the
// server to change print {"step": …} and go on when a line comes in.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, report, until } from './browsers.mjs'

const [subject, base] = process.argv.slice(2)
// Another origin's page must not be held back by our own pages' policy.
const { browser, page } = await chromium({ bypassCSP: subject === 'elsewhere' })
const requests = []
page.on('response', (response) => {
  const { pathname } = new URL(response.url())
  const method = response.request().method()
  if (/^\/(whep|session)\//.test(pathname)) requests.push({ method, status: response.status(), session: pathname.startsWith('/session/') })
})
const input = createInterface({ input: process.stdin })
const step = async (name) => {
  report({ step: name })
  await once(input, 'line')
}
/** Runs in the page, with its player and the number of frames decoded by the current session. */
const inPage = (body, argument) => page.evaluate(new Function('argument', `return (async () => {
  const { player } = await import('/static/watch.js')
  const frames = async () => {
    let sum = 0
    for (const stats of (await player.peerConnection?.getStats() ?? new Map()).values()) sum += stats.framesDecoded ?? 0
    return sum
  }
  ${body}
})()`), argument)
const watch = async (name = 'test') => {
  await page.goto(`${base}/watch/${name}`)
  if (name === 'test') await picture()
}
const picture = () => until('a picture that moves', async () =>
  await inPage(`return player.state === 'playing' && await frames() > 10`) &&
  await page.evaluate(() => document.querySelector('#stage').dataset.state === 'playing'))
const words = () => page.evaluate(() => ({
  curtain: document.querySelector('#curtain').innerText, announced: document.querySelector('#announcement').textContent,
  badge: document.querySelector('#badge').innerText.trim(), again: !document.querySelector('#again').hidden,
}))

const subjects = {
  /** The server is killed and comes back on the same port. */
  async reconnect() {
    await watch()
    await step('playing')
    const said = await until('words about the server', async () => {
      const now = await words()
      return now.announced !== 'Playing' && now.curtain.includes('cannot be reached') && now
    })
    await step('interrupted')
    const begin = Date.now()
    await picture()
    return { said, back: Date.now() - begin }
  },

  /** Nobody publishes the stream: words, and requests no faster than the server says; one that it holds has no answer. */
  async missing() {
    await watch('nobody')
    const said = await until('words', async () => {
      const now = await words()
      return now.curtain.includes('Nobody publishes') && now
    })
    const before = requests.length
    await new Promise((resolve) => setTimeout(resolve, 7_000))
    return { said, posts: requests.length - before, statuses: [...new Set(requests.map(({ status }) => status))] }
  },

  /** A refusal that waiting will not change. */
  async refused() {
    const problem = {
      status: 422, code: 'no_common_codec', detail: 'The stream is in a format that this player does not take.',
      remedy: 'Publish H.264.', offered: ['VP8'], has: ['H265'],
    }
    await page.route('**/whep/*', (route) => route.fulfill({
      status: 422, contentType: 'application/problem+json', body: JSON.stringify(problem),
    }))
    await watch('odd')
    const said = await until('words', async () => {
      const now = await words()
      return now.curtain.includes(problem.detail) && now
    })
    await page.unroute('**/whep/*')
    await page.route('**/whep/odd', (route) => route.continue({ url: `${base}/whep/test` }))
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await picture()
    return { said }
  },

  /** The answer's addresses lead nowhere. */
  async unreachable() {
    await page.route('**/whep/test', async (route) => {
      const response = await route.fetch()
      const body = (await response.text()).replace(/^(a=candidate:\S+ \d+ \S+ \d+) \S+ (\d+) .*$/gm, '$1 192.0.2.77 $2 typ host')
      await route.fulfill({ response, body })
    })
    // Nor may the server find the page: then it would be reached after all.
    await page.route('**/session/*', (route) => route.request().method() === 'PATCH' ? route.fulfill({ status: 204 }) : route.continue())
    await page.goto(`${base}/watch/test`)
    const early = await until('first words', async () => {
      const now = await words()
      return now.curtain.includes('nothing has come from') && now
    })
    const said = await until('words', async () => {
      const now = await words()
      return now.curtain.includes('No media gets through') && now
    })
    return { early, said }
  },

  /** The page is left. */
  async leave() {
    await watch()
    await page.goto('about:blank')
    return {}
  },

  /** The page is left, kept by the browser, and come back to. */
  async back() {
    await watch()
    await page.evaluate(() => {
      window.kept = true
      addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted })
    })
    await page.goto(`${base}/nothing-here`)
    await page.goBack({ waitUntil: 'commit' })
    const kept = await until('the page', () => page.evaluate(() => document.querySelector('#stage') && {
      kept: window.kept === true, persisted: window.persisted === true,
    }))
    await picture()
    return { ...kept, deletes: requests.filter(({ method }) => method === 'DELETE') }
  },

  /** ICE is restarted in mid-play: the same session and connection, other credentials, the picture hardly stops. */
  async restart() {
    await watch()
    const result = await inPage(`
      const connection = player.peerConnection, states = []
      player.addEventListener('statechange', () => states.push(player.state))
      const ufragOf = ({ sdp }) => /a=ice-ufrag:(.*)/.exec(sdp)[1].trim()
      const before = [ufragOf(connection.localDescription), ufragOf(connection.remoteDescription)]
      const restarted = new Promise((resolve) => player.addEventListener('restarted', resolve, { once: true }))
      let last = performance.now(), gap = 0
      const video = document.querySelector('video')
      const watch = () => { gap = Math.max(gap, performance.now() - last); last = performance.now(); video.requestVideoFrameCallback(watch) }
      video.requestVideoFrameCallback(watch)
      await player.restartICE()
      await restarted
      // Media must come over the new ICE session: pairs with the new credentials. Which of them, each end decides.
      const fresh = ufragOf(connection.localDescription)
      const deadline = performance.now() + 10000
      let over = false
      while (!over && performance.now() < deadline) {
        const report = await connection.getStats()
        const pairs = [...report.values()].filter(({ type, localCandidateId }) =>
          type === 'candidate-pair' && report.get(localCandidateId)?.usernameFragment === fresh)
        over = pairs.reduce((sum, { bytesReceived = 0 }) => sum + bytesReceived, 0) > 100000
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const decoded = await frames()
      await new Promise((resolve) => setTimeout(resolve, 2000))
      gap = Math.max(gap, performance.now() - last)
      const after = [ufragOf(connection.localDescription), ufragOf(connection.remoteDescription)]
      return {
        over, gap, states, same: connection === player.peerConnection, state: player.state,
        renewed: before.every((ufrag, index) => ufrag !== after[index]), frames: await frames() - decoded,
      }
    `)
    return { ...result, requests }
  },

  /** The server stands still for some seconds: the connection breaks, and ICE is restarted by itself. */
  async pause() {
    await watch()
    await inPage(`
      window.before = player.peerConnection
      window.states = []
      player.addEventListener('statechange', () => window.states.push(player.state))
      player.addEventListener('restarted', () => window.states.push('restarted'))
    `)
    await step('playing')
    await until('an interruption', () => page.evaluate(() => window.states.includes('interrupted')))
    const said = await words()
    await step('interrupted')
    await until('a restart', () => page.evaluate(() => window.states.includes('restarted')))
    await picture()
    const before = await inPage('return frames()')
    await until('more frames', async () => await inPage('return frames()') > before + 30)
    return { said, ...await inPage('return { same: window.before === player.peerConnection, states: window.states }') }
  },

  /** The server does no restarts: the old ICE session goes on. */
  async noRestart() {
    await watch()
    await page.route('**/session/*', (route) => route.request().headers()['if-match'] === '*'
      ? route.fulfill({ status: 422, contentType: 'application/problem+json', body: '{"code":"no_restart"}' })
      : route.continue())
    const before = await inPage(`
      window.before = player.peerConnection
      await player.restartICE()
      return frames()
    `)
    await until('more frames', async () => await inPage('return frames()') > before + 60)
    return {
      ...await inPage('return { same: window.before === player.peerConnection, state: player.state }'),
      refused: requests.filter(({ status }) => status === 422).length,
      posts: requests.filter(({ method }) => method === 'POST').length,
    }
  },

  /** A page of another origin imports whep.js, plays with a token, and ends by an AbortSignal. */
  async elsewhere() {
    const tokens = []
    page.on('request', (request) => /\/(whep|session)\//.test(request.url()) && request.method() !== 'OPTIONS' &&
      tokens.push([request.method(), request.headers().authorization ?? '']))
    await page.goto(`${base.replace('127.0.0.1', 'localhost')}/nothing-here`)
    const played = await page.evaluate(async (base) => {
      const { WHEPPlayer } = await import(`${base}/static/whep.js`)
      const abort = new AbortController()
      const player = new WHEPPlayer(`${base}/whep/test`, { token: 'T0ken', kinds: ['video'], signal: abort.signal })
      const video = document.createElement('video')
      video.muted = true
      document.body.append(video)
      const kinds = []
      player.addEventListener('track', ({ detail: { track } }) => {
        kinds.push(track.kind)
        video.srcObject = player.stream
        video.play()
      })
      player.start()
      for (let pictures = 0; pictures < 30; pictures++) await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
      const state = player.state
      abort.abort()
      return { origin: location.origin, state, kinds, closed: player.state }
    }, base)
    await until('a DELETE', () => requests.some(({ method, status }) => method === 'DELETE' && status === 200))
    return { ...played, tokens }
  },

  /** All of it by keyboard: sound, figures. */
  async keyboard() {
    await watch()
    const state = () => page.evaluate(() => ({
      muted: document.querySelector('video').muted, prompt: !document.querySelector('#sound-prompt').hidden,
      figures: !document.querySelector('#figures').hidden,
    }))
    const before = await state()
    await page.keyboard.press('m')
    await page.keyboard.press('i')
    const after = await state()
    return { before, after, announced: (await words()).announced }
  },
}

try {
  const violations = []
  page.on('console', (message) => /Content Security Policy/i.test(message.text()) && violations.push(message.text()))
  page.on('pageerror', (error) => violations.push(String(error)))
  report({ ...await subjects[subject](), violations })
} finally {
  input.close()
  await browser.close()
}
