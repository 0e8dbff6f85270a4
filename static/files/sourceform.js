/**
 * The form that says what a stream is to be fed with: the kind of source, its parameters, and who may see it when.
 *
 * @module sourceform
 */
import { DevicePicker } from './devices.js'
import { FilePicker } from './files.js'
import { ParamForm, patchOf, sentence } from './form.js'

const element = (id) => document.getElementById(id)

/** Whether a source runs or comes to it by itself. @param {object|null} source as the API describes it */
export function goesOn(source) {
  return ['starting', 'live', 'waiting'].includes(source?.state) || source?.reason === 'unwatched'
}

/**
 * The form. Events: `change` when something was entered; `done` with what was done to a file, as a sentence, in detail;
 * `refused` with detail `{what, reason}`.
 */
export class SourceForm extends EventTarget {
  #kinds = []
  #stream = null // as the server describes it; null where there is nothing of that name
  #params = new ParamForm(element('params'))
  #files = new FilePicker()
  #devices = new DevicePicker(() => this.#params.read())
  #steered = [] // parameters that have no field now
  #picker = null // what chooses one of the parameters, for kinds that have such a one
  #source = element('source')
  #private = element('private')
  #onDemand = element('on-demand')
  #filled = '' // what the form was filled from

  constructor() {
    super()
    const changed = () => this.dispatchEvent(new CustomEvent('change'))
    const pass = ({ type, detail }) => this.dispatchEvent(new CustomEvent(type, { detail }))
    this.#source.addEventListener('change', () => this.#choose())
    for (const part of [this.#private, this.#onDemand, this.#params, this.#files, this.#devices]) part.addEventListener('change', changed)
    for (const picker of [this.#files, this.#devices]) picker.addEventListener('refused', pass)
    this.#files.addEventListener('done', pass)
    this.#devices.addEventListener('enter', ({ detail }) => this.#params.enter(detail))
    element('params-box').open = matchMedia('(min-width: 60rem)').matches
  }

  /** Whether it is known what can be started. */
  get offers() { return this.#kinds.length > 0 }

  /** The chosen kind, as the server describes it. */
  get kind() { return this.#kinds.find(({ name }) => name === this.#source.value) }

  /** Whether what is chosen is worth being looked at once it is started. */
  get picks() { return this.#picker !== null }

  /** Whether something is entered that does not hold for what runs. */
  get dirty() {
    const running = this.#stream?.source
    if (!running) return false
    return this.#params.dirty || this.#picker?.dirty || this.#source.value !== running.kind || this.#private.checked !== this.#stream.private ||
      this.#onDemand.checked !== Boolean(running.on_demand)
  }

  /** Fills the drop-down. @param {object[]} kinds as the API lists them */
  offer(kinds) {
    if (JSON.stringify(kinds) === JSON.stringify(this.#kinds)) return
    this.#kinds = kinds
    const chosen = this.#source.value
    this.#source.replaceChildren(...kinds.map(({ name, title, available }) => {
      const option = new Option(available ? title || name : `${title || name} (not here)`, name)
      option.disabled = !available
      return option
    }))
    const usable = kinds.filter(({ available }) => available)
    this.#source.value = usable.find(({ name }) => name === chosen)?.name ?? usable[0]?.name ?? ''
    const missing = kinds.filter(({ available }) => !available)
    element('unavailable').hidden = missing.length === 0
    element('unavailable-list').replaceChildren(...missing.map(({ name, title, reason }) => {
      const group = document.createElement('div')
      group.append(
        Object.assign(document.createElement('dt'), { textContent: title || name }),
        Object.assign(document.createElement('dd'), { textContent: reason || 'it cannot run here' }))
      return group
    }))
    this.#choose()
  }

  /** Shows what feeds the stream now, unless somebody has changed the form since. @param {object|null} stream as the API describes it */
  show(stream) {
    this.#stream = stream
    const running = stream?.source
    const from = running ? JSON.stringify([stream.name, running.kind, running.params, stream.private, running.on_demand, goesOn(running)]) : ''
    if (from !== this.#filled && running && (!this.dirty || this.#filled === '' || stream.name !== JSON.parse(this.#filled)[0])) {
      this.#source.value = running.kind
      this.#choose()
    }
    this.#filled = from
  }

  /** Another stream is chosen, of which nothing is known yet. */
  forget() {
    this.#stream = null
    this.#filled = ''
  }

  /** What is entered is what holds. */
  settled() {
    this.#params.settled()
    this.#picker?.settled()
    this.#filled = ''
  }

  /** These streams are there. */
  know(streams) { this.#devices.know(streams) }

  /** Media files have come or gone. */
  filesChanged() { this.#files.changed() }

  /** Another kind was chosen: its own parameters. */
  #choose() {
    const { kind } = this, running = this.#stream?.source
    if (!kind) return
    const same = running?.kind === kind.name
    const properties = kind.params.properties ?? {}
    const picker = [this.#files, this.#devices].find(({ param }) => param in properties) ?? null
    for (const other of [this.#files, this.#devices]) if (other !== picker) other.hide()
    this.#picker = picker
    picker?.show(same ? running.params[picker.param] ?? '' : '', kind)
    // Where a film is, is not entered but steered while it plays. One that has ended begins at its beginning, if nothing else is entered.
    const plays = same && running.playback && goesOn(running)
    this.#steered = plays ? ['paused', 'start', 'loop'] : 'paused' in properties ? ['paused'] : []
    const values = same ? { ...running.params, ...(running.playback && !plays && { start: 0 }) } : {}
    this.#params.show(kind.params, values, { without: [picker?.param, ...this.#steered], kept: same })
    this.#private.checked = same ? this.#stream.private : kind.private
    this.#onDemand.checked = same && Boolean(running.on_demand)
    element('source-hint').textContent = kind.description ?? ''
    element('params-box').hidden = this.#params.size === 0
    if (this.#params.demands) element('params-box').open = true
    element('private-hint').textContent = kind.private
      ? 'Streams of this source are private unless you say otherwise: they are played with a play or admin token only, and listed nowhere.'
      : 'Played with a play or admin token only, and listed nowhere.'
    this.dispatchEvent(new CustomEvent('change'))
  }

  /**
   * What the API is to be asked for: a body to start the stream with, or to change it by. What is wrong is said beside its field.
   * @returns {object|null} null where something is wrong
   */
  read() {
    if (this.#picker && !this.#picker.demand()) return null
    const params = this.#params.read()
    if (!params) return null
    const running = this.#stream?.source
    if (this.#picker) params[this.#picker.param] = this.#picker.value
    for (const steered of this.#steered) if (steered in (running?.params ?? {})) params[steered] = running.params[steered]
    if (this.#steered.includes('start') && !goesOn(running)) params.start = 0 // it has ended since the form was filled
    return running ? this.#change(running, params) : this.#start(params)
  }

  #start(params) {
    const { kind } = this
    return { source: kind.name, params, ...(this.#private.checked ? { private: true } : kind.private && { public: true }), ...(this.#onDemand.checked && { on_demand: true }) }
  }

  #change(running, params) {
    const { kind } = this, same = running.kind === kind.name
    const body = { params: same ? patchOf(running.params, params) : params }
    if (!same) body.source = kind.name
    if (this.#private.checked !== this.#stream.private) Object.assign(body, this.#private.checked ? { private: true } : { public: true })
    if (this.#onDemand.checked !== Boolean(running.on_demand)) body.on_demand = this.#onDemand.checked
    return body
  }

  /** Gives back what this page has in hand and the source is to have: a camera. */
  async quit() { await this.#devices.quit() }

  /**
   * Shows the server's problems beside their fields.
   * @param {import('./api.js').Reason} reason
   * @returns {{name: string, detail: string}[]} those that belong to no field
   */
  fail({ problems = [] }) {
    const picked = problems.find(({ name }) => name === this.#picker?.param)
    if (picked) this.#picker.fail(`${sentence(picked.detail).replace(/\.?$/, '.')}`)
    return this.#params.fail(problems.filter((problem) => problem !== picked))
  }
}
