package file

import (
	"bytes"
	"context"
)

// ProbeBytes is Probe of what a file holds.
func ProbeBytes(ctx context.Context, b []byte) (Report, error) {
	return probeAt(ctx, "clip", bytes.NewReader(b), int64(len(b)), false)
}
