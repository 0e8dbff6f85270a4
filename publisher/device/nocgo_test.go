//go:build !cgo

package device_test

import (
	"errors"
	"testing"

	"weir/publisher"
	"weir/publisher/device"
)

// Without cgo, all that is asked for says what is missing.
func TestMissing(t *testing.T) {
	_, h264 := device.OpenH264(publisher.VideoParams{Width: 640, Height: 360, Rate: 30, BitRate: 1e6})
	_, opus := device.Opus(publisher.AudioParams{Channels: 2, BitRate: 96_000})
	_, vp8 := device.VP8(publisher.VideoParams{Width: 640, Height: 360, Rate: 30, BitRate: 1e6})
	for _, err := range []error{h264, opus, vp8, device.Missing(), device.MissingVP8()} {
		if !errors.Is(err, device.ErrNoCgo) {
			t.Errorf("got %v", err)
		}
	}
}
