/** Starts the browsers as the tests want them: headless, offline but for the server, media without a click. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watchSecrets } from './seen.mjs'

/**
 * How long something may take that is waited for, in milliseconds: on a machine that is slow or stands still for seconds the tests
 * take longer, and prove the same.
 */
export const patience = 90_000

/** A camera, a microphone and a screen that are none, for which Chromium does not ask. */
export const fakeDevices = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']

/**
 * Without what Playwright leaves out (a later switch replaces its own), and without the address bar's popups, which are pages:
 * Chromium makes two for each window, which costs more than most pages here.
 */
const without = [
  'WebUIOmniboxPopup', 'WebUIOmniboxAimPopup',
  'AimEnabled', 'AvoidCorsURLLoaderRestartOnRedirect', 'AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable', 'HttpsUpgrades', 'LensOverlay', 'MediaRouter', 'NetworkTimeServiceQuerying', 'OptimizationHints',
  'PaintHolding', 'PreconnectToSearch', 'TcpPortRandomizationWin', 'ThirdPartyStoragePartitioning',
]

/**
 * Debian's Chromium as Playwright is to launch it. Playwright's own switches are left out where they hide what users have: the
 * back-forward cache.
 * @param {string[]} switches besides
 */
export const launch = (switches) => ({
  executablePath: process.env.E2E_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  timeout: patience,
  ignoreDefaultArgs: ['--disable-back-forward-cache'],
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', `--disable-features=${without}`, '--autoplay-policy=no-user-gesture-required',
    '--host-resolver-rules=MAP weir.test 127.0.0.1', // a name with which a page is no secure context
    ...switches,
  ],
})

/**
 * Opens a Chromium: for who wants no other switches a new context of the one that shared.mjs has started at E2E_BROWSER, where
 * closing it ends that context alone; else a new one.
 * @param {object} [contextOptions] Playwright's: viewport, colorScheme…
 * @param {string[]} [switches]
 */
export async function chromium(contextOptions = {}, switches = fakeDevices) {
  const { chromium: driver } = await import('playwright-core')
  const shared = switches === fakeDevices && process.env.E2E_BROWSER
  const browser = await (shared ? driver.connect(shared) : driver.launch(launch(switches)))
  const context = await browser.newContext(contextOptions)
  context.setDefaultTimeout(patience)
  watchSecrets(context)
  return { browser, context, page: await context.newPage() }
}

/**
 * Starts Debian's Firefox ESR in a new profile; `close` removes it.
 * @param {object} [more] preferences besides
 */
export async function firefox(more = {}) {
  const { default: puppeteer } = await import('puppeteer-core')
  const profile = await mkdtemp(join(tmpdir(), 'weir-firefox-'))
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.E2E_FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    timeout: patience,
    userDataDir: profile,
    extraPrefsFirefox: {
      'media.peerconnection.ice.loopback': true,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.autoplay.default': 0,
      'media.gmp-manager.updateEnabled': false,
      ...more,
    },
  })
  const close = async () => {
    await browser.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  const page = await browser.newPage()
  page.setDefaultTimeout(patience)
  watchSecrets(page)
  return { browser, close, page }
}

/** Ends the script with one line of JSON for the test to judge. */
export function report(result) {
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

/** Waits until probe returns something true, and returns that; says what was missing when it never does. */
export async function until(missing, probe) {
  const deadline = Date.now() + patience
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`still missing after ${patience} ms: ${missing}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
