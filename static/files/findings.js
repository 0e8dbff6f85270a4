/**
 * What a stream's publisher should change: a list with one disclosure for each finding of the coach. It needs findings.css.
 *
 * @module findings
 */

/** What a finding is called. */
export const titles = {
  b_frames: 'B-frames', parameter_sets_missing: 'No parameter sets', gop_long: 'Key frames too rare',
  gop_wandering: 'Key frames at random', pli_unanswered: 'No key frame when asked', audio_mono: 'Mono instead of stereo',
  packet_loss: 'Packets get lost', nack_unanswered: 'Lost packets are not sent again', clock_drift: 'The clock is off',
  bit_rate_high: 'Bit rate over the limit',
}

/**
 * Says what a finding is called.
 * @param {string} code
 */
export const titleOf = (code) => titles[code] ?? code.replaceAll('_', ' ')

/**
 * Says how many there are.
 * @param {object[]} findings
 */
export const countOf = ({ length }) => `${length} ${length === 1 ? 'finding' : 'findings'}`

const programs = [['obs', 'OBS'], ['ffmpeg', 'FFmpeg'], ['gstreamer', 'GStreamer']]

/**
 * Shows findings. What the reader has opened stays open when they are shown again.
 * @param {HTMLElement} host is hidden where there are none
 * @param {object[]} [findings] as the API lists them
 */
export function showFindings(host, findings = []) {
  host.hidden = findings.length === 0
  host.classList.add('findings')
  const known = new Map([...host.children].map((item) => [item.dataset.key, item]))
  for (const [i, finding] of findings.entries()) {
    const key = `${finding.code} ${finding.track}`
    const item = known.get(key) ?? make(key)
    known.delete(key)
    fill(item, finding)
    // Moved only where needed: it would lose the focus.
    if (host.children[i] !== item) host.insertBefore(item, host.children[i] ?? null)
  }
  for (const item of known.values()) item.remove()
}

function make(key) {
  const item = element('details', 'finding')
  item.dataset.key = key
  const remedies = element('dl', 'remedies')
  for (const [name, title] of programs) {
    const row = element('div')
    const remedy = element('dd')
    remedy.dataset.of = name
    row.append(element('dt', '', title), remedy)
    remedies.append(row)
  }
  const summary = element('summary')
  summary.append(element('span', 'unseen'), element('b', 'title'), element('span', 'track'), element('time', 'since'))
  item.append(summary, element('p', 'text'), remedies)
  return item
}

function fill(item, { code, severity, since, track, text, remedies }) {
  item.dataset.severity = severity
  const at = new Date(since)
  const say = (selector, words) => {
    const target = item.querySelector(selector)
    if (target.textContent !== words) target.textContent = words
    return target
  }
  say('.unseen', severity === 'error' ? 'Error:' : 'Warning:')
  say('.title', titleOf(code))
  say('.track', track.replace('/', ' '))
  say('.since', `since ${at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`).dateTime = since
  say('.text', text)
  for (const [name] of programs) say(`[data-of=${name}]`, remedies[name])
}

function element(name, className = '', textContent = '') {
  return Object.assign(document.createElement(name), { className, textContent })
}
