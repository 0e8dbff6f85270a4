/**
 * The API's description in Swagger UI: /docs. Requests that are tried out carry this tab's token.
 *
 * @module docs
 */
import { onToken, token } from './token.js'

const say = document.getElementById('say')
const dark = matchMedia('(prefers-color-scheme: dark)')

/** Swagger UI has dark colours, but does not look at what the system says. */
function followSystem() {
  document.documentElement.classList.toggle('dark-mode', dark.matches)
}

/** The names of the description's bearer schemes (OpenAPI 3.1 4.8.27). */
function bearerSchemes(description) {
  const schemes = Object.entries(description.components?.securitySchemes ?? {})
  return schemes.filter(([, { type, scheme }]) => type === 'http' && scheme?.toLowerCase() === 'bearer').map(([name]) => name)
}

/** Gives names to the fields that have none, and the keyboard to what scrolls; a description changes while it is used. */
function mend(place) {
  const names = {
    '#servers': 'Server', '.examples-select-element': 'Example', '.body-param__text': 'Request body',
    'textarea:not([aria-label], [id])': 'Text', 'select:not([aria-label], [id])': 'Choice',
  }
  for (const [selector, name] of Object.entries(names)) {
    for (const field of place.querySelectorAll(`${selector}:not([aria-label])`)) field.setAttribute('aria-label', name)
  }
  for (const region of place.querySelectorAll('pre.microlight:not([tabindex]), .highlight-code pre:not([tabindex])')) region.tabIndex = 0
}

async function load() {
  const response = await fetch('/openapi.json')
  if (!response.ok) throw new Error(`The server answered ${response.status} to /openapi.json.`)
  const description = await response.json()
  const ui = globalThis.SwaggerUIBundle({
    spec: description,
    dom_id: '#docs',
    deepLinking: false, // its links would lie within buttons
    displayRequestDuration: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    filter: true,
    tryItOutEnabled: true,
    persistAuthorization: false,
    validatorUrl: null, // it would be another host
    syntaxHighlight: { activated: true, theme: 'agate' },
    onComplete() {
      const authorize = (secret) => {
        for (const name of bearerSchemes(description)) {
          if (secret) ui.preauthorizeApiKey(name, secret)
          else ui.authActions.logout([name])
        }
      }
      if (token()) authorize(token())
      onToken(authorize)
      say.hidden = true
    },
  })
}

const docs = document.getElementById('docs')
new MutationObserver(() => mend(docs)).observe(docs, { childList: true, subtree: true })
dark.addEventListener('change', followSystem)
followSystem()
load().catch((error) => {
  say.textContent = `The description cannot be shown. ${error.message}`
})
