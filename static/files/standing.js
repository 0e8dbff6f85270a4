/**
 * How it stands with a stream and its source, in words.
 *
 * @module standing
 */
import { sentence } from './form.js'
import { spanOf } from './log.js'
import { bytesOf, numberOf } from './numbers.js'

/** What the states of a source are called. */
export const stateNames = { idle: 'Ended', starting: 'Starting', live: 'Live', waiting: 'Waiting', failed: 'Failed' }

/**
 * Says how it stands with a stream, to administrators.
 * @param {object|null} stream as the API describes it; null where there is nothing of that name
 * @param {string} name '' where none is chosen
 * @returns {{word: string, text: string, why?: string}} why it is so, where that is something to see to
 */
export function standing(stream, name) {
  const source = stream?.source
  if (!name) return { word: 'No stream chosen', text: '' }
  if (!stream) return { word: 'Not running', text: `Nothing feeds “${name}”.` }
  const viewers = `${stream.viewers || 'no'} ${stream.viewers === 1 ? 'viewer' : 'viewers'}`
  if (!source) return stream.live ? { word: 'Live', text: `Fed from elsewhere, ${viewers}.` } : { word: 'Not running', text: `Nothing feeds “${name}”, ${viewers}.` }
  const since = Date.now() - Date.parse(source.since)
  const lasting = since >= 1000 ? `for ${spanOf(Math.floor(since / 1000) * 1000)}` : 'since just now'
  const left = Math.max(0, Math.ceil((Date.parse(source.next_try) - Date.now()) / 1000))
  const unwatched = source.reason === 'unwatched'
  const plain = unwatched || source.reason === 'ended' // which the word says
  return {
    word: wordOf(source),
    text: [
      `${stream.private ? 'Private, ' : ''}${lasting}, ${viewers}.`, unwatched && 'It starts with the first viewer.',
      source.on_demand && source.state === 'live' && 'It stops some time after the last viewer.', source.next_try && `Next try in ${left} s.`,
      source.restarts > 0 && `Restarted ${source.restarts === 1 ? 'once' : `${source.restarts} times`}.`,
    ].filter(Boolean).map(sentence).join(' '),
    why: source.reason && !plain ? sentence(source.reason).replace(/\.?$/, '.') : '',
  }
}

/** The state of a source in a word. @param {object} source as the API describes it */
export function wordOf({ state, reason }) {
  return reason === 'unwatched' ? 'On demand' : stateNames[state] ?? state
}

/** Whether an event will tell when it stands otherwise with a source. @param {object|null} source as the API describes it */
export function eventsTell(source) {
  return source?.state !== 'starting' && (source?.state !== 'waiting' || Boolean(source.next_try))
}

/**
 * After how many milliseconds it may stand otherwise with a source though no event has told so.
 * @param {object|null} source as the API describes it
 * @param {{lasting: number, open: boolean}} seen for how many milliseconds it has been so, and whether its counters are shown
 */
export function staleAfter(source, { lasting, open }) {
  if (!source) return Infinity
  const often = open || !eventsTell(source) ? 2000 : Infinity
  if (source.state === 'live' || source.state === 'waiting') return Math.min(often, 10_000)
  if (source.state !== 'starting') return often
  if (lasting < 10_000) return 900
  return lasting < 60_000 || open ? 2000 : 10_000
}

/** What a source has been through. @param {object} source as the API describes it @returns {[string, string][]} names and values */
export function countersOf({ runs, restarts, failures = {}, restart, on_demand: demand, stop_after_ms: stop, renditions = [] }) {
  const facts = []
  if (runs !== undefined) facts.push(['Runs', numberOf(runs)])
  facts.push(['Restarts', numberOf(restarts)])
  for (const [reason, count] of Object.entries(failures)) facts.push([`Failed: ${reason.replaceAll('_', ' ')}`, numberOf(count)])
  if (demand !== undefined) facts.push(['It runs', demand ? `while somebody watches, and ${spanOf(stop)} more` : 'all the time'])
  if (restart) facts.push(['When it fails', restart.attempts === 0 ? 'it is not started again' : `it is started again, up to ${numberOf(restart.attempts)} times in a row`])
  const did = renditions.filter(({ units, packets, running }) => units > 0 || packets > 0 || running) // the others nobody has asked for
  for (const { codec, units, packets = 0, bytes = 0, skipped, encoders, running } of did) {
    const sent = units > 0 ? `${numberOf(units)} ${codec === 'opus' ? 'packets' : 'pictures'}` : `${numberOf(packets)} packets`
    facts.push([codec === 'opus' ? 'Opus' : codec, [
      `${sent}, ${bytesOf(bytes)}`, skipped > 0 && `${numberOf(skipped)} left out`, encoders > 0 && `${numberOf(encoders)} ${encoders === 1 ? 'encoder' : 'encoders'} so far`,
      !running && 'rests',
    ].filter(Boolean).join(', ')])
  }
  return facts
}

/** Shows them. @param {HTMLElement} host @param {object|null} source null: nothing */
export function showCounters(host, source) {
  host.hidden = !source
  if (!source || !host.open && host.dataset.said) return
  const text = JSON.stringify(countersOf(source))
  if (host.dataset.said === text) return
  host.dataset.said = text
  host.querySelector('dl').replaceChildren(...countersOf(source).map(([name, value]) => {
    const group = document.createElement('div')
    group.append(Object.assign(document.createElement('dt'), { textContent: name }), Object.assign(document.createElement('dd'), { textContent: value }))
    return group
  }))
}

/**
 * Says what a change of a source asked for.
 * @param {object} body of the PATCH
 * @returns {string} '' where nothing is changed
 */
export function changesIn({ source, params, private: hidden, public: open, on_demand: demand }) {
  const changes = Object.entries(params ?? {}).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value ?? 'as usual'}`)
  return [source, ...changes, hidden && 'private', open && 'public', demand !== undefined && (demand ? 'on demand' : 'all the time')].filter(Boolean).join(', ')
}
