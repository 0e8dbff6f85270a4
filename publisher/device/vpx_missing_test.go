//go:build cgo && !vpx

package device_test

import (
	"errors"
	"testing"

	"weir/publisher"
	"weir/publisher/device"
)

// Without libvpx the others are there, and VP8 says what is missing.
func TestWithoutVPX(t *testing.T) {
	_, err := device.VP8(publisher.VideoParams{Width: 640, Height: 360, Rate: 30, BitRate: 1e6})
	for _, err := range []error{err, device.MissingVP8()} {
		if !errors.Is(err, device.ErrNoVPX) {
			t.Errorf("got %v", err)
		}
	}
	if err := device.Missing(); err != nil {
		t.Error(err)
	}
}
