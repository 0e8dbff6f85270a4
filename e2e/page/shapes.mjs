// Usage: node shapes.mjs <base url> <token>: the answers that fixtures.mjs has in the place of the API's, by the schema of the API's
// description that they must be of.
import { devices, files, filmOf, pushes } from './fixtures.mjs'

const [base, token] = process.argv.slice(2)
const response = await fetch(`${base}/api/v1/streams/test`, { headers: { Authorization: `Bearer ${token}` } })
const stream = await response.json()
process.stdout.write(`${JSON.stringify({ FileList: files, DeviceList: devices, PushList: pushes(), Stream: { ...stream, source: filmOf(stream.source) } })}\n`)
