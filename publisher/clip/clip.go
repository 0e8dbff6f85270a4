// Package clip is a few seconds of the test pattern, encoded already and embedded: it plays where no encoder is built in.
//
// The clip is a whole number of seconds long with a key frame at each, so it loops without a seam and in phase with the
// pattern: at a time t after the program's start it shows picture t·Rate modulo Frames, and its flash and its beep fall
// together with the pattern's. Its blocks say that its clock is not live, and so does a line in the picture.
//
// A key frame cannot be made on demand: whoever joins waits for the next second. When nobody watched before, the last
// second's key frame is shown at once and stands until then.
//
// The files were made by make.go from the pattern itself:
//
//	clip.h264  H.264 constrained baseline, byte stream with an access unit delimiter before each picture, no B-frames
//	clip.ivf   VP8 without invisible pictures
//	clip.opus  Opus in Ogg, one 20 ms packet a page, cut so that its end fits its beginning
package clip

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"weir/internal/codec"
	"weir/publisher"
	"weir/stream"
)

//go:generate go run make.go

// What the clip is.
const (
	Seconds = 10
	Rate    = 30             // pictures a second
	Frames  = Seconds * Rate // pictures in all
	Width   = 640
	Height  = 360
)

// slack is by how many pictures the clip may be late before pictures are left out. A later picture cannot be decoded without
// the ones before it, so leaving one out stops the picture until the next key frame; these are small enough to catch up.
const slack = 6

var (
	//go:embed clip.h264
	h264 []byte
	//go:embed clip.ivf
	vp8 []byte
	//go:embed clip.opus
	opus []byte
)

// H264 returns the rendition that stands in for an H.264 encoder.
func H264() (*publisher.Rendition, error) {
	units, err := splitH264(h264)
	return rendition(publisher.H264(), Rate, slack, units, err)
}

// VP8 returns the rendition that stands in for a VP8 encoder.
func VP8() (*publisher.Rendition, error) {
	units, err := splitVP8(vp8)
	return rendition(publisher.VP8(), Rate, slack, units, err)
}

// Opus returns the rendition that stands in for an Opus encoder.
func Opus() (*publisher.Rendition, error) {
	units, err := splitOpus(opus)
	return rendition(publisher.Opus(), publisher.SoundRate, publisher.SoundSlack, units, err)
}

// Renditions are the whole clip, in the order of preference of a player.
func Renditions() ([]*publisher.Rendition, error) {
	var all []*publisher.Rendition
	for _, load := range []func() (*publisher.Rendition, error){H264, VP8, Opus} {
		r, err := load()
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

func rendition(f codec.Format, rate, slack int, units []unit, err error) (*publisher.Rendition, error) {
	if err == nil && len(units) != Seconds*rate {
		err = fmt.Errorf("%d units, must be %d", len(units), Seconds*rate)
	}
	if err != nil {
		return nil, fmt.Errorf("clip in %s: %w", f, err)
	}
	title := "Recorded clip: no Opus encoder is built in"
	if f.Kind() == codec.Video {
		title = "Recorded clip: no " + f.Name + " encoder is built in, so its clock is not live"
	}
	return publisher.NewRendition(publisher.RenditionOptions{
		Spec: stream.Spec{Format: f, Title: title}, Rate: rate, Slack: slack,
		Open: func() (publisher.Encoder, error) { return &loop{units: units}, nil },
	})
}

// A unit is a picture or a packet of sound.
type unit struct {
	data []byte
	key  bool // a decoder can start here; of sound, always
}

// A loop plays units over and over, in phase with their number. It implements publisher.Encoder.
type loop struct {
	units  []unit
	next   int64 // the unit that the decoder can take; any key unit while not in step
	inStep bool
	shown  bool // the still picture
}

// Encode returns unit n of the endless loop. Out of step, that is at the start and after units were left out, it returns
// nothing until the next key unit; only at the very start it returns the last one at once.
func (l *loop) Encode(n int64, _ time.Time, _ bool) ([]byte, error) {
	i := int(n % int64(len(l.units)))
	if l.units[i].key || l.inStep && n == l.next {
		l.inStep, l.shown, l.next = true, true, n+1
		return l.units[i].data, nil
	}
	l.inStep = false
	if l.shown {
		return nil, nil
	}
	l.shown = true
	for !l.units[i].key { // unit 0 is one
		i--
	}
	return l.units[i].data, nil
}

// Close implements publisher.Encoder.
func (l *loop) Close() error { return nil }

// NAL unit types (ITU-T H.264 table 7-1).
const (
	nalIDR = 5
	nalAUD = 9
)

var errNoKeyUnit = errors.New("does not begin with a key frame")

// splitH264 cuts a byte stream into access units, at their delimiters, which it leaves out.
func splitH264(b []byte) ([]unit, error) {
	var units []unit
	for nal := range codec.NALUnits(b) {
		kind := nal[0] & 0x1f
		if kind == nalAUD {
			units = append(units, unit{})
			continue
		}
		if len(units) == 0 {
			return nil, errors.New("no access unit delimiter at the beginning")
		}
		u := &units[len(units)-1]
		u.data = append(append(u.data, 0, 0, 0, 1), nal...)
		u.key = u.key || kind == nalIDR
	}
	return beginsWithKey(units)
}

// splitVP8 reads IVF. The lowest bit of a VP8 frame is 0 in a key frame (RFC 6386 9.1).
func splitVP8(b []byte) ([]unit, error) {
	r, _, err := ivfreader.NewWith(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("read IVF header: %w", err)
	}
	var units []unit
	for {
		data, _, err := r.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			return beginsWithKey(units)
		}
		if err != nil || len(data) == 0 {
			return nil, fmt.Errorf("read IVF frame %d of %d bytes: %w", len(units), len(data), err)
		}
		units = append(units, unit{data: data, key: data[0]&1 == 0})
	}
}

// splitOpus reads Ogg with one packet a page; the first two are headers (RFC 7845 3).
func splitOpus(b []byte) ([]unit, error) {
	r, _, err := oggreader.NewWith(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("read Ogg header: %w", err)
	}
	var units []unit
	for tags := true; ; tags = false {
		data, _, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return beginsWithKey(units)
		}
		if err != nil {
			return nil, fmt.Errorf("read Ogg page %d: %w", len(units), err)
		}
		if !tags {
			units = append(units, unit{data: data, key: true})
		}
	}
}

func beginsWithKey(units []unit) ([]unit, error) {
	if len(units) == 0 || !units[0].key {
		return nil, errNoKeyUnit
	}
	return units, nil
}
