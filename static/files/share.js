/**
 * How a stream is passed on: links, the code to embed it, and a QR code.
 *
 * @module share
 */
import { encode } from './vendor/uqr.js'

/**
 * The addresses under which a stream is passed on.
 * @param {string} origin the server's, `https://weir.example`
 * @param {string} name the stream's
 * @param {string} [token] goes into the fragment, which no browser sends to a server; '' for none
 * @returns {{link: string, embed: string, obs: string}}
 */
export function linksTo(origin, name, token = '') {
  const fragment = token ? `#token=${encodeURIComponent(token)}` : ''
  const path = encodeURIComponent(name)
  const link = `${origin}/watch/${path}${fragment}`
  const obs = `${origin}/embed/${path}${fragment}`
  const attributes = {
    src: obs, title: `Live stream ${name}`, width: 1280, height: 720, allow: 'autoplay; fullscreen',
    // Else a page in dark colours gets a white ground behind it.
    style: 'border:0;color-scheme:normal',
  }
  const written = Object.entries(attributes).map(([key, value]) => `${key}="${escape(String(value))}"`)
  return { link, embed: `<iframe ${written.join(' ')}></iframe>`, obs }
}

function escape(value) {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}

/** Whether an address of this host leads other machines elsewhere. @param {string} hostname */
export function isLocal(hostname) {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname)
}

/**
 * Draws a text as a QR code (ISO/IEC 18004), with the quiet zone of four modules that readers want.
 * @param {string} text
 * @returns {SVGSVGElement}
 */
export function drawQR(text) {
  const { data, size } = encode(text, { ecc: 'M', border: 4 })
  const create = (name, attributes) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', name)
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
    return element
  }
  const dark = data.flatMap((row, y) => row.map((set, x) => set ? `M${x} ${y}h1v1h-1z` : '')).join('')
  const svg = create('svg', { viewBox: `0 0 ${size} ${size}`, role: 'img', 'aria-label': 'QR code of the link', 'shape-rendering': 'crispEdges' })
  svg.append(create('rect', { width: size, height: size, fill: '#fff' }), create('path', { d: dark, fill: '#000' }))
  return svg
}

/**
 * Copies a field's text; also where the page was not fetched by HTTPS and has no clipboard.
 * @param {HTMLInputElement|HTMLTextAreaElement} field
 * @returns {Promise<boolean>} whether it worked; if not, the text is selected at least
 */
export async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value)
    return true
  } catch {
    field.select()
    return document.execCommand('copy')
  }
}

/**
 * Sets up the dialog of the player page.
 * @param {string} name the stream's
 * @param {() => string} token of the person who shares; '' for none
 * @returns {{open: () => void}}
 */
export function setUpDialog(name, token) {
  const element = (id) => document.getElementById(id)
  const [dialog, withToken, copied] = ['share-dialog', 'with-token', 'copied'].map(element)
  const fill = () => {
    const { link, embed, obs } = linksTo(location.origin, name, withToken.checked ? token() : '')
    element('share-link').value = link
    element('share-embed').value = embed
    element('share-obs').value = obs
    element('qr').replaceChildren(drawQR(link))
  }
  element('share-local').hidden = !isLocal(location.hostname)
  element('share-close').addEventListener('click', () => dialog.close())
  dialog.addEventListener('click', ({ target }) => target === dialog && dialog.close())
  // What was shown once must not stay in the page.
  dialog.addEventListener('close', () => {
    withToken.checked = false
    fill()
  })
  withToken.addEventListener('change', fill)
  for (const button of dialog.querySelectorAll('[data-copy]')) {
    let timer = 0
    button.addEventListener('click', async () => {
      const worked = await copy(element(button.dataset.copy))
      button.textContent = worked ? 'Copied' : 'Press Ctrl+C'
      copied.textContent = worked ? 'Copied.' : 'The text is selected, press Ctrl+C to copy it.'
      clearTimeout(timer)
      timer = setTimeout(() => {
        button.textContent = 'Copy'
        copied.textContent = ''
      }, 2_500)
    })
  }
  return {
    open() {
      element('share-token').hidden = token() === ''
      fill()
      dialog.showModal()
    },
  }
}
