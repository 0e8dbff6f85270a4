package device

import (
	"encoding/json"
	"errors"
)

// The kinds of source that devices are.
const (
	kindCamera = "camera"
	kindScreen = "screen"

	cameraText = "A camera of this machine. It is on only while somebody watches; streams of one camera share it."
	screenText = "What is on a screen of this machine."
)

// errNoScreens is why a build has no screens.
var errNoScreens = errors.New("built without screen capture (make build TAGS=screen; Debian: libx11-dev, libxext-dev)")

// cameraSchema is the JSON Schema of a camera's parameters, for publisher.Kind.
func cameraSchema(sound bool) json.RawMessage {
	if sound {
		return schema("Camera", microphoneSchema)
	}
	return schema("Camera", "")
}

// screenSchema is that of a screen's.
func screenSchema() json.RawMessage { return schema("Screen", "") }

// schema is that of a device which gives pictures, and more parameters.
func schema(title, more string) json.RawMessage {
	return json.RawMessage(`{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "device": {
      "type": "string", "title": "` + title + `", "description": "Its name as /api/v1/devices lists it; empty for the first that works.",
      "default": "", "maxLength": 256
    },
    "width": {
      "type": "integer", "title": "Width", "description": "Of the picture; the device's nearest size is fitted in.",
      "default": 1280, "minimum": 16, "maximum": 4096, "multipleOf": 2, "x-unit": "px"
    },
    "height": {
      "type": "integer", "title": "Height", "description": "Of the picture.",
      "default": 720, "minimum": 16, "maximum": 4096, "multipleOf": 2, "x-unit": "px"
    },
    "rate": {
      "type": "integer", "title": "Frame rate", "description": "How many pictures there are in a second at most.",
      "default": 30, "minimum": 1, "maximum": 120, "x-unit": "fps"
    },
    "bit_rate": {
      "type": "integer", "title": "Bit rate", "description": "That the video aims at. It can be changed while the device runs.",
      "default": 2500000, "minimum": 50000, "maximum": 100000000, "x-unit": "bit/s"
    }` + more + `
  }
}`)
}

const microphoneSchema = `,
    "microphone": {
      "type": "string", "title": "Microphone", "description": "Its name as /api/v1/devices lists it; empty for none.",
      "default": "", "maxLength": 256
    }`
