package main

import (
	"encoding/json"
	"fmt"
	"time"

	"weir/publisher"
	"weir/publisher/clip"
	"weir/publisher/device"
	"weir/publisher/file"
	"weir/publisher/pattern"
	"weir/stream"
)

// soundBitRate of the test pattern, bits a second.
const soundBitRate = 96_000

// The kinds of source that can run.
const (
	kindPattern = "pattern"
	kindClip    = "clip"
)

// kinds are the kinds of source, in the order in which they are offered; those
// that cannot run here say why.
func kinds(devices *device.Inventory, files file.Options) []publisher.Kind {
	return []publisher.Kind{
		{
			Name: kindPattern, Title: "Test pattern",
			Description: "Moving bars with a clock, a flash and a beep each second, and a tone on each side.",
			Schema:      pattern.Schema(), Missing: device.Missing(), New: newPattern,
		},
		{
			Name: kindClip, Title: "Recorded clip",
			Description: "A few seconds of the test pattern, over and over. It needs no encoder; its clock is not live.",
			New:         newClip,
		},
		devices.Camera(), devices.Screen(),
		file.Kind(files),
	}
}

// newPattern is drawn and encoded on demand, by one encoder for each codec.
func newPattern(name string, params json.RawMessage) (publisher.Source, error) {
	p, err := pattern.Decode(name, params)
	if err != nil {
		return nil, err // a *publisher.ParamError, for the caller
	}
	pictures, err := newPictures(publisher.VideoParams{Width: p.Width, Height: p.Height, Rate: p.Rate, BitRate: p.BitRate},
		func() (publisher.Picture, error) { return pattern.NewPainter(p) })
	if err != nil {
		return nil, err
	}
	opus, err := publisher.NewAudio(stream.Spec{Format: publisher.Opus()},
		publisher.AudioParams{Channels: 2, BitRate: soundBitRate}, pattern.NewSound(p), device.Opus)
	if err != nil {
		return nil, fmt.Errorf("make the sound: %w", err)
	}
	setBitRate := func(bps int) {
		for _, r := range pictures {
			r.SetBitRate(bps)
		}
	}
	return publisher.NewProgram(time.Now(), append(pictures, opus)...).WithChange(p.ChangeBitRate(setBitRate)), nil
}

// newClip needs no encoder.
func newClip(string, json.RawMessage) (publisher.Source, error) {
	renditions, err := clip.Renditions()
	if err != nil {
		return nil, fmt.Errorf("load the clip: %w", err)
	}
	return publisher.NewProgram(time.Now(), renditions...), nil
}
