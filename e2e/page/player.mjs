// Usage: node player.mjs <subject> <base url> [token]: what the player page shares, takes and shows, and the element on
// another origin's page, in Chromium.
import { createServer } from 'node:http'
import { chromium, report, until } from './browsers.mjs'
import { modulesOf, readQR } from './qr.mjs'

const [subject, base, token] = process.argv.slice(2)
const { browser, context, page } = await chromium()
const violations = []
page.on('console', (message) => /Content Security Policy/i.test(message.text()) && violations.push(message.text()))
page.on('pageerror', (error) => violations.push(String(error)))
const playing = () => until('a picture', () => page.evaluate(() => document.querySelector('#stage').dataset.state === 'playing'))
const curtain = () => page.evaluate(() => document.querySelector('#curtain').innerText)

/** Serves a page of another origin, with as strict a policy as whoever embeds us may have. */
const elsewhere = async (files) => {
  const policy = `default-src 'none'; script-src 'self' ${base}; connect-src ${base}`
  const server = createServer((request, response) => {
    const [type, content] = files[request.url] ?? []
    response.writeHead(type ? 200 : 404, { 'Content-Type': type ?? 'text/plain', 'Content-Security-Policy': policy })
    response.end(content ?? '')
  })
  await new Promise((resolve) => server.listen(0, 'localhost', resolve))
  return { origin: `http://localhost:${server.address().port}`, close: () => server.close() }
}

