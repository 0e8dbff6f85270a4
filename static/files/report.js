/**
 * Says what was found in a media file.
 *
 * @module report
 */
import { bytesOf, clockTimeOf, numberOf } from './numbers.js'

const codecNames = { opus: 'Opus', vorbis: 'Vorbis', H264: 'H.264', H265: 'H.265' }
const channelNames = { 1: 'mono', 2: 'stereo' }

/** One line for a list: what it is. @param {object} file as the API describes it @returns {string} */
export function lineOf({ path, report, problem }) {
  if (!report) return `${path} (${problem ? 'not a video' : 'nothing is known of it'})`
  const video = report.tracks?.find(({ kind }) => kind === 'video')
  const facts = [
    report.duration_ms > 0 && clockTimeOf(report.duration_ms), video?.height && `${video.width} × ${video.height}`,
    report.playable === false && 'cannot be played as it is',
  ].filter(Boolean)
  return [path, ...facts].join(', ')
}

/** What stands beside a file. @param {object} file @returns {[string, string][]} names and values */
export function factsOf({ size, report }) {
  if (!report) return [['Size', bytesOf(size ?? 0)]]
  const facts = []
  if (report.duration_ms > 0) facts.push(['Length', clockTimeOf(report.duration_ms)])
  facts.push(['Size', bytesOf(size ?? report.size)], ['Container', String(report.container ?? '–')])
  for (const track of report.tracks ?? []) facts.push([track.kind === 'video' ? 'Picture' : track.kind === 'audio' ? 'Sound' : 'Track', trackOf(track)])
  if (report.key_frame_interval_ms > 0) facts.push(['Key frames', `every ${numberOf(report.key_frame_interval_ms / 1000, 1)} s`])
  if (report.b_frames) facts.push(['B-frames', 'yes'])
  return facts
}

function trackOf({ codec, profile, language, width, height, frame_rate: frames, channels, rate, bit_rate: bits, playable }) {
  return [
    [codecNames[codec] ?? codec, profile && !profile.includes('=') && `(${profile})`].filter(Boolean).join(' '),
    width && `${width} × ${height}`, frames && `${numberOf(frames, Number.isInteger(frames) ? 0 : 2)} fps`,
    channels && (channelNames[channels] ?? `${channels} channels`), rate && `${numberOf(rate / 1000, rate % 1000 ? 1 : 0)} kHz`,
    bits && `${numberOf(bits / 1000)} kbit/s`, language && language !== 'und' && language, playable === false && 'browsers do not take it',
  ].filter(Boolean).join(', ')
}

/** What is the matter with a file, the worst first. @param {object} file @returns {{level: 'bad'|'warning', text: string}[]} */
export function troublesOf({ report, problem }) {
  if (!report) return problem ? [{ level: 'bad', text: problem }] : []
  return [
    ...(report.problem ? [{ level: report.playable ? 'warning' : 'bad', text: report.problem }] : []),
    ...(report.warnings ?? []).map((text) => ({ level: 'warning', text })),
  ]
}

/** Cuts the line to be typed out of a text. @param {string} text @returns {{words: string, line: string}} line '' for none */
export function remedyIn(text) {
  const at = text.search(/\bffmpeg -/)
  return at < 0 ? { words: text, line: '' } : { words: text.slice(0, at).trim(), line: text.slice(at).trim() }
}

/** Shows the report in a page. @param {HTMLElement} host @param {object|null} file null: nothing */
export function showReport(host, file) {
  host.hidden = !file
  if (!file) return
  const list = make('dl', { className: 'facts' })
  for (const [name, value] of factsOf(file)) {
    const group = make('div', {})
    group.append(make('dt', { textContent: name }), make('dd', { textContent: value }))
    list.append(group)
  }
  host.replaceChildren(list, ...troublesOf(file).map(({ level, text }) => {
    const { words, line } = remedyIn(text)
    const box = make('div', { className: 'notice' })
    box.dataset.level = level
    box.append(make('p', { textContent: words }))
    if (line) box.append(make('code', { className: 'line', textContent: line }))
    return box
  }))
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties)
}
