package container

import (
	"context"
	"io"

	"weir/internal/media"
)

// recovered makes a panic of who defers it an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = media.Damagedf("it makes no sense to its reader: %v", p)
	}
}

// A readerAt is an io.ReaderAt.
type readerAt func(p []byte, at int64) (int, error)

// ReadAt implements io.ReaderAt.
func (r readerAt) ReadAt(p []byte, at int64) (int, error) { return r(p, at) }

// untilDone reads from r until ctx is done: so whatever goes through a file ends then.
func untilDone(ctx context.Context, r io.ReaderAt) io.ReaderAt {
	return readerAt(func(p []byte, at int64) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err //nolint:wrapcheck // the caller knows what it was doing
		}
		return r.ReadAt(p, at) //nolint:wrapcheck // as the interface says
	})
}
