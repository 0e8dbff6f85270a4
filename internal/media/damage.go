package media

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

var (
	// ErrDamaged is wrapped by errors about bytes that cannot be what they should be.
	ErrDamaged = errors.New("the file is damaged")
	// ErrUnsupported is wrapped by errors about files that are sound but cannot be played here.
	ErrUnsupported = errors.New("the file cannot be played")
)

// Damagedf is an ErrDamaged with its particulars.
func Damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// Idle is an error where so many parts of a file, or bytes of tracks to play, held no unit.
func Idle(parts, most int, bytes int64) error {
	switch {
	case parts >= most:
		return Damagedf("%d parts in a row hold nothing", parts)
	case bytes > MaxIdleBytes:
		return Damagedf("%d bytes in a row hold nothing", bytes)
	default:
		return nil
	}
}

const (
	// MaxUnit is the largest unit that is read, in bytes: a key frame of 4K video has a few million.
	MaxUnit = 8 << 20
	// MaxPrivate is the most that a codec's own data of a track may take, in bytes.
	MaxPrivate = 64 << 10
	// MaxTracks is how many tracks of a file are looked at.
	MaxTracks = 64
	// MaxIdle is how many parts of a file may follow each other that hold no unit.
	MaxIdle = 1_000_000
	// MaxIdleBytes is how many bytes of the tracks to play may follow each other that come to no unit.
	MaxIdleBytes = 64 << 20
	// MaxTime is the longest that a file may last; the sum of two such times is still a time.
	MaxTime = 1000 * time.Hour
)

// Cut is the error of reading where the file must not end yet.
func Cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Damagedf("it ends in the middle: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// Clean makes a text of a file fit to be shown: short, and of printable ASCII.
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 40)]
}
