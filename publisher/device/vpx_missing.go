//go:build !cgo || !vpx

package device

import (
	"fmt"

	"weir/publisher"
)

// MissingVP8 is why there is no VP8 encoder, nil where it is built in.
func MissingVP8() error {
	if err := Missing(); err != nil {
		return err
	}
	return ErrNoVPX
}

// VP8 returns the error of MissingVP8.
func VP8(publisher.VideoParams) (publisher.VideoEncoder, error) {
	return nil, fmt.Errorf("libvpx: %w", MissingVP8())
}