const subjects = {
  /** The dialog: links with and without the token, the code, the QR code, copying; by keyboard. */
  async share() {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: base })
    await page.goto(`${base}/watch/test#token=${token}`)
    await playing()
    const address = page.url()
    const read = () => page.evaluate(() => ({
      open: document.querySelector('#share-dialog').open,
      link: document.querySelector('#share-link').value, obs: document.querySelector('#share-obs').value,
      embed: document.querySelector('#share-embed').value,
      frame: /^<iframe src="([^"]*)" [^<>]*><\/iframe>$/.exec(document.querySelector('#share-embed').value)?.[1],
      path: document.querySelector('#qr path').getAttribute('d'), size: document.querySelector('#qr svg').viewBox.baseVal.width,
    }))
    await page.keyboard.press('s')
    const { path, size, ...plain } = await read()
    const qr = readQR(modulesOf(path, size))
    await page.click('[data-copy=share-link]')
    const copied = await until('a copy', () => page.evaluate(() => navigator.clipboard.readText()))
    await page.check('#with-token')
    const { path: _path, size: _size, ...secret } = await read()
    await page.keyboard.press('Escape')
    const closed = await page.evaluate((token) => ({
      open: document.querySelector('#share-dialog').open,
      left: document.documentElement.outerHTML.includes(token) || [...document.querySelectorAll('input, textarea')].some(({ value }) => value.includes(token)),
    }), token)
    return { address, plain, qr, copied, secret, closed }
  },

  /** Where playing needs a token: the refusal in words, a wrong token, the right one. */
  async token() {
    await page.goto(`${base}/watch/test`)
    const missing = await until('words', async () => {
      const words = await curtain()
      return words.includes('token') && words
    })
    const field = page.locator('#token')
    await field.fill('wrong')
    await field.press('Enter')
    const wrong = await until('other words', async () => {
      const words = await curtain()
      return words.includes('does not know this token') && words
    })
    await field.fill(token)
    await field.press('Enter')
    await playing()
    await page.reload()
    await playing()
    return { missing, wrong, address: page.url() }
  },

  /** The button for picture in picture tells what the browser says. */
  async pip() {
    await page.goto(`${base}/watch/test`)
    await playing()
    const state = () => page.evaluate(() => {
      const button = document.querySelector('#pip')
      return { hidden: button.hidden, disabled: button.disabled, pressed: button.getAttribute('aria-pressed') }
    })
    const before = await state()
    await page.keyboard.press('p')
    const entered = await until('picture in picture', () => page.evaluate(() => document.pictureInPictureElement !== null)).catch(() => false)
    const during = await state()
    await page.keyboard.press('p')
    await until('its end', () => page.evaluate(() => document.pictureInPictureElement === null))
    await until('the state', async () => (await state()).pressed === 'false')
    return { entered, before, during }
  },

  /** The key f makes the picture fill the screen, and gives it back. */
  async fullscreen() {
    await page.goto(`${base}/watch/test`)
    await playing()
    const filled = () => page.evaluate(() => document.fullscreenElement?.id ?? '')
    const states = [await filled()]
    for (const want of ['stage', '']) {
      await page.keyboard.press('f')
      await until(`full screen: “${want}”`, async () => await filled() === want)
      states.push(want)
    }
    await page.click('#share')
    await page.keyboard.press('f')
    states.push(await filled())
    return { states }
  },

  /** The element on another origin's page, under a strict policy. */
  async element() {
    const other = await elsewhere({
      '/': ['text/html', `<!doctype html><title>Other</title><script type="module" src="${base}/static/weir-player.js"></script>` +
        '<weir-player stream="test" autoplay muted></weir-player>'],
    })
    try {
      await page.goto(`${other.origin}/`)
      const player = page.locator('weir-player')
      const facts = () => player.evaluate((element) => ({
        state: element.state, width: element.video.videoWidth, muted: element.video.muted, controls: element.video.controls,
        curtain: !element.shadowRoot.querySelector('[part=curtain]').hidden,
        headline: element.shadowRoot.querySelector('[part=headline]').textContent,
        font: getComputedStyle(element.shadowRoot.querySelector('[part=headline]')).fontWeight,
      }))
      const played = await until('a picture', async () => {
        const now = await facts()
        return now.state === 'playing' && now.width > 0 && !now.curtain && now
      })
      await player.evaluate((element) => { element.events = []; element.addEventListener('statechange', ({ detail }) => element.events.push(detail.state)) })
      await player.evaluate((element) => { element.stream = 'nobody'; element.controls = true })
      const missing = await until('words', async () => {
        const now = await facts()
        return now.headline.includes('Nobody publishes') && now
      })
      await player.evaluate((element) => { element.src = new URL(element.player ? '/whep/test' : '', document.querySelector('script').src).href })
      const again = await until('a picture', async () => {
        const now = await facts()
        return now.state === 'playing' && !now.curtain && now
      })
      const moved = await player.evaluate(async (element) => {
        const before = element.player
        document.body.prepend(element)
        await new Promise((resolve) => setTimeout(resolve))
        return element.player === before
      })
      const events = await player.evaluate((element) => element.events)
      const stopped = await player.evaluate(async (element) => {
        const { player } = element
        element.remove()
        await new Promise((resolve) => setTimeout(resolve))
        return { player: player.state, element: element.state }
      })
      return { played, missing, again, moved, events, stopped }
    } finally {
      other.close()
    }
  },

  /** whep.js on another origin's page, under a strict policy. */
  async module() {
    const other = await elsewhere({
      '/': ['text/html', '<!doctype html><title>Other</title><video id="video" autoplay muted playsinline></video>' +
        '<p id="words"></p><script type="module" src="/own.js"></script>'],
      '/own.js': ['text/javascript', `
        import { WHEPPlayer } from '${base}/static/whep.js'
        const [video, words] = ['video', 'words'].map((id) => document.getElementById(id))
        const player = new WHEPPlayer('${base}/whep/test')
        player.addEventListener('track', () => { video.srcObject = player.stream })
        player.addEventListener('statechange', () => { words.textContent = player.reason?.detail ?? player.state })
        player.start()`],
    })
    try {
      await page.goto(`${other.origin}/`)
      // The picture's size is known a little before the player says that it plays.
      const words = await until('a picture, and its state', () => page.evaluate(() => {
        const { textContent } = document.querySelector('#words')
        return video.videoWidth > 0 && textContent !== 'connecting' && textContent
      }))
      return { words }
    } finally {
      other.close()
    }
  },
}

try {
  report({ ...await subjects[subject](), violations })
} finally {
  await browser.close()
}
