// Usage: node firefox.mjs <base url> <seconds>: Firefox plays /watch/test and gets VP8.
import { firefox, report, until } from './browsers.mjs'
import { readers } from './code.mjs'

const [base, seconds] = process.argv.slice(2)
const { page, close } = await firefox()
try {
  await page.goto(`${base}/watch/test`)
  const openToPicture = await until('the first picture', () =>
    page.evaluate(() => performance.getEntriesByName('picture')[0]?.startTime))
  const play = new Function('seconds', `return (async () => {
    ${readers}
    const { player } = await import('/static/watch.js')
    const video = document.querySelector('video')
    const begin = performance.now(), decodedBefore = await sum(player.peerConnection, 'framesDecoded')
    const numbers = []
    // A late callback sees the picture that the element shows by now; that picture's own callback sees it again.
    let unreadable = 0, live = 0, again = 0
    while (performance.now() - begin < seconds * 1000) {
      await new Promise((resolve) => video.requestVideoFrameCallback(resolve))
      const code = codeOf(video)
      if (!code) { unreadable++; continue }
      if (code.frame === numbers.at(-1)) { again++; continue }
      if (code.live) live++
      numbers.push(code.frame)
    }
    const took = (performance.now() - begin) / 1000
    const note = document.querySelector('#note')
    return {
      numbers, unreadable, live, again, fps: (await sum(player.peerConnection, 'framesDecoded') - decodedBefore) / took,
      packetsLost: await sum(player.peerConnection, 'packetsLost'), codecs: await codecs(player.peerConnection),
      note: note.hidden ? '' : note.textContent, state: player.state,
    }
  })()`)
  report({ openToPicture, ...await page.evaluate(play, Number(seconds)) })
} finally {
  await close()
}
