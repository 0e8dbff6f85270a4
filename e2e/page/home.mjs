// Usage: node home.mjs <chromium|firefox> <subject> <printed address> [relay]: the pages / and /streams as a new user tries
// them, by keyboard alone. Subjects that need the server to change print {"step": …} and go on when a line comes in.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, firefox, report, until } from './browsers.mjs'
import { byKeys } from './keys.mjs'
import { readings } from './readings.mjs'

const [name, subject, address, relay] = process.argv.slice(2)
const { page, browser, context, close } = await (name === 'firefox' ? firefox() : chromium({ viewport: { width: 1280, height: 900 } }))
if (name === 'firefox') await page.setViewport({ width: 1280, height: 900 })
const base = new URL(address).origin
const input = createInterface({ input: process.stdin })
const step = async (what) => {
  report({ step: what })
  await once(input, 'line')
}
const violations = []
const guard = (page) => {
  page.on('console', (message) => /Content.Security.Policy/i.test(message.text()) && violations.push(message.text()))
  page.on('pageerror', (error) => violations.push(String(error)))
  return page
}
guard(page)

/* What is to be seen */

const seen = (page) => page.evaluate(() => {
  const text = (id) => document.getElementById(id)?.innerText.trim() ?? ''
  const shown = (id) => document.getElementById(id)?.getClientRects().length > 0
  return {
    administers: shown('administer'), state: text('source-word'), stage: document.getElementById('stage')?.dataset.state,
    curtain: text('curtain'), badge: text('badge'), start: text('start'), connect: text('connect'), events: text('events-state'),
    refusal: text('refusal'), stream: document.getElementById('stream')?.value,
    log: [...document.querySelectorAll('#log li span')].map((one) => one.textContent).reverse(),
  }
})
const sees = (what, holds, on = page) => {
  let last
  return until(what, async () => {
    // Between two pages there is nothing to look at.
    last = await seen(on).catch(() => null)
    return last && holds(last) && last
  }).catch((error) => { throw new Error(`${error.message}; seen was ${JSON.stringify(last)}`) })
}
const ready = (on = page) => sees('the form', ({ administers, state }) => administers && state !== '', on)
/** A picture that moves, in the page. */
const picture = async (on = page) => {
  await sees('a picture', ({ stage }) => stage === 'playing', on)
  await on.evaluate(async () => {
    const video = document.querySelector('video')
    for (let pictures = 0; pictures < 10; pictures++) await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
  })
}

/* What is done: by keyboard */

const { tabTo, press, write } = byKeys(page)
const start = async (stream, on = page) => {
  await write('#stream', stream, on)
  await sees('a stream that does not run', ({ state }) => state === 'Not running', on)
  await tabTo('#source', on)
  await on.keyboard.type('Test')
  const chosen = await on.evaluate(() => document.querySelector('#source').value)
  if (chosen !== 'pattern') throw new Error(`the keyboard chose ${chosen}`)
  await press('#start', on)
  await sees('a source that runs', ({ state }) => state === 'Live', on)
}
const connect = async (on = page) => {
  await press('#connect', on)
  await picture(on)
}
const open = async (path = address.slice(base.length), on = page) => {
  await on.goto(base + path)
  await ready(on)
}
const another = async () => guard(await (context ?? browser).newPage())

/** In another tab: what is live, who watches, and the end of both. */
const endOfBoth = async (tab) => {
  await tab.bringToFront()
  await tab.goto(address.replace('/#', '/streams#'))
  const row = (text) => until(`a row that says ${text}`, () => tab.evaluate((text) => {
    const row = [...document.querySelectorAll('#list > li')].find((one) => one.querySelector('h2').innerText.startsWith('shared'))
    return row?.innerText.includes(text) && row.innerText
  }, text))
  const said = await row('pattern')
  await tab.evaluate(() => {
    for (const row of document.querySelectorAll('#list > li')) if (row.querySelector('h2').innerText.startsWith('shared')) row.id = 'mine'
  })
  await press('#mine [data-do=viewers]', tab)
  const viewer = await until('the viewer', () => tab.evaluate(() => document.querySelector('#mine tbody tr')?.innerText))
  await press('#mine tbody button', tab)
  // The player is told, and comes back by itself.
  await page.bringToFront()
  await sees('the end of the session in the log', ({ log }) => log.some((line) => line.includes('somebody who administers the server ended it')))
  await picture()
  await tab.bringToFront()
  await press('#mine [data-do=stop]', tab)
  const asked = await until('a question', () => tab.evaluate(() => document.querySelector('#confirm[open]')?.innerText))
  await press('#confirm-yes', tab)
  // The player stays, and goes on when the stream does: the row stays with it.
  await row('nothing feeds it')
  await page.bringToFront()
  await sees('that it stopped', ({ state, curtain }) => state === 'Not running' && curtain.includes('Nothing feeds “shared” now'))
  await press('#connect')
  await tab.bringToFront()
  await until('no row', () => tab.evaluate(() => document.querySelector('#mine') === null))
  await tab.close()
  return { said, viewer, asked }
}

