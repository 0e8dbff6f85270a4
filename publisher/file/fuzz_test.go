package file_test

import (
	"errors"
	"testing"

	"weir/internal/media"
	"weir/internal/mediatest"
	"weir/publisher/file"
)

// Whatever stands in a file, the probe ends with a report, or with an error that says what is wrong.
func FuzzProbe(f *testing.F) {
	for _, b := range [][]byte{
		mediatest.MP4(false), mediatest.MP4(true), mediatest.IVF(), mediatest.Ogg(), mediatest.ByteStream(), mediatest.Laced(0, 0xfc, 1),
		mediatest.TwoKinds(),
	} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := file.ProbeBytes(t.Context(), b); err != nil && !errors.Is(err, media.ErrDamaged) && !errors.Is(err, media.ErrUnsupported) {
			t.Error(err)
		}
	})
}
