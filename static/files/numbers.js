/**
 * Numbers as they are written in graphs and figures.
 *
 * @module numbers
 */

/**
 * The ends of a scale that holds the values and looks calm.
 * @param {number|null} low
 * @param {number|null} high
 * @param {number} least
 * @param {boolean} [signed]
 * @returns {[number, number]}
 */
export function scaleOf(low, high, least, signed = false) {
  const most = Math.max(signed ? Math.abs(low ?? 0) : 0, Math.abs(high ?? 0), least)
  const power = 10 ** Math.floor(Math.log10(most))
  const top = most === least ? least : [1.5, 2, 3, 4, 5, 6, 8, 10, 15].map((step) => step * power).find((end) => end >= most * 1.05)
  return [signed ? -top : 0, top]
}

/** Writes the end of a scale. @param {number} value @param {number} digits after the point, where it has any */
export function shortNumber(value, digits) {
  if (Math.abs(value) >= 10_000) return `${numberOf(value / 1000)}k`
  return numberOf(value, Number.isInteger(value) ? 0 : Math.max(1, digits))
}

/**
 * Writes a number with a real minus sign and narrow spaces between thousands.
 * @param {number} value
 * @param {number} [digits] after the point
 * @returns {string}
 */
export function numberOf(value, digits = 0) {
  const text = Math.abs(value).toFixed(digits)
  const [whole, part] = text.split('.')
  const sign = value < 0 && Number(text) !== 0 ? '−' : ''
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, '\u202f') : whole
  return sign + grouped + (part ? `.${part}` : '')
}

/** Writes a number of bytes. @param {number} bytes @returns {string} */
export function bytesOf(bytes) {
  for (const [unit, size] of [['GB', 1e9], ['MB', 1e6], ['kB', 1e3]]) {
    if (bytes >= size) return `${numberOf(bytes / size, bytes < 9.95 * size ? 1 : 0)}\u00a0${unit}`
  }
  return `${bytes}\u00a0${bytes === 1 ? 'byte' : 'bytes'}`
}

/** Writes a place in a film as minutes and seconds. @param {number} milliseconds @returns {string} */
export function clockTimeOf(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  const two = (number) => String(number).padStart(2, '0')
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
