package pattern

import (
	"errors"
	"fmt"
)

// Bounds of Params. The least size leaves four pixels for a block; the most pixels are what OpenH264 takes (level 5.2).
const (
	minWidth, minHeight = 160, 90
	maxSide             = 4096
	maxPixels           = 9_437_184
	minRate, maxRate    = 1, 120
	minTone, maxTone    = 20, 15_000
	minBits, maxBits    = 50_000, 100_000_000
	maxName             = 64
)

// Params are what can be chosen of a pattern.
type Params struct {
	Name          string // of the stream, shown in the card
	Width, Height int    // pixels, even
	Rate          int    // pictures a second
	BitRate       int    // of the video, bits a second
	LeftHz        int    // tone of the left channel
	RightHz       int    // tone of the right channel
	// Recorded draws a card for a clip: it says that its clock is not live, and the clock counts from zero.
	Recorded bool
}

// Default is the pattern that plays when nothing is chosen.
func Default(name string) Params {
	return Params{
		Name: name, Width: 1280, Height: 720, Rate: 30, BitRate: 2_500_000,
		LeftHz: 440, RightHz: 880,
	}
}

// Validate returns all that is wrong with the parameters, joined, or nil.
func (p Params) Validate() error {
	var errs []error
	within := func(what string, v, least, most int, unit string) {
		if v < least || v > most {
			errs = append(errs, fmt.Errorf("%s %d%s: must be %d to %d", what, v, unit, least, most))
		}
	}
	if p.Width < minWidth || p.Height < minHeight || max(p.Width, p.Height) > maxSide || p.Width*p.Height > maxPixels {
		errs = append(errs, fmt.Errorf("size %dx%d: must be at least %dx%d, at most %d a side and at most %d pixels in all",
			p.Width, p.Height, minWidth, minHeight, maxSide, maxPixels))
	} else if p.Width%2 != 0 || p.Height%2 != 0 {
		errs = append(errs, fmt.Errorf("size %dx%d: width and height must be even", p.Width, p.Height))
	}
	within("rate", p.Rate, minRate, maxRate, " pictures a second")
	within("bit rate", p.BitRate, minBits, maxBits, " bit/s")
	within("left tone", p.LeftHz, minTone, maxTone, " Hz")
	within("right tone", p.RightHz, minTone, maxTone, " Hz")
	if len(p.Name) > maxName {
		errs = append(errs, fmt.Errorf("name of %d bytes: must be at most %d", len(p.Name), maxName))
	}
	return errors.Join(errs...)
}
