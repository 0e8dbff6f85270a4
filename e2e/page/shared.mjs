// Usage: node shared.mjs: starts a Chromium that scripts share (see browsers.mjs), prints its address, and ends it when its input ends.
import { chromium } from 'playwright-core'
import { fakeDevices, launch } from './browsers.mjs'

const server = await chromium.launchServer(launch(fakeDevices))
server.on('close', () => process.exit())
process.stdin.on('end', () => server.close()).resume()
process.stdout.write(`${server.wsEndpoint()}\n`)
