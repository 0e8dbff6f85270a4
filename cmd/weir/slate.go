package main

import (
	"slices"
	"time"

	"weir/publisher"
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

// card is a program whose tracks have no title: a publisher follows on them.
type card struct{ *publisher.Program }

func (s card) Specs() []stream.Spec {
	specs := slices.Clone(s.Program.Specs())
	for i := range specs {
		specs[i].Title = ""
	}
	return specs
}

// newSlate is the card by our own encoders, or else the clip.
func newSlate(name string) (publisher.Source, error) {
	pictures, err := newPictures(
		publisher.VideoParams{Width: slateWidth, Height: slateHeight, Rate: slateRate, BitRate: slateBitRate},
		func() (publisher.Picture, error) {
			return pattern.NewNotice(slateWidth, slateHeight, "Waiting for", name)
		})
	if err != nil {
		return nil, err
	}
	return card{publisher.NewProgram(time.Now(), pictures...)}, nil
}
