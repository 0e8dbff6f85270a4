/**
 * Reads a QR code (ISO/IEC 18004) without looking at its error correction: made by the pages it has no errors. Only
 * versions whose codewords stand in one block are read, in byte mode.
 * @param {boolean[][]} modules rows of modules, true for dark, without the quiet zone
 * @returns {string}
 */
export function readQR(modules) {
  const size = modules.length
  const version = (size - 17) / 4
  const at = (x, y) => modules[y][x] ? 1 : 0
  // The format's first five bits, beside the upper left finder, under their mask.
  let format = 0
  for (const x of [0, 1, 2, 3, 4]) format = format * 2 + at(x, 8)
  format ^= 0b10101
  const level = 'MLHQ'[format >> 3]
  const blocks = { 1: 'LMQH', 2: 'LMQH', 3: 'LM', 4: 'L', 5: 'L' }[version] ?? ''
  if (!blocks.includes(level)) throw new Error(`version ${version}, level ${level}: not one block`)
  const masked = [
    (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3, (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
    (x, y) => x * y % 2 + x * y % 3, (x, y) => (x * y % 2 + x * y % 3) % 2, (x, y) => ((x + y) % 2 + x * y % 3) % 2,
  ][format & 7]
  const alignment = version > 1 ? size - 7 : -10
  const reserved = (x, y) => x === 6 || y === 6 || (x < 9 && y < 9) || (x < 9 && y >= size - 8) || (x >= size - 8 && y < 9) ||
    (Math.abs(x - alignment) <= 2 && Math.abs(y - alignment) <= 2)
  const bits = []
  for (let right = size - 1, upward = true; right > 0; right -= 2, upward = !upward) {
    if (right === 6) right--
    for (let step = 0; step < size; step++) {
      const y = upward ? size - 1 - step : step
      for (const x of [right, right - 1]) if (!reserved(x, y)) bits.push(at(x, y) ^ (masked(x, y) === 0 ? 1 : 0))
    }
  }
  const take = (count) => bits.splice(0, count).reduce((value, bit) => value * 2 + bit, 0)
  const mode = take(4)
  if (mode !== 4) throw new Error(`mode ${mode}: not bytes`)
  return new TextDecoder().decode(Uint8Array.from({ length: take(8) }, () => take(8)))
}

/** Reads the path of squares that the pages draw, of a drawing with a quiet zone of four modules. */
export function modulesOf(path, size) {
  const rows = Array.from({ length: size }, () => Array(size).fill(false))
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) rows[y][x] = true
  const zone = [...rows.slice(0, 4), ...rows.slice(-4)].flat().concat(rows.flatMap((row) => [...row.slice(0, 4), ...row.slice(-4)]))
  if (zone.some(Boolean)) throw new Error('something dark stands in the quiet zone')
  return rows.slice(4, -4).map((row) => row.slice(4, -4))
}