const subjects = {
  /** All of it: the printed address, start, connect, figures, disconnect, stop. */
  async whole() {
    await open()
    const token = await page.evaluate(() => ({ hash: location.hash, kept: sessionStorage.getItem('weir.token') !== null }))
    const kinds = await page.evaluate(() => [...document.querySelectorAll('#source option')].map(({ text, disabled }) => ({ text, disabled })))
    const folded = await page.evaluate(() => document.querySelector('#unavailable').hidden || !document.querySelector('#unavailable').open)
    if (!folded) throw new Error('what is not on this machine stands open')
    if (!await page.evaluate(() => document.querySelector('#unavailable').hidden)) await press('#unavailable summary')
    const missing = await page.evaluate(() => document.querySelector('#unavailable').innerText)
    await start('demo')
    await connect()
    await page.keyboard.press('i') // the focus is on Connect: no field takes it
    await sees('the figures', () => true)
    const over = await page.evaluate(() => document.querySelector('#overlay').getBoundingClientRect().top <
      document.querySelector('#stage').getBoundingClientRect().bottom)
    if (over) throw new Error('the figures cover a picture that is not wide')
    let figures
    for (let n = 0; n < 3; n++) { // a machine that was too busy once proves nothing about the overlay
      figures = await page.evaluate(readings)
      if (figures.own === null || Math.abs(Number.parseInt(figures.overlay, 10) - figures.own) <= 30) break
    }
    await press('#connect')
    const left = await sees('nothing played', ({ curtain }) => curtain.includes('Not connected'))
    await press('#stop')
    await sees('a source that stopped', ({ state }) => state === 'Not running')
    const { log } = await sees('the end in the log', ({ log }) => log.some((line) => line.startsWith('Source pattern of “demo” stopped')) &&
      log.some((line) => line.includes('“demo” is no longer live')))
    return { token, kinds, missing, figures, left: left.connect, log }
  },

  /** What is entered wrong is said beside the field, and by the server. */
  async refusals() {
    await open()
    await write('#stream', 'not a name')
    const wrongName = await until('words beside the name', () => page.evaluate(() => document.querySelector('#stream-error').innerText))
    const able = await page.evaluate(() => ['start', 'stop', 'connect'].filter((id) => document.getElementById(id).getAttribute('aria-disabled') !== 'true'))
    if (able.length > 0) throw new Error(`with a name that is none one can press ${able}`)
    const asked = []
    page.on('request', (request) => asked.push(`${request.method()} ${request.url()}`))
    for (const button of ['#stop', '#connect']) await press(button)
    const focusedName = await page.evaluate(() => document.activeElement.id)
    if (focusedName !== 'stream' || asked.some((one) => /DELETE|whep/.test(one))) throw new Error(`the focus is on ${focusedName}, asked was ${asked}`)
    await write('#stream', 'demo')
    await sees('a stream that does not run', ({ state }) => state === 'Not running')
    await write('#param-width', '641')
    await page.keyboard.press('Enter')
    const wrongWidth = await until('words beside the width', () => page.evaluate(() => document.querySelector('#param-width-error').innerText))
    const focused = await page.evaluate(() => document.activeElement.id)
    await write('#param-width', '4096')
    await write('#param-height', '4096')
    await page.keyboard.press('Enter')
    const byServer = await until('the server’s words beside the height', () => page.evaluate(() => document.querySelector('#param-height-error').innerText))
    const { refusal } = await seen(page)
    await write('#param-width', '320')
    await write('#param-height', '180')
    await page.keyboard.press('Enter')
    await sees('a source that runs', ({ state }) => state === 'Live')
    await connect()
    await write('#param-rate', '15')
    await press('#start')
    const changed = await sees('the change in the log', ({ log, start }) => start === 'Apply changes' && log.some((line) => line.includes('Changed “demo”: rate 15')))
    // Without an encoder for VP8, Firefox is played the recorded clip, which knows no parameters.
    const { encoders } = await (await fetch(`${base}/api/v1/version`)).json()
    if (name !== 'firefox' || encoders.some((one) => one.startsWith('VP8 '))) await until('15 pictures a second', () => page.evaluate(() => /\b1[3-6] fps/.exec(document.querySelector('#summary').textContent)?.[0]))
    await press('#stop')
    return { wrongName, wrongWidth, focused, byServer, refusal, stage: changed.stage }
  },

  /**
   * Loaded again while it plays; left, and come back to; a second tab with the same stream, and then with the list of what is live,
   * who watches, and the end of both; the server replaced by a new one under the page: it plays again by itself each time.
   */
  async life() {
    await open()
    await start('shared')
    await connect()
    await page.reload()
    await ready()
    await picture()
    const { stream, connect: word, log: loaded } = await sees('the source', ({ state }) => state === 'Live')

    let listed, kept = false
    for (let n = 0; n < 3 && !kept; n++) { // the browser gives a page up that takes long to go
      await page.evaluate(() => { window.kept = true })
      await page.goto(`${base}/streams`)
      listed = await until('the list', () => page.evaluate(() => document.querySelector('#list:not([hidden])')?.innerText))
      await page.evaluate(() => history.back())
      await picture()
      kept = await page.evaluate(() => window.kept === true)
    }
    await sees('the source', ({ state }) => state === 'Live')
    // What happens is told again.
    const before = (await seen(page)).log.length
    await press('#connect')
    await sees('events', ({ log }) => log.slice(before).some((line) => line.startsWith('A viewer of “shared” is gone')))
    await connect()

    const second = await another()
    await open(undefined, second)
    await write('#stream', 'shared', second)
    await sees('the same source', ({ state }) => state === 'Live', second)
    await connect(second)
    await press('#stop', second)
    await sees('a source that stopped', ({ state }) => state === 'Not running', second)
    await page.bringToFront()
    await sees('that it stopped', ({ state, curtain }) => state === 'Not running' && curtain.includes('Nothing feeds “shared” now'))
    await second.bringToFront()
    await press('#start', second)
    await sees('a source that runs', ({ state }) => state === 'Live', second)
    await picture(second)
    await page.bringToFront()
    await picture()

    const ended = await endOfBoth(second)

    await write('#stream', 'test')
    await sees('the stream that runs from the start', ({ state }) => state === 'Live')
    await connect()
    await step('playing')
    await picture()
    const { log, events } = await sees('the server', ({ state, log }) => state === 'Live' && log.includes('The server is there again.'))
    await press('#connect')
    const { log: whole } = await sees('events of the new server', ({ log: now }) => now.slice(log.length).some((line) => line.startsWith('A viewer of “test” is gone')))
    return { stream, word, loaded, listed, kept, ...ended, log: whole, events }
  },

  /** Without a token: words, public streams all the same; a wrong token; a right one. */
  async stranger() {
    await page.goto(`${base}/`)
    await sees('the way to a token', () => true)
    const words = await until('the way to a token', () => page.evaluate(() => document.querySelector('#access:not([hidden])')?.innerText))
    await until('what is live', () => page.evaluate(() => document.querySelector('#live-names button') !== null))
    await page.evaluate(() => [...document.querySelectorAll('#live-names button')].find((one) => one.textContent === 'test').id = 'live-test')
    await press('#live-test')
    await connect()
    await press('#connect')
    await write('#token', 'weir_wrong')
    await page.keyboard.press('Enter')
    const wrong = await until('words on the token', () => page.evaluate(() => document.querySelector('#token-error').innerText))
    await write('#token', address) // the whole of what was printed
    await page.keyboard.press('Enter')
    await ready()
    const { log } = await seen(page)
    return { words, wrong, log }
  },

  /** Media go by a relay, whose delay changes between two sessions: what is read in both. */
  async delayed() {
    const [host, port] = relay.split(':')
    const answer = async (route) => {
      const response = await route.fetch()
      const lines = (await response.text()).split('\r\n')
      const first = lines.findIndex((line) => line.startsWith('a=candidate:'))
      const body = lines.filter((line, index) => index === first || !line.startsWith('a=candidate:'))
        .map((line) => line.replace(/^(a=candidate:\S+ \d+ udp \d+) .*$/i, `$1 ${host} ${port} typ host`)).join('\r\n')
      await route.fulfill({ response, body })
    }
    // The server must not find the page otherwise.
    const trickle = (route) => route.request().method() === 'PATCH' ? route.fulfill({ status: 204 }) : route.continue()
    const measure = async () => {
      await page.route('**/whep/test', answer)
      await page.route('**/session/*', trickle)
      await connect()
      await page.unrouteAll({ behavior: 'wait' }) // each request takes a detour meanwhile, those for the time as well
      if (await page.evaluate(() => document.querySelector('#overlay').hidden)) await page.keyboard.press('i')
      await new Promise((resolve) => setTimeout(resolve, 6_000)) // the player's buffer settles
      const { own, overlay } = await page.evaluate(readings)
      await press('#connect')
      const [value, uncertainty] = overlay.match(/\d+/g).map(Number)
      report({ own, overlay: value, uncertainty })
    }
    await open()
    await write('#stream', 'test')
    await sees('the stream that runs from the start', ({ state }) => state === 'Live')
    await measure()
    await once(input, 'line')
    await measure()
    return {}
  },
}

try {
  report({ ...await subjects[subject](), violations })
} finally {
  input.close()
  await (close ?? (() => browser.close()))()
}
