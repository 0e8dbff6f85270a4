package exec

import (
	"encoding/json"
	"fmt"
	"time"

	"weir/publisher"
)

// Params are the parameters of a source. They are decoded from what Schema describes.
type Params struct {
	Input     string `json:"input"`
	User      string `json:"user"`
	Password  string `json:"password"` // secret
	Query     string `json:"query"`    // secret
	Transport string `json:"transport"`
	Video     bool   `json:"video"`
	Audio     bool   `json:"audio"`
	Copy      bool   `json:"copy"`
	BitRate   int    `json:"bit_rate"`
	MaxHeight int    `json:"max_height"`
	Timeout   int    `json:"timeout"` // seconds
}

// timeout is how long nothing may come of the child.
func (p Params) timeout() time.Duration { return time.Duration(p.Timeout) * time.Second }

// Schema describes the parameters (JSON Schema 2020-12).
func Schema() json.RawMessage {
	return json.RawMessage(`{
		"type": "object",
		"additionalProperties": false,
		"required": ["input"],
		"properties": {
			"input": {
				"type": "string", "title": "Input", "minLength": 1, "maxLength": 2048,
				"description": "A URL (rtsp, rtmp, srt, http and others), a device such as v4l2:/dev/video0, or lavfi: and a graph of filters. What would follow a URL's ? is the parameter query. The configuration says which may be opened: ffmpeg.inputs. Certificates are verified of https and rtmps alone. A server of RTSP can redirect FFmpeg to any host, with user and password: it must be trusted."
			},
			"user": {"type": "string", "title": "User", "maxLength": 256, "default": "", "description": "For the input's server."},
			"password": {"type": "string", "title": "Password", "maxLength": 256, "writeOnly": true, "description": "For the input's server. It is never shown again."},
			"query": {"type": "string", "title": "Secret query", "maxLength": 1024, "writeOnly": true, "description": "Put behind the input's URL: passphrase=... of SRT, a key. It is never shown again."},
			"transport": {"type": "string", "title": "Transport of RTSP", "enum": ["tcp", "udp"], "default": "tcp", "description": "UDP is for cameras that know no other."},
			"video": {"type": "boolean", "title": "Picture", "default": true, "description": "Take the input's first video track."},
			"audio": {"type": "boolean", "title": "Sound", "default": true, "description": "Take the input's first audio track."},
			"copy": {"type": "boolean", "title": "Copy what fits", "default": true, "description": "Pass H.264 without B-frames and Opus on as they are. All else is always transcoded."},
			"bit_rate": {"type": "integer", "title": "Bit rate", "minimum": 100000, "maximum": 20000000, "default": 2500000, "x-unit": "bit/s", "description": "Of a picture that is transcoded."},
			"max_height": {"type": "integer", "title": "Greatest height", "minimum": 144, "maximum": 2160, "multipleOf": 2, "default": 1080, "x-unit": "px", "description": "Larger pictures that are transcoded are made smaller."},
			"timeout": {"type": "integer", "title": "Patience", "minimum": 2, "maximum": 120, "default": 15, "x-unit": "s", "description": "After so long without a picture or a sound FFmpeg is started anew."}
		}
	}`)
}

// decode reads parameters that are valid by Schema. The error is a *publisher.ParamError.
func (f *FFmpeg) decode(text json.RawMessage) (Params, input, error) {
	var p Params
	if err := json.Unmarshal(text, &p); err != nil {
		return Params{}, input{}, fmt.Errorf("read parameters: %w", err)
	}
	in, err := f.opts.Allowed.parse(p)
	if err != nil {
		return Params{}, input{}, problem("input", err.Error())
	}
	if !p.Video && !p.Audio {
		return Params{}, input{}, problem("video", "and audio are both false: nothing is left to play")
	}
	return p, in, nil
}

func problem(name, detail string) error {
	return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: name, Detail: detail}}}
}
