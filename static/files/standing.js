/**
 * How it stands with a stream and its source, in words.
 *
 * @module standing
 */
import { sentence } from './form.js'
import { spanOf } from './log.js'

/** What the states of a source are called. */
export const stateNames = { idle: 'Ended', starting: 'Starting', live: 'Live', waiting: 'Waiting', failed: 'Failed' }

/**
 * Says how it stands with a stream, to administrators.
 * @param {object|null} stream as the API describes it; null where there is nothing of that name
 * @param {string} name '' where none is chosen
 * @returns {{word: string, text: string}}
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
  return {
    word: stateNames[source.state] ?? source.state,
    text: [
      `${stream.private ? 'Private, ' : ''}${lasting}, ${viewers}.`, source.reason && source.reason.replace(/\.?$/, '.'), source.next_try && `Next try in ${left} s.`,
      source.restarts > 0 && `Restarted ${source.restarts === 1 ? 'once' : `${source.restarts} times`}.`,
    ].filter(Boolean).map(sentence).join(' '),
  }
}

/**
 * Says what a change of a source asked for.
 * @param {object} body of the PATCH
 * @returns {string} '' where nothing is changed
 */
export function changesIn({ source, params, private: hidden, public: open }) {
  const changes = Object.entries(params ?? {}).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value ?? 'as usual'}`)
  return [source, ...changes, hidden && 'private', open && 'public'].filter(Boolean).join(', ')
}
