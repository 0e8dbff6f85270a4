/** What the overlay of / says, beside what a script reads for itself. */
import { readers } from './code.mjs'

/** What the overlay says, and what this script reads itself meanwhile. */
export const readings = new Function(`return (async () => {
  ${readers}
  const video = document.querySelector('video')
  const own = [], overlay = []
  const graph = (label) => [...document.querySelectorAll('#overlay .graph')]
    .find((one) => one.querySelector('figcaption span').textContent === label)
  const values = () => Object.fromEntries([...document.querySelectorAll('#overlay .graph')].map((one) =>
    [one.querySelector('figcaption span').textContent, one.querySelector('figcaption b').textContent]))
  const deadline = performance.now() + 12000
  while (performance.now() < deadline && overlay.length < 5) {
    const { expectedDisplayTime } = await new Promise((resolve) => video.requestVideoFrameCallback((now, metadata) => resolve(metadata)))
    const code = codeOf(video)
    if (code?.live) own.push((performance.timeOrigin + expectedDisplayTime) % 2 ** 32 - code.millis)
    const said = graph('Latency')?.querySelector('b').textContent ?? ''
    if (/^\\d+ ±/.test(said) && said !== overlay.at(-1)) overlay.push(said)
  }
  // The last second and a half is what the overlay shows.
  const median = (all) => all.toSorted((a, b) => a - b)[all.length >> 1]
  return {
    own: own.length ? median(own.slice(-45)) : null, overlay: overlay.at(-1) ?? '', values: values(),
    note: document.querySelector('#overlay [data-part=note]').innerText, facts: document.querySelector('#overlay [data-part=facts]').innerText,
    labels: [...document.querySelectorAll('#overlay .plot')].map((plot) => plot.getAttribute('aria-label')),
    drawn: document.querySelectorAll('#overlay canvas').length,
  }
})()`)
