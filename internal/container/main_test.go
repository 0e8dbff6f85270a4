package container_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/codec"
	"weir/internal/container"
	"weir/internal/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// How much of a file is looked at.
const (
	lookUnits = 1500
	lookBytes = 24 << 20
	lookMedia = 15 * time.Second
)

// A looked is what was found in a file.
type looked struct {
	media.Info
	starts int // units of the picture, or without one of the sound, that a decoder can start on
}

func (l looked) playable() bool { return l.starts > 0 }

// look opens so many bytes, and reads what a player would of their beginning.
func look(ctx context.Context, r io.ReaderAt, size int64) (found looked, err error) {
	reader, err := container.Open(ctx, r, size)
	if err != nil {
		return found, err
	}
	found.Info = reader.About()
	kind := codec.Audio
	if video, _ := media.Choose(found.Tracks); video >= 0 {
		kind = codec.Video
	}
	bytes := 0
	for units := 0; units < lookUnits && bytes < lookBytes; units++ {
		u, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return found, err
		}
		if bytes += len(u.Data); u.PTS > lookMedia {
			break
		}
		if u.Key && found.Tracks[u.Track].Kind == kind {
			found.starts++
		}
	}
	return found, nil
}

// seek goes to a time of a file, as a player does.
func seek(ctx context.Context, r io.ReaderAt, size int64, at time.Duration) error {
	reader, err := container.Open(ctx, r, size)
	if err != nil {
		return err
	}
	return reader.Restart(at)
}
