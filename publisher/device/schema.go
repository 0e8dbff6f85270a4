package device

import (
	"fmt"
	"runtime"
)

// kindCamera is the kind of source that a camera is.
const kindCamera = "camera"

const cameraText = "A camera of this machine. It is on only while somebody watches; streams of one camera share it."

// cameraSchema is the JSON Schema of a camera's parameters, for publisher.Kind.
const cameraSchema = `{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "device": {
      "type": "string", "title": "Camera", "description": "Its name as /api/v1/devices lists it; empty for the first that works.",
      "default": "", "maxLength": 256
    },
    "width": {
      "type": "integer", "title": "Width", "description": "Of the picture; the camera's nearest size is fitted in.",
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
      "type": "integer", "title": "Bit rate", "description": "That the video aims at. It can be changed while the camera runs.",
      "default": 2500000, "minimum": 50000, "maximum": 100000000, "x-unit": "bit/s"
    }
  }
}`

// noDrivers says why this build has no cameras.
func noDrivers() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("cameras are there on Linux only, this is %s", runtime.GOOS)
	}
	return ErrNoCgo
}
