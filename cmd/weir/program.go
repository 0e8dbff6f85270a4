package main

import (
	"fmt"
	"log/slog"
	"time"

	"weir/publisher"
	"weir/publisher/clip"
	"weir/publisher/device"
	"weir/publisher/pattern"
	"weir/stream"
)

// soundBitRate of the test pattern, bits a second.
const soundBitRate = 96_000

// testProgram is the test pattern by the encoders that are built in. The
// embedded clip stands in for those that are not.
func testProgram(log *slog.Logger) (*publisher.Program, error) {
	open := livePattern
	if err := device.Missing(); err != nil {
		log.Warn("the test stream is the embedded clip, whose clock is not live", "reason", err)
		open = recordedClip
	} else {
		log.Info("players without h.264 get the embedded clip, whose clock is not live", "reason", "no vp8 encoder is built in")
	}
	renditions, err := open()
	if err != nil {
		return nil, err
	}
	return publisher.NewProgram(time.Now(), renditions...), nil
}

// livePattern is drawn and encoded on demand.
func livePattern() ([]*publisher.Rendition, error) {
	p := pattern.Default(defaultStream)
	painter, err := pattern.NewPainter(p)
	if err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	h264, err := publisher.NewVideo(stream.Spec{Format: publisher.H264()},
		publisher.VideoParams{Width: p.Width, Height: p.Height, Rate: p.Rate, BitRate: p.BitRate},
		painter, device.OpenH264)
	if err != nil {
		return nil, fmt.Errorf("make the picture: %w", err)
	}
	opus, err := publisher.NewAudio(stream.Spec{Format: publisher.Opus()},
		publisher.AudioParams{Channels: 2, BitRate: soundBitRate}, pattern.NewSound(p), device.Opus)
	if err != nil {
		return nil, fmt.Errorf("make the sound: %w", err)
	}
	vp8, err := clip.VP8()
	if err != nil {
		return nil, fmt.Errorf("load the clip: %w", err)
	}
	return []*publisher.Rendition{h264, vp8, opus}, nil
}

// recordedClip needs no encoder.
func recordedClip() ([]*publisher.Rendition, error) {
	var all []*publisher.Rendition
	for _, load := range []func() (*publisher.Rendition, error){clip.H264, clip.VP8, clip.Opus} {
		r, err := load()
		if err != nil {
			return nil, fmt.Errorf("load the clip: %w", err)
		}
		all = append(all, r)
	}
	return all, nil
}

// encoders names what is built in, for -version.
func encoders() string {
	if device.Missing() != nil {
		return "no encoders"
	}
	return "encoders: H.264 (OpenH264), Opus (libopus)"
}
