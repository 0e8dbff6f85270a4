// Usage: node publish.mjs <subject> <base url> <token> [another token]: the page at /publish/live as people use it, with devices
// that are none.
import { chromium, fakeDevices, firefox, patience, report, until } from './browsers.mjs'
import { decoded } from './decoded.mjs'
import { watchSecrets } from './seen.mjs'

const [subject, base, token, other] = process.argv.slice(2)
const violations = [], closing = []
const guard = (page) => {
  page.on('console', (message) => /Content.Security.Policy/i.test(message.text()) && violations.push(message.text()))
  page.on('pageerror', (error) => violations.push(String(error)))
  return page
}
const browsers = new Map()
/** A page of its own, in the browser that has these switches. */
const start = async (switches = fakeDevices) => {
  const key = switches.join()
  if (!browsers.has(key)) {
    browsers.set(key, chromium({}, switches))
    closing.push(async () => (await browsers.get(key)).browser.close())
  }
  const { browser } = await browsers.get(key)
  const context = await browser.newContext()
  context.setDefaultTimeout(patience)
  watchSecrets(context)
  return guard(await context.newPage())
}

/* What is to be seen */

const seen = (page) => page.evaluate(async () => {
  const { publisher } = await import('/static/publish.js')
  const text = (id) => document.getElementById(id).innerText.trim()
  const shown = (id) => document.getElementById(id).getClientRects().length > 0
  return {
    state: publisher.state, covered: document.getElementById('stage').dataset.state === 'curtain', curtain: text('curtain'), badge: text('badge'),
    announced: document.getElementById('announcement').textContent, note: text('note'), figures: text('figures'), loud: text('level-word'),
    choose: shown('choose'), token: shown('access'), again: shown('again'), go: document.getElementById('go').disabled ? '' : text('go'),
    width: document.getElementById('video').videoWidth,
  }
})
const sees = async (what, page, holds) => {
  let last
  return until(what, async () => {
    last = await seen(page).catch(() => null) // between two pages there is nothing to look at
    return last && holds(last) && last
  }).catch((error) => { throw new Error(`${error.message}; seen was ${JSON.stringify(last)}`) })
}
const says = (words, page) => sees(`“${words}”`, page, ({ curtain, covered }) => covered && curtain.includes(words))
const open = async (page, secret = token, origin = base) => {
  await page.goto(`${origin}/publish/live${secret && `#token=${secret}`}`)
  return page
}
/** Chooses a picture that costs little. */
const small = async (page) => {
  if (!page.selectOption) return // Puppeteer has another one
  await page.selectOption('#height', '360')
  await page.selectOption('#rate', '15')
}
/** Opens the devices, for a picture that costs little, and goes live. */
const live = async (page, source = 'camera') => {
  await says('Choose what to send', page)
  await small(page)
  await page.click(`#use-${source}`)
  await sees('the own picture', page, ({ width, covered }) => width > 0 && !covered)
  await page.click('#go')
  return sees('that it is live', page, ({ badge }) => badge === 'Live')
}
const watch = async (page) => {
  await page.goto(`${base}/watch/live`)
  await until('a picture', async () => (await page.evaluate(decoded)).frames > 5)
}
const ask = async (path) => (await fetch(base + path, { headers: { Authorization: `Bearer ${token}` } })).json()

/** How loud the loudest of a viewer's sound is while the stand-in of a microphone beeps once, and how bright its picture. */
const received = (page) => page.evaluate(async () => {
  const { player } = await import('/static/watch.js')
  const audio = new AudioContext(), analyser = new AnalyserNode(audio, { fftSize: 8192 }), samples = new Float32Array(8192)
  new MediaStreamAudioSourceNode(audio, { mediaStream: player.stream }).connect(analyser)
  let loud = 0
  for (const until = performance.now() + 1200; performance.now() < until; await new Promise((resolve) => setTimeout(resolve, 100))) {
    analyser.getFloatTimeDomainData(samples)
    loud = samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), loud)
  }
  await audio.close()
  const canvas = Object.assign(document.createElement('canvas'), { width: 16, height: 9 }), context = canvas.getContext('2d')
  context.drawImage(document.querySelector('video'), 0, 0, 16, 9)
  return { loud, bright: Math.max(...context.getImageData(0, 0, 16, 9).data.filter((value, i) => i % 4 !== 3)) }
})

