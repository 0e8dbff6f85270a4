package main

import (
	"fmt"
	"strings"

	"weir/publisher"
	"weir/publisher/clip"
	"weir/publisher/device"
	"weir/stream"
)

// An encoder is one that can be built in.
type encoder struct {
	codec, library string // as people call them
	missing        error  // why it is not built in; nil: it is
}

// allEncoders are those that there can be, in the order of preference.
func allEncoders() []encoder {
	return []encoder{
		{"H.264", "OpenH264", device.Missing()},
		{"VP8", "libvpx", device.MissingVP8()},
		{"Opus", "libopus", device.Missing()},
	}
}

// builtIn names the encoders.
func builtIn() []string {
	var names []string
	for _, e := range allEncoders() {
		if e.missing == nil {
			names = append(names, e.codec+" ("+e.library+")")
		}
	}
	return names
}

// encoderLine is builtIn for -version.
func encoderLine() string {
	names := builtIn()
	if len(names) == 0 {
		return "no encoders"
	}
	return "encoders: " + strings.Join(names, ", ")
}

// tellEncoders logs which encoders there are, and why others are missing.
func (s *server) tellEncoders() {
	if names := builtIn(); len(names) > 0 {
		s.log.Info("encoders are built in", "codec", strings.Join(names, ", "))
	}
	for _, e := range allEncoders() {
		if e.missing != nil {
			s.log.Info("no encoder is built in; the embedded clip, whose clock is not live, stands in", "codec", e.codec, "reason", e.missing)
		}
	}
}

// newPictures are the renditions of a picture, one for each codec, the preferred
// one first; each gets a drawer of its own from draw. The clip stands in for a
// codec that has no encoder.
func newPictures(params publisher.VideoParams, draw func() (publisher.Picture, error)) ([]*publisher.Rendition, error) {
	var all []*publisher.Rendition
	for _, c := range []struct {
		spec    stream.Spec
		missing error
		open    publisher.NewVideoEncoder
		clip    func() (*publisher.Rendition, error)
	}{
		{stream.Spec{Format: publisher.H264()}, device.Missing(), device.OpenH264, clip.H264},
		{stream.Spec{Format: publisher.VP8()}, device.MissingVP8(), device.VP8, clip.VP8},
	} {
		made := c.clip
		if c.missing == nil {
			made = func() (*publisher.Rendition, error) {
				picture, err := draw()
				if err != nil {
					return nil, fmt.Errorf("draw: %w", err)
				}
				return publisher.NewVideo(c.spec, params, picture, c.open)
			}
		}
		r, err := made()
		if err != nil {
			return nil, fmt.Errorf("make the picture in %s: %w", c.spec.Format.Name, err)
		}
		all = append(all, r)
	}
	return all, nil
}
