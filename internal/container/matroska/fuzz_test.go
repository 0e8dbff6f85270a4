package matroska_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"weir/internal/container/matroska"
	"weir/internal/media"
	"weir/internal/mediatest"
)

// However the bytes of a file were damaged, reading it ends, and with nothing but an end or an error that says so.
func FuzzMatroska(f *testing.F) {
	f.Add(mediatest.Laced(0, 0xfc, 1))
	f.Add(mediatest.Laced(1, 1, 200, 0xfc))
	f.Add(mediatest.Laced(2, 2, 0xfc, 1, 0xfc, 2, 0xfc, 3))
	f.Add(mediatest.Laced(3, 2, 0x41, 0x2C, 0x5F, 0xD5, 0xfc))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := matroska.Read(t.Context(), onlyReader{bytes.NewReader(b)})
		for err == nil {
			_, err = m.Next()
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, media.ErrDamaged) {
			t.Error(err)
		}
	})
}
