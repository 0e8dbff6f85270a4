package container_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"weir/internal/media"
	"weir/internal/mediatest"
)

// seeds are files that play, one of each kind.
func seeds() map[string][]byte {
	return map[string][]byte{
		"MP4": mediatest.MP4(false), "fragmented MP4": mediatest.MP4(true), "IVF": mediatest.IVF(), "Ogg": mediatest.Ogg(),
		"H264 byte stream": mediatest.ByteStream(), "Matroska": mediatest.Laced(0, 0xfc, 1),
	}
}

// Whatever stands in a file, reading it comes to an end, from its beginning and from elsewhere, or to an error that says what
// is wrong.
func FuzzFile(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Add(mediatest.TwoKinds())
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := look(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err == nil {
			err = seek(t.Context(), bytes.NewReader(b), int64(len(b)), time.Second)
		}
		if err != nil && !errors.Is(err, media.ErrDamaged) && !errors.Is(err, media.ErrUnsupported) {
			t.Error(err)
		}
	})
}

// The seeds are files that play: else the fuzzer would begin far from what it is to reach.
func TestSeeds(t *testing.T) {
	for name, b := range seeds() {
		if found, err := look(t.Context(), bytes.NewReader(b), int64(len(b))); err != nil || !found.playable() || found.Container != name {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}
}
