package pattern

import (
	"encoding/json"
	"fmt"

	"weir/publisher"
)

// Schema is the JSON Schema of the pattern's parameters, for publisher.Kind. It says all of Params.Validate but how large
// width and height may be together, which Decode refuses.
func Schema() json.RawMessage {
	return json.RawMessage(`{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "width": {
      "type": "integer", "title": "Width", "description": "Of the picture.",
      "default": 1280, "minimum": 160, "maximum": 4096, "multipleOf": 2, "x-unit": "px"
    },
    "height": {
      "type": "integer", "title": "Height", "description": "Of the picture.",
      "default": 720, "minimum": 90, "maximum": 4096, "multipleOf": 2, "x-unit": "px"
    },
    "rate": {
      "type": "integer", "title": "Frame rate", "description": "How many pictures there are in a second.",
      "default": 30, "minimum": 1, "maximum": 120, "x-unit": "fps"
    },
    "bit_rate": {
      "type": "integer", "title": "Bit rate", "description": "That the video aims at. It can be changed without a new picture.",
      "default": 2500000, "minimum": 50000, "maximum": 100000000, "x-unit": "bit/s"
    },
    "left_hz": {
      "type": "integer", "title": "Left tone", "description": "Pitch of the tone on the left.",
      "default": 440, "minimum": 20, "maximum": 15000, "x-unit": "Hz"
    },
    "right_hz": {
      "type": "integer", "title": "Right tone", "description": "Pitch of the tone on the right.",
      "default": 880, "minimum": 20, "maximum": 15000, "x-unit": "Hz"
    }
  }
}`)
}

// Decode reads parameters that are valid by Schema, defaults filled in, for a stream of that name. The error is a
// *publisher.ParamError.
func Decode(stream string, params json.RawMessage) (Params, error) {
	var read struct {
		Width   int `json:"width"`
		Height  int `json:"height"`
		Rate    int `json:"rate"`
		BitRate int `json:"bit_rate"`
		LeftHz  int `json:"left_hz"`
		RightHz int `json:"right_hz"`
	}
	if err := json.Unmarshal(params, &read); err != nil {
		return Params{}, problem("params", "must be those of a pattern: "+err.Error())
	}
	p := Params{
		Name: stream, Width: read.Width, Height: read.Height, Rate: read.Rate, BitRate: read.BitRate,
		LeftHz: read.LeftHz, RightHz: read.RightHz,
	}
	if p.Width > 0 && p.Width*p.Height > maxPixels {
		return Params{}, problem("height", fmt.Sprintf("must be at most %d px where the picture is %d px wide",
			maxPixels/p.Width&^1, p.Width))
	}
	if err := p.Validate(); err != nil {
		return Params{}, problem("params", "must be those of a pattern: "+err.Error())
	}
	return p, nil
}

func problem(name, detail string) error {
	return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: name, Detail: detail}}}
}

// ChangeBitRate is for publisher.Program.WithChange: new parameters that differ from p in nothing but the bit rate are
// taken by calling set, which must be safe for any goroutine. All others need a new start.
func (p Params) ChangeBitRate(set func(bps int)) func(params json.RawMessage) (done bool, err error) {
	return func(params json.RawMessage) (bool, error) {
		next, err := Decode(p.Name, params)
		if err != nil {
			return false, err
		}
		same := p
		same.BitRate = next.BitRate
		if next != same {
			return false, nil
		}
		set(next.BitRate)
		return true, nil
	}
}
