package file

import (
	"bytes"
	"context"
	"io"
	"time"
)

// Missing is what Library.Open makes of an error.
func Missing(err error) error { return missing(err) }

// ListAtMost makes a library list so many files.
func (l *Library) ListAtMost(n int) { l.most = n }

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
