package main

import (
	"fmt"
	"slices"
	"time"

	"weir/publisher"
	"weir/publisher/clip"
	"weir/publisher/device"
	"weir/publisher/pattern"
	"weir/stream"
)

// A slate is a card that says what is waited for, drawn anew only to be encoded.
const (
	slateWidth   = 1280
	slateHeight  = 720
	slateRate    = 2       // pictures a second
	slateBitRate = 400_000 // bits a second
)

// slate is a program whose tracks have no title: a publisher follows on them.
type slate struct{ *publisher.Program }

func (s slate) Specs() []stream.Spec {
	specs := slices.Clone(s.Program.Specs())
	for i := range specs {
		specs[i].Title = ""
	}
	return specs
}

// newSlate is the card by our own encoder, or else the clip, which also stands in
// for the codec that has none.
func newSlate(name string) (publisher.Source, error) {
	h264, err := slateH264(name)
	if err != nil {
		return nil, err
	}
	vp8, err := clip.VP8()
	if err != nil {
		return nil, fmt.Errorf("load the clip: %w", err)
	}
	return slate{publisher.NewProgram(time.Now(), h264, vp8)}, nil
}

func slateH264(name string) (*publisher.Rendition, error) {
	if device.Missing() != nil {
		r, err := clip.H264()
		if err != nil {
			return nil, fmt.Errorf("load the clip: %w", err)
		}
		return r, nil
	}
	card, err := pattern.NewNotice(slateWidth, slateHeight, "Waiting for", name)
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	r, err := publisher.NewVideo(stream.Spec{Format: publisher.H264()},
		publisher.VideoParams{Width: slateWidth, Height: slateHeight, Rate: slateRate, BitRate: slateBitRate}, card, device.OpenH264)
	if err != nil {
		return nil, fmt.Errorf("make the picture: %w", err)
	}
	return r, nil
}
