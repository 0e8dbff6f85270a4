/**
 * Small live graphs: the last minute of one figure each, drawn by uPlot (MIT). Each says in words what it shows.
 *
 * Colours come from the CSS variables --plot-line, --plot-fill, --plot-grid and --plot-text where the graph stands.
 *
 * @module graphs
 */
import { numberOf, scaleOf, shortNumber } from './numbers.js'
import uPlot from './vendor/uplot.js'

/** Seconds that a graph shows. */
const span = 60
const dark = matchMedia('(prefers-color-scheme: dark)')

/**
 * @typedef {object} Look
 * @property {string} label what is measured
 * @property {string} unit
 * @property {number} [digits] after the point; 0 unless told
 * @property {number} [least] the scale reaches at least so far; 1 unless told
 * @property {boolean} [signed] there are values below zero: the scale has zero in its middle
 * @property {boolean} [bars] each value stands for itself, as counts do
 */

/** One graph, with its label and newest value above. */
export class Graph {
  /** The element to put into the page. @type {HTMLElement} */
  element
  #look
  #value
  #picture
  #plot = null
  #times = []
  #values = []
  #words = ''

  /** @param {Look} look */
  constructor(look) {
    this.#look = { digits: 0, least: 1, ...look }
    this.element = document.createElement('figure')
    this.element.className = 'graph'
    const caption = document.createElement('figcaption')
    const label = document.createElement('span')
    label.textContent = look.label
    this.#value = document.createElement('b')
    this.#value.textContent = '–'
    caption.append(label, this.#value)
    this.#picture = document.createElement('div')
    this.#picture.className = 'plot'
    this.#picture.setAttribute('role', 'img')
    this.element.append(caption, this.#picture)
    new ResizeObserver(() => this.#draw()).observe(this.#picture)
    dark.addEventListener('change', () => this.#draw())
    this.#describe()
  }

  /**
   * Adds a value; undefined leaves a gap.
   * @param {number} at milliseconds, as performance.now() counts
   * @param {number|undefined} value
   * @param {string} [words] what stands above instead of value and unit
   */
  push(at, value, words) {
    this.#times.push(at / 1000)
    this.#values.push(value ?? null)
    while (this.#times[0] < at / 1000 - span - 2) {
      this.#times.shift()
      this.#values.shift()
    }
    this.#words = words ?? (value === undefined ? '–' : this.#format(value))
    this.#value.textContent = this.#words
    this.#describe()
    this.#draw()
  }

  /** Forgets all values. */
  clear() {
    this.#times = []
    this.#values = []
    this.#words = '–'
    this.#value.textContent = this.#words
    this.#describe()
    this.#draw()
  }

  #format(value) {
    const { digits, unit } = this.#look
    return `${numberOf(value, digits)} ${unit}`.trim()
  }

  /** The text alternative. It is no live region: nobody is told each second. */
  #describe() {
    const known = this.#values.filter((value) => value !== null)
    const { label } = this.#look
    this.#picture.setAttribute('aria-label', known.length === 0
      ? `${label}: nothing measured yet`
      : `${label}, the last minute: now ${this.#words}, between ${this.#format(Math.min(...known))} and ${this.#format(Math.max(...known))}`)
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#picture
    if (width === 0 || height === 0) return // not in sight
    const style = getComputedStyle(this.#picture)
    const colours = ['line', 'fill', 'grid', 'text'].map((name) => style.getPropertyValue(`--plot-${name}`).trim()).join('|')
    if (this.#plot?.colours !== colours) {
      this.#plot?.plot.destroy()
      this.#plot = { colours, plot: new uPlot(this.#options(width, height, colours.split('|')), [[], []], this.#picture) }
    }
    const { plot } = this.#plot
    if (plot.width !== width || plot.height !== height) plot.setSize({ width, height })
    plot.setData([this.#times, this.#values], true)
  }

  #options(width, height, [line, fill, grid, text]) {
    const { bars, signed, least, digits } = this.#look
    const ends = (u) => signed ? [-u.scales.y.max, 0, u.scales.y.max] : [0, u.scales.y.max]
    const pixels = Math.round(10 * devicePixelRatio) / devicePixelRatio
    return {
      width, height,
      padding: [7, 2, 6, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: () => this.#range() },
        y: { range: (u, low, high) => scaleOf(low, high, least, signed) },
      },
      axes: [
        { show: false },
        {
          size: 30, gap: 3, font: `${pixels}px system-ui, sans-serif`, stroke: text,
          ticks: { show: false }, grid: { stroke: grid, width: 1 }, splits: ends,
          values: (u, splits) => splits.map((value) => shortNumber(value, digits)),
        },
      ],
      series: [{}, {
        stroke: line, fill: signed ? undefined : fill, width: 1.5, points: { show: false }, spanGaps: false,
        ...(bars && { paths: uPlot.paths.bars({ size: [1, 4], align: -1 }), fill: line, width: 0 }),
      }],
    }
  }

  #range() {
    const last = this.#times.at(-1) ?? 0
    return [last - span, last]
  }
}
