// Usage: node readme.mjs <url>: the size of the picture in that page's only video.
import { chromium, report, until } from './browsers.mjs'

const { page, browser } = await chromium()
try {
  await page.goto(process.argv[2])
  report(await until('a picture', () => page.evaluate(() => {
    const video = document.querySelector('video')
    return video.currentTime > 0 && { width: video.videoWidth, height: video.videoHeight }
  })))
} finally {
  await browser.close()
}
