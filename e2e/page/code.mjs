/**
 * Reads the blocks of the test pattern (package publisher/pattern says how they are laid out). The function stands for
 * itself: browsers get its text.
 * @param {(x: number, y: number) => number} brightness of a pixel, 0 to 255
 * @param {number} width of the whole picture
 * @param {number} height
 * @returns {{frame: number, millis: number, live: boolean}|null} null where the blocks cannot be read
 */
export function readCode(brightness, width, height) {
  const mean = (column, row) => {
    const left = Math.floor(column * width / 40), right = Math.floor((column + 1) * width / 40)
    const top = height - Math.floor((2 - row) * height / 24), bottom = height - Math.floor((1 - row) * height / 24)
    const inset = (from, to) => [from + Math.floor((to - from) / 4), Math.max(to - Math.floor((to - from) / 4), from + 1)]
    const [x0, x1] = inset(left, right), [y0, y1] = inset(top, bottom)
    let sum = 0, count = 0
    for (let y = y0; y < y1; y += 2) for (let x = x0; x < x1; x += 2) { sum += brightness(x, y); count++ }
    return sum / count
  }
  const values = []
  let lives = []
  for (const row of [0, 1]) {
    const white = mean(0, row), black = mean(1, row)
    if (white - black < 40) return null
    const bit = (column) => mean(column, row) > (white + black) / 2 ? 1 : 0
    const number = (from, to) => {
      let value = 0
      for (let column = from; column <= to; column++) value = value * 2 + bit(column)
      return value
    }
    const value = number(2, 33), live = bit(34), check = number(35, 38)
    let expected = row === 0 ? 0x5 : 0xA
    for (let shift = 0; shift < 32; shift += 4) expected ^= (value >>> shift) & 0xF
    if (!live) expected ^= 0xF
    if (check !== expected || !bit(39)) return null
    values.push(value)
    lives.push(live)
  }
  return lives[0] === lives[1] ? { frame: values[0], millis: values[1], live: lives[0] === 1 } : null
}

/** What a page needs to read codes: `readCode` and `codeOf(video)`, which looks at a video by way of a canvas. */
export const readers = `
  const readCode = ${readCode}
  const canvas = document.createElement('canvas')
  const context = canvas.getContext('2d', { willReadFrequently: true })
  const codeOf = (video) => {
    const { videoWidth: width, videoHeight: height } = video
    const strip = 2 * Math.ceil(height / 24)
    if (canvas.width !== width || canvas.height !== strip) Object.assign(canvas, { width, height: strip })
    context.drawImage(video, 0, height - strip, width, strip, 0, 0, width, strip)
    const { data } = context.getImageData(0, 0, width, strip)
    return readCode((x, y) => data[((y - height + strip) * width + x) * 4 + 1], width, height)
  }
  const sum = async (connection, key) => {
    let total = 0
    for (const stats of (await connection.getStats()).values()) if (stats.type === 'inbound-rtp') total += stats[key] ?? 0
    return total
  }
  const codecs = async (connection) => {
    const report = await connection.getStats()
    return [...report.values()].filter(({ type }) => type === 'inbound-rtp').map(({ codecId }) => report.get(codecId)?.mimeType)
  }
`
