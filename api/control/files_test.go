package control_test

import (
	"testing"

	"weir/api/control"
)

func FuzzContentRange(f *testing.F) {
	for _, field := range []string{"bytes 0-4/10", "bytes 4-0/10", "bytes */10", "bytes 0-4/*", "bytes=0-4/10", "bytes 0-18446744073709551615/1", "x 0-0/1", "bytes +0-0/1"} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		offset, length, size, err := control.ParseContentRange(field)
		if err == nil && (offset < 0 || length < 1 || offset > size-length) {
			t.Errorf("%q: %d bytes at %d of %d", field, length, offset, size)
		}
	})
}
