//go:build cgo && linux

package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/mediadevices/pkg/driver"

	"weir/publisher"
	"weir/stream"
)

// params are what can be chosen of a device that gives pictures.
type params struct {
	Device     string `json:"device"`
	Microphone string `json:"microphone"` // "": none
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Rate       int    `json:"rate"`
	BitRate    int    `json:"bit_rate"`
}

// decode reads parameters that are valid by the schema, defaults filled in. The error is a *publisher.ParamError.
func decode(raw json.RawMessage) (params, error) {
	var p params
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, problem("params", "must be those of a device: "+err.Error())
	}
	if p.Width > 0 && p.Height > mostPixels/p.Width {
		return p, problem("height", fmt.Sprintf("must be at most %d px where the picture is %d px wide", mostPixels/p.Width&^1, p.Width))
	}
	return p, nil
}

func problem(name, detail string) error {
	return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: name, Detail: detail}}}
}

// video is what the encoder gets.
func (p params) video() publisher.VideoParams {
	return publisher.VideoParams{Width: p.Width, Height: p.Height, Rate: p.Rate, BitRate: p.BitRate}
}

// soundBitRate of a microphone, bits a second.
const soundBitRate = 96_000

// Camera is the kind of source that a camera is: private, since it shows a room.
func (v *Inventory) Camera() publisher.Kind {
	return publisher.Kind{
		Name: kindCamera, Title: "Camera", Description: cameraText, Private: true, Schema: cameraSchema(v.hardware.sound),
		Choices: v.cameraChoices,
		Absent:  func(ctx context.Context) error { return v.absent(ctx, driver.Camera) },
		New:     v.newSource(driver.Camera),
		Restart: patience(),
	}
}

// patience is how devices are started again: one that was unplugged is waited for as long as that takes.
func patience() *publisher.Restart {
	return &publisher.Restart{Attempts: 1_000_000, Delay: time.Second, Longest: 10 * time.Second}
}

// Screen is the kind of source that a screen is: private too.
func (v *Inventory) Screen() publisher.Kind {
	k := publisher.Kind{
		Name: kindScreen, Title: "Screen", Description: screenText, Private: true, Schema: screenSchema(), Missing: missingScreens(),
	}
	if k.Missing == nil {
		k.Choices = func(ctx context.Context) ([]publisher.Choice, error) { return v.choices(ctx, driver.Screen, "device") }
		k.Absent = func(ctx context.Context) error { return v.absent(ctx, driver.Screen) }
		k.New, k.Restart = v.newSource(driver.Screen), patience()
	}
	return k
}

// cameraChoices are the cameras, and the microphones that may go with them.
func (v *Inventory) cameraChoices(ctx context.Context) ([]publisher.Choice, error) {
	all, err := v.choices(ctx, driver.Camera, "device")
	if err != nil || !v.hardware.sound {
		return all, err
	}
	sounds, err := v.choices(ctx, driver.Microphone, "microphone")
	if err != nil && !errors.Is(err, ErrNone) {
		return nil, err
	}
	return append(all, sounds...), nil
}

// absent says that no device of a kind is plugged in.
func (v *Inventory) absent(ctx context.Context, kind driver.DeviceType) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := v.refresh(ctx); err != nil {
		return err
	}
	if len(v.sorted(kind)) == 0 {
		return nothing(kind, "")
	}
	return nil
}

// A source is a device's stream. It has the device open while one of its tracks is watched.
type source struct {
	*publisher.Program

	inventory *Inventory
	units     []*unit
}

// newSource makes sources of one kind of device.
func (v *Inventory) newSource(kind driver.DeviceType) func(string, json.RawMessage) (publisher.Source, error) {
	return func(_ string, raw json.RawMessage) (publisher.Source, error) { return v.open(kind, raw) }
}

// open looks for the device, which may take some time, and opens it for a moment only.
func (v *Inventory) open(kind driver.DeviceType, raw json.RawMessage) (publisher.Source, error) {
	p, err := decode(raw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	u, err := v.lookup(ctx, kind, p.Device)
	if err != nil {
		return nil, &publisher.UnavailableError{Reason: err}
	}
	pictures, err := v.pictures(u, p.video())
	if err != nil {
		return nil, err
	}
	units, renditions := []*unit{u}, pictures
	if p.Microphone != "" {
		m, sound, err := v.sound(ctx, p.Microphone)
		if err != nil {
			return nil, err
		}
		units, renditions = append(units, m), append(slices.Clone(pictures), sound)
	}
	program := publisher.NewProgram(time.Now(), renditions...).WithChange(p.changeBitRate(func(bps int) {
		for _, r := range pictures {
			r.SetBitRate(bps)
		}
	}))
	return &source{Program: program, inventory: v, units: units}, nil
}

// pictures are the renditions of a device's pictures, one for each codec that has an encoder.
func (v *Inventory) pictures(u *unit, params publisher.VideoParams) ([]*publisher.Rendition, error) {
	feed := func() (publisher.PictureFeed, error) { return v.view(u, params), nil }
	h264, err := publisher.NewFedVideo(stream.Spec{Format: publisher.H264()}, params, feed, OpenH264)
	if err != nil {
		return nil, fmt.Errorf("make the picture in H.264: %w", err)
	}
	all := []*publisher.Rendition{h264}
	if MissingVP8() == nil {
		vp8, err := publisher.NewFedVideo(stream.Spec{Format: publisher.VP8()}, params, feed, VP8)
		if err != nil {
			return nil, fmt.Errorf("make the picture in VP8: %w", err)
		}
		all = append(all, vp8)
	}
	return all, nil
}

// sound is the rendition of a microphone.
func (v *Inventory) sound(ctx context.Context, name string) (*unit, *publisher.Rendition, error) {
	u, err := v.lookup(ctx, driver.Microphone, name)
	if err != nil {
		return nil, nil, &publisher.UnavailableError{Reason: err}
	}
	r, err := publisher.NewFedAudio(stream.Spec{Format: publisher.Opus()},
		publisher.AudioParams{Channels: soundChannels, BitRate: soundBitRate},
		func() (publisher.SoundFeed, error) { return v.ear(u), nil }, Opus)
	if err != nil {
		return nil, nil, fmt.Errorf("make the sound: %w", err)
	}
	return u, r, nil
}

// Run implements publisher.Source. When it returns, its devices are closed, but those that others use or that hang.
func (s *source) Run(ctx context.Context, p *stream.Publication) error {
	defer func() {
		for _, u := range s.units {
			s.inventory.settle(u)
		}
	}()
	return s.Program.Run(ctx, p)
}

// changeBitRate is for publisher.Program.WithChange: see publisher.Changer.
func (p params) changeBitRate(set func(bps int)) func(raw json.RawMessage) (bool, error) {
	return func(raw json.RawMessage) (bool, error) {
		next, err := decode(raw)
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
