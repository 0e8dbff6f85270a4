//go:build !cgo

package device

import (
	"fmt"

	"weir/publisher"
)

// Missing is why encoders are missing, nil where they are built in.
func Missing() error { return ErrNoCgo }

// OpenH264 returns ErrNoCgo.
func OpenH264(publisher.VideoParams) (publisher.VideoEncoder, error) {
	return nil, fmt.Errorf("OpenH264: %w", ErrNoCgo)
}

// Opus returns ErrNoCgo.
func Opus(publisher.AudioParams) (publisher.AudioEncoder, error) {
	return nil, fmt.Errorf("libopus: %w", ErrNoCgo)
}
