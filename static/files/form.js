/**
 * Makes a form of a JSON Schema, as far as the kinds of source use it: an object of numbers, texts, choices and switches.
 *
 * @module form
 */

/**
 * One parameter.
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {string} description
 * @property {'integer'|'number'|'text'|'secret'|'choice'|'switch'} kind a secret is written and never shown
 * @property {any} [initial]
 * @property {number} [least]
 * @property {number} [most]
 * @property {number} [step] values are multiples of it
 * @property {number} [longest] characters of a text
 * @property {string} [pattern] a regular expression that a text matches
 * @property {{value: any, label: string}[]} [choices]
 * @property {string} unit
 * @property {boolean} required
 */

/** @param {object} schema JSON Schema (2020-12) @returns {Field[]} in the schema's order */
export function fieldsOf(schema) {
  const required = new Set(schema?.required ?? [])
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => fieldOf(name, property, required.has(name)))
}

function fieldOf(name, property, required) {
  const kind = kindOf(property)
  const choices = property.enum ?? property.oneOf?.map((one) => one.const)
  return {
    name, kind, required,
    label: property.title || readable(name),
    description: property.description ?? '',
    unit: property['x-unit'] ?? '',
    initial: property.default,
    least: property.minimum ?? property.exclusiveMinimum,
    most: property.maximum ?? property.exclusiveMaximum,
    step: property.multipleOf,
    longest: property.maxLength,
    pattern: property.pattern,
    choices: choices?.map((value, i) => ({ value, label: property.oneOf?.[i]?.title ?? String(value) })),
  }
}

function kindOf({ type, enum: values, oneOf, writeOnly }) {
  if (writeOnly) return 'secret'
  if (values || oneOf) return 'choice'
  const [first] = [type].flat().filter((one) => one !== 'null')
  return { integer: 'integer', number: 'number', boolean: 'switch' }[first] ?? 'text'
}

function readable(name) {
  const words = name.replaceAll('_', ' ')
  return words[0].toUpperCase() + words.slice(1)
}

/** Says which values a field takes. @param {Field} field @returns {string} '' for all */
export function limitsOf({ kind, least, most, step, unit, longest }) {
  const write = (value) => value.toLocaleString('en', { maximumFractionDigits: 6 }).replaceAll(',', '\u202f')
  const unitAfter = unit ? `\u00a0${unit}` : ''
  let text = ''
  if (least !== undefined && most !== undefined) text = `${write(least)} to ${write(most)}${unitAfter}`
  else if (least !== undefined) text = `at least ${write(least)}${unitAfter}`
  else if (most !== undefined) text = `at most ${write(most)}${unitAfter}`
  else if ((kind === 'text' || kind === 'secret') && longest !== undefined) text = `at most ${longest} characters`
  else text = unit
  const even = step === 2 ? 'even' : step && step !== 1 ? `a multiple of ${write(step)}` : ''
  return [text, even].filter(Boolean).join(', ')
}

/**
 * Reads what was entered.
 * @param {Field} field
 * @param {string|boolean} entered
 * @returns {{value?: any, problem?: string}} neither: left out
 */
export function valueOf(field, entered) {
  const { kind, least, most, step, required } = field
  if (kind === 'switch') return { value: Boolean(entered) }
  const text = String(entered).trim()
  if (text === '') return required && field.initial === undefined ? { problem: `${field.label} is needed.` } : {}
  if (kind === 'choice') {
    const choice = field.choices.find(({ value }) => String(value) === text)
    return choice ? { value: choice.value } : { problem: 'Choose one of those listed.' }
  }
  if (kind === 'text' || kind === 'secret') return textOf(field, text)
  const value = Number(text.replace(',', '.'))
  const whole = kind === 'integer' && !Number.isInteger(value)
  const outside = value < least || value > most || (step && Math.abs(value / step - Math.round(value / step)) > 1e-9)
  if (!Number.isFinite(value) || whole || outside) {
    const limits = limitsOf(field)
    return { problem: `Enter a ${kind === 'integer' ? 'whole ' : ''}number${limits ? `: ${limits}` : ''}.` }
  }
  return { value }
}

function textOf({ longest, pattern }, text) {
  if (longest !== undefined && [...text].length > longest) return { problem: `Enter at most ${longest} characters.` }
  if (pattern && !new RegExp(pattern, 'u').test(text)) {
    return { problem: pattern === '^https?://' ? 'Enter an address that begins with https://.' : 'This is not in the form that is wanted.' }
  }
  return { value: text }
}

/**
 * What has to be said to change the running parameters into others (JSON Merge Patch, RFC 7396).
 * @param {object} running
 * @param {object} wanted
 */
export function patchOf(running, wanted) {
  const patch = {}
  for (const [name, value] of Object.entries(wanted)) if (running[name] !== value) patch[name] = value
  for (const name of Object.keys(running)) if (!(name in wanted)) patch[name] = null
  return patch
}

/** The form in the page. Event `change` when something was entered. */
export class ParamForm extends EventTarget {
  #host
  /** @type {Field[]} */
  #fields = []
  #controls = new Map()
  #filled = ''

  /** @param {HTMLElement} host takes the fields */
  constructor(host) {
    super()
    this.#host = host
    host.addEventListener('input', ({ target }) => {
      this.#error(target.name, '')
      this.dispatchEvent(new CustomEvent('change'))
    })
  }

