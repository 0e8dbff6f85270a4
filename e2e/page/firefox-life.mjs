// Usage: node firefox-life.mjs <base url>: Firefox restarts ICE in mid-play, then the server is replaced by a new one.
// Prints {"step": "restarted"} and goes on when a line comes in.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { firefox, report, until } from './browsers.mjs'

const [base] = process.argv.slice(2)
const input = createInterface({ input: process.stdin })
const { page, close } = await firefox()
/** Runs in the page, with its player and the number of frames decoded by the current session. */
const inPage = (body) => page.evaluate(new Function(`return (async () => {
  const { player } = await import('/static/watch.js')
  const frames = async () => {
    let sum = 0
    for (const stats of (await player.peerConnection?.getStats() ?? new Map()).values()) sum += stats.framesDecoded ?? 0
    return sum
  }
  ${body}
})()`))
const moreFrames = async () => {
  const before = await inPage('return frames()')
  await until('more frames', async () => await inPage('return frames()') > before + 30)
}
try {
  await page.goto(`${base}/watch/test`)
  await until('a picture', async () => await inPage(`return player.state === 'playing' && await frames() > 10`))
  const same = await inPage(`
    const connection = player.peerConnection
    const restarted = new Promise((resolve) => player.addEventListener('restarted', resolve, { once: true }))
    await player.restartICE()
    await restarted
    return connection === player.peerConnection
  `)
  await moreFrames()
  await inPage(`
    window.states = []
    player.addEventListener('statechange', () => window.states.push([player.state, player.reason?.code ?? '', Date.now()]))
  `)
  report({ step: 'restarted' })
  const asked = Date.now()
  await once(input, 'line')
  await until('a new session', () => inPage(`return window.states.some(([state]) => state === 'playing')`))
  await until('a picture', async () => await inPage('return frames()') > 30)
  const states = await inPage('return window.states')
  report({ same, noticed: states[0][2] - asked, states: states.map(([state, code]) => `${state} ${code}`.trim()) })
} finally {
  input.close()
  await close()
}
