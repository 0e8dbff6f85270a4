/**
 * The API's description in ReDoc: /redoc.
 *
 * @module redoc
 */
import { init } from './vendor/redoc.standalone.js'

const place = document.getElementById('redoc')

try {
  // Without the option it would report its use to another host.
  init('/openapi.json', { disableTelemetry: true }, place)
} catch (error) {
  place.textContent = `The description cannot be shown. ${error.message}`
}
