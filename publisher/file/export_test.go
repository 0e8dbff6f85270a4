package file

import (
	"bytes"
	"context"
	"io"
	"time"
)

// ProbeBytes is Probe of what a file holds.
func ProbeBytes(ctx context.Context, b []byte) (Report, error) {
	return ProbeAt(ctx, bytes.NewReader(b), int64(len(b)))
}

// ProbeAt is Probe of so many bytes.
func ProbeAt(ctx context.Context, r io.ReaderAt, size int64) (Report, error) {
	return probeAt(ctx, "clip", r, size)
}

// Seek goes to a time of a file, as a player does.
func Seek(ctx context.Context, r io.ReaderAt, size int64, at time.Duration) error {
	d, err := openAt(ctx, r, size)
	if err != nil {
		return err
	}
	return d.restart(at)
}
