package file_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"weir/publisher/file"
)

// However the bytes of a file were damaged, reading it ends, and with nothing but an end or an error that says so.
func FuzzMatroska(f *testing.F) {
	f.Add(laced(0, 0xfc, 1))
	f.Add(laced(1, 1, 200, 0xfc))
	f.Add(laced(2, 2, 0xfc, 1, 0xfc, 2, 0xfc, 3))
	f.Add(laced(3, 2, 0x41, 0x2C, 0x5F, 0xD5, 0xfc))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := file.ReadMatroska(t.Context(), onlyReader{bytes.NewReader(b)})
		for err == nil {
			_, err = m.Next()
		}
		if !errors.Is(err, io.EOF) && !errors.Is(err, file.ErrDamaged) {
			t.Error(err)
		}
	})
}
