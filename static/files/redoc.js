/**
 * The API's description in ReDoc: /redoc.
 *
 * @module redoc
 */
import { init } from './vendor/redoc.standalone.js'

const place = document.getElementById('redoc')

/** Whether an address leads to another host. */
function isForeign(address) {
  const { protocol, origin } = new URL(address, location)
  return /^https?:$/.test(protocol) && origin !== location.origin
}

/** Stands for the logo that ReDoc would load from its maker's host. */
const maker = 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="48" height="14">' +
  '<text y="11" font-family="system-ui, sans-serif" font-size="12" font-weight="600" fill="#7a8a99">Redocly</text></svg>')

/** Images from other hosts are not even tried; the page's policy forbids them. */
function keepImagesHere() {
  const prototype = HTMLImageElement.prototype
  const src = Object.getOwnPropertyDescriptor(prototype, 'src')
  Object.defineProperty(prototype, 'src', { ...src, set(value) { src.set.call(this, isForeign(value) ? maker : value) } })
  prototype.setAttribute = function setAttribute(name, value) {
    Element.prototype.setAttribute.call(this, name, name === 'src' && isForeign(value) ? maker : value)
  }
}

keepImagesHere()

try {
  // Without the option it would report its use to another host.
  init('/openapi.json', { disableTelemetry: true }, place)
} catch (error) {
  place.textContent = `The description cannot be shown. ${error.message}`
}