const subjects = {
  /** The camera in each codec, one after the other while a viewer stays; then mute and the picture hidden. */
  async camera() {
    const page = await open(await start()), viewer = await start()
    const address = await until('an address without the token', () => page.evaluate(() => !location.hash.includes('token') && location.href))
    await live(page)
    const codecs = {}
    for (const codec of ['H264', 'VP8', 'VP9', 'AV1']) {
      await page.selectOption('#codec', codec)
      const played = () => viewer.evaluate(decoded)
      if (codec === 'H264') await watch(viewer)
      await until(`a picture in ${codec}`, async () => (await played()).codecs.includes(`video/${codec}`))
      const { codecs: api } = await until(`${codec} alone`, async () => {
        const stream = await ask('/api/v1/streams/live')
        return stream.codecs.filter((name) => name !== 'opus').join() === codec && stream
      })
      await sees(`${codec} among the figures`, page, ({ figures }) => figures.includes(codec))
      codecs[codec] = { api, sessions: (await ask('/api/v1/sessions?stream=live')).sessions.filter(({ protocol }) => protocol === 'whep').map(({ id }) => id) }
    }
    const { figures } = await sees('viewers among the figures', page, ({ figures }) => /Viewers\s+1/.test(figures) && figures.includes('kbit/s'))

    await sees('sound', page, ({ loud }) => ['Quiet', 'Good', 'Too loud'].includes(loud))
    await until('sound and a picture', async () => { const { loud, bright } = await received(viewer); return loud > 0.1 && bright > 100 })
    await page.keyboard.press('m')
    await page.keyboard.press('v')
    await sees('that it is muted', page, ({ loud }) => loud === 'Muted')
    await until('neither sound nor picture', async () => { const { loud, bright } = await received(viewer); return loud < 0.01 && bright < 60 })
    await page.click('#mute-audio')
    await page.click('#mute-video')
    await until('both again', async () => { const { loud, bright } = await received(viewer); return loud > 0.1 && bright > 100 })
    await page.click('#go')
    await sees('that it has ended', page, ({ badge, go }) => badge === 'Not live' && go === 'Go live')
    await until('no stream', async () => !(await (await fetch(`${base}/api/v1/streams`)).json()).streams.some(({ name }) => name === 'live'))
    return { address, codecs, figures }
  },

  /** A screen, and from it to the camera, without another session. */
  async screen() {
    const page = await open(await start()), viewer = await start()
    await live(page, 'screen')
    await watch(viewer)
    const session = async () => (await ask('/api/v1/sessions?stream=live')).sessions.filter(({ protocol }) => protocol === 'whip').map(({ id }) => id).join()
    const before = await session()
    const mirrored = () => page.evaluate(() => document.querySelector('#video').hasAttribute('data-mirrored'))
    const screen = { mirrored: await mirrored(), hint: await page.evaluate(() => document.querySelector('#video').srcObject.getVideoTracks()[0].contentHint) }
    await page.click('#other')
    await until('the camera', mirrored)
    const { frames } = await viewer.evaluate(decoded)
    await until('the camera’s picture', async () => (await viewer.evaluate(decoded)).frames > frames + 10)
    // The sharing is ended by the browser's own button, or a camera is unplugged.
    await page.evaluate(() => {
      const [track] = document.querySelector('#video').srcObject.getVideoTracks()
      track.dispatchEvent(new Event('ended'))
    })
    const gone = await says('The camera is gone', page)
    return { screen, same: before !== '' && before === await session(), gone }
  },

  /** What the page says when devices cannot be had. */
  async devices() {
    const denied = await open(await start(['--use-fake-device-for-media-stream']))
    await says('Choose what to send', denied)
    await denied.click('#use-camera')
    const refused = await says('No permission', denied)

    const none = await open(await start(['--use-fake-ui-for-media-stream']))
    await says('Choose what to send', none)
    await none.click('#use-camera')
    const missing = await says('No camera was found', none)

    const plain = await start()
    const origin = base.replace('127.0.0.1', 'weir.test')
    await open(plain, token, origin)
    return { refused, missing, plain: await says('HTTPS', plain), origin }
  },

  /** What it says of tokens and of other publishers, and that it is live again after each. */
  async others() {
    const page = await open(await start(), '')
    const nobody = await says('A token is needed', page)
    await page.fill('#token', 'no-token-of-this-server')
    await page.keyboard.press('Enter')
    const wrong = await says('does not know this token', page)
    await page.fill('#token', `${base}/publish/live#token=${token}`) // whole addresses get pasted too
    await page.keyboard.press('Enter')
    await live(page)

    const second = await open(await start(), other)
    await says('Choose what to send', second)
    await small(second)
    await second.click('#use-camera')
    await sees('the own picture', second, ({ width, covered }) => width > 0 && !covered)
    await second.click('#go')
    const foreign = await says('Somebody else publishes', second)
    await second.context().close()

    const own = await live(await open(await start()))
    const taken = await says('You publish somewhere else now', page)
    await page.click('#again')
    await sees('that it is live again', page, ({ badge }) => badge === 'Live')
    return { nobody, wrong, foreign, own, taken }
  },

  /** The server goes away and comes back while the page publishes. */
  async gone() {
    const page = await open(await start())
    await live(page)
    report({ step: 'live' })
    await new Promise((resolve) => process.stdin.once('data', resolve))
    const waiting = await sees('that it waits', page, ({ state, curtain }) => state === 'waiting' && /Trying again/.test(curtain))
    report({ step: 'waiting' })
    await new Promise((resolve) => process.stdin.once('data', resolve))
    await sees('that it is live again', page, ({ badge }) => badge === 'Live')
    process.stdin.pause()
    return { waiting }
  },

  /** Firefox's own stand-ins for devices. */
  async firefox() {
    const { page, close } = await firefox({ 'media.navigator.streams.fake': true, 'media.navigator.permission.disabled': true })
    closing.push(close)
    await open(guard(page))
    await live(page)
    const viewer = await start()
    await watch(viewer)
    const { codecs } = await viewer.evaluate(decoded)
    const { figures } = await sees('figures', page, ({ figures }) => /kbit/.test(figures))
    return { codecs, figures }
  },
}

try {
  report({ ...await subjects[subject](), violations })
} finally {
  await Promise.all(closing.map((close) => close()))
}
