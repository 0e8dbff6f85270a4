//go:build cgo && linux

package device

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"weir/publisher"
	"weir/stream"
)

// params are what can be chosen of a camera.
type params struct {
	Device  string `json:"device"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	Rate    int    `json:"rate"`
	BitRate int    `json:"bit_rate"`
}

// decode reads parameters that are valid by the schema, defaults filled in. The error is a *publisher.ParamError.
func decode(raw json.RawMessage) (params, error) {
	var p params
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, problem("params", "must be those of a camera: "+err.Error())
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

// Camera is the kind of source that a camera is: private, since it shows a room.
func (v *Inventory) Camera() publisher.Kind {
	return publisher.Kind{
		Name: kindCamera, Title: "Camera", Description: cameraText, Private: true, Schema: json.RawMessage(cameraSchema),
		Choices: func(ctx context.Context) ([]publisher.Choice, error) { return v.choices(ctx, "device") },
		Absent:  v.absent,
		New:     v.newSource,
	}
}

// absent says that no device is plugged in.
func (v *Inventory) absent() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	if err := v.refresh(ctx); err != nil {
		return err
	}
	if len(v.sorted()) == 0 {
		return ErrNone
	}
	return nil
}

func isNoCamera(err error) bool { return errors.Is(err, ErrNotCamera) }

// A source is a camera's streams. It has the device open while one of its tracks is watched.
type source struct {
	*publisher.Program

	inventory *Inventory
	unit      *unit
}

// newSource looks for the device, which may take some time, and opens it for a moment only.
func (v *Inventory) newSource(_ string, raw json.RawMessage) (publisher.Source, error) {
	p, err := decode(raw)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTime)
	defer cancel()
	u, err := v.lookup(ctx, p.Device)
	if err != nil {
		return nil, &publisher.UnavailableError{Reason: err}
	}
	pictures, err := v.pictures(u, p.video())
	if err != nil {
		return nil, err
	}
	program := publisher.NewProgram(time.Now(), pictures...).WithChange(p.changeBitRate(func(bps int) {
		for _, r := range pictures {
			r.SetBitRate(bps)
		}
	}))
	return &source{Program: program, inventory: v, unit: u}, nil
}

// pictures are the renditions of a device's pictures, one for each codec that has an encoder.
func (v *Inventory) pictures(u *unit, params publisher.VideoParams) ([]*publisher.Rendition, error) {
	feed := func() (publisher.PictureFeed, error) { return v.tap(u, params), nil }
	h264, err := publisher.NewFedVideo(stream.Spec{Format: publisher.H264()}, params, feed, OpenH264)
	if err != nil {
		return nil, fmt.Errorf("make the picture in H.264: %w", err)
	}
	if MissingVP8() != nil {
		return []*publisher.Rendition{h264}, nil
	}
	vp8, err := publisher.NewFedVideo(stream.Spec{Format: publisher.VP8()}, params, feed, VP8)
	if err != nil {
		return nil, fmt.Errorf("make the picture in VP8: %w", err)
	}
	return []*publisher.Rendition{h264, vp8}, nil
}

// Run implements publisher.Source. When it returns, the device is closed, unless others use it or it hangs.
func (s *source) Run(ctx context.Context, p *stream.Publication) error {
	defer s.inventory.settle(s.unit)
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