  /** How many parameters there are. */
  get size() { return this.#fields.length }

  /** Whether something has to be entered. */
  get demands() { return this.#fields.some(({ required, initial }) => required && initial === undefined) }

  /** Whether something was entered since it was filled. */
  get dirty() { return this.#filled !== this.#entered() }

  /**
   * Makes the fields anew and fills them.
   * @param {object} schema
   * @param {object} [values] instead of the schema's own
   * @param {{without?: string[], kept?: boolean}} [options] fields that stand elsewhere; whether the server keeps secrets that
   *   are not entered
   */
  show(schema, values = {}, { without = [], kept = false } = {}) {
    this.#fields = fieldsOf(schema).filter(({ name }) => !without.includes(name))
    this.#controls.clear()
    this.#host.replaceChildren(...this.#fields.map((field) => this.#make(field, values[field.name] ?? field.initial, kept)))
    this.settled()
  }

  /** Enters values, as if somebody had. @param {object} values by name; what has no field is left out */
  enter(values) {
    for (const [name, value] of Object.entries(values)) {
      const control = this.#controls.get(name)
      if (!control) continue
      control.value = value
      this.#error(name, '')
    }
    this.dispatchEvent(new CustomEvent('change'))
  }

  /** What is entered now is what runs. */
  settled() {
    this.#filled = this.#entered()
  }

  /**
   * Reads all fields, and says beside each what is wrong with it.
   * @returns {object|null} null where something is wrong; then the first such field has the focus
   */
  read() {
    const values = {}
    let first = null
    for (const field of this.#fields) {
      const control = this.#controls.get(field.name)
      const { value, problem = '' } = valueOf(field, field.kind === 'switch' ? control.checked : control.value)
      this.#error(field.name, problem)
      if (problem) first ??= control
      if (value !== undefined) values[field.name] = value
    }
    if (!first) return values
    this.#reveal(first)
    return null
  }

  /**
   * Shows the server's problems beside their fields.
   * @param {{name: string, detail: string}[]} problems
   * @returns {{name: string, detail: string}[]} those that belong to no field
   */
  fail(problems) {
    const others = []
    let first = null
    for (const problem of problems) {
      const name = problem.name.replace(/^params[./]/, '')
      if (this.#controls.has(name)) {
        this.#error(name, sentence(problem.detail).replace(/\.?$/, '.'))
        first ??= this.#controls.get(name)
      } else {
        others.push(problem)
      }
    }
    if (first) this.#reveal(first)
    return others
  }

  #reveal(control) {
    const closed = control.closest('details:not([open])')
    if (closed) closed.open = true
    control.focus()
  }

  #entered() {
    return JSON.stringify([...this.#controls].map(([name, control]) => [name, control.type === 'checkbox' ? control.checked : control.value]))
  }

  #error(name, text) {
    const control = this.#controls.get(name)
    if (!control) return
    control.toggleAttribute('aria-invalid', false)
    if (text) control.setAttribute('aria-invalid', 'true')
    document.getElementById(`${control.id}-error`).textContent = text
  }

  #make(field, value, kept) {
    const id = `param-${field.name}`
    const control = controlOf(field, value)
    if (kept && field.kind === 'secret') control.placeholder = 'Kept as it is'
    Object.assign(control, { id, name: field.name })
    control.setAttribute('aria-describedby', `${id}-hint ${id}-error`)
    this.#controls.set(field.name, control)
    const label = make('label', { htmlFor: id, textContent: field.label })
    const words = ['text', 'secret', 'switch'].includes(field.kind) // its length is nothing to tell before it is too long
    const hint = make('p', { id: `${id}-hint`, className: 'hint', textContent: sentence(words ? field.description || limitsOf(field) : limitsOf(field)) })
    if (field.description && !words) {
      control.title = field.description
      hint.append(make('span', { className: 'unseen', textContent: ` ${field.description}` }))
    }
    const error = make('p', { id: `${id}-error`, className: 'error' })
    const group = make('div', { className: words ? 'field wide' : 'field' })
    if (field.kind === 'switch') {
      label.className = 'check'
      label.prepend(control)
      group.append(label, hint, error)
      return group
    }
    const box = make('div', { className: 'with-unit' })
    box.append(control)
    if (field.unit && field.kind !== 'choice') {
      const unit = make('span', { textContent: field.unit })
      unit.setAttribute('aria-hidden', 'true') // the hint says it
      box.append(unit)
    }
    group.append(label, box, hint, error)
    return group
  }
}

function controlOf(field, value) {
  if (field.kind === 'switch') return make('input', { type: 'checkbox', checked: Boolean(value) })
  if (field.kind === 'choice') {
    const select = make('select', {})
    select.append(...field.choices.map((one) => new Option(one.label, one.value, false, one.value === value)))
    return select
  }
  if (field.kind === 'secret') return make('input', { type: 'password', autocomplete: 'new-password', spellcheck: false }) // the browser's own for this page would not do
  const input = make('input', { type: field.kind === 'text' ? 'text' : 'number', value: value ?? '', autocomplete: 'off' })
  if (field.kind === 'text') return Object.assign(input, { spellcheck: false, autocapitalize: 'off' })
  if (field.least !== undefined) input.min = field.least
  if (field.most !== undefined) input.max = field.most
  input.step = field.step ?? (field.kind === 'integer' ? 1 : 'any')
  input.inputMode = field.kind === 'integer' ? 'numeric' : 'decimal'
  return input
}

/** Begins with a capital. @param {string} text */
export function sentence(text) {
  return text && text[0].toUpperCase() + text.slice(1)
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties)
}
