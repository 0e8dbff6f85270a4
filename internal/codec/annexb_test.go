package codec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
)

// join is NAL units, named by their type, as a byte stream.
func join(types ...byte) []byte {
	var b []byte
	for i, kind := range types {
		b = append(b, 0, 0, 0, 1)
		if i%2 == 1 {
			b = append(b[:len(b)-4], 0, 0, 1)
		}
		b = append(b, 0x60|kind, 0xAA, byte(i))
	}
	return b
}

func types(b []byte) []byte {
	var got []byte
	for nal := range codec.NALUnits(b) {
		got = append(got, nal[0]&0x1f)
	}
	return got
}

func TestNALUnits(t *testing.T) {
	for _, want := range [][]byte{nil, {7}, {7, 8, 5}, {9, 7, 8, 6, 5, 5}, {1}} {
		if d := cmp.Diff(want, types(join(want...))); d != "" {
			t.Error(d)
		}
	}
	for _, b := range [][]byte{nil, {0, 0, 1}, {0, 0, 0, 1}, {1, 2, 3}, {0, 0, 1, 0, 0, 1}} {
		if got := types(b); len(got) != 0 {
			t.Errorf("%x: %v", b, got)
		}
	}
	for nal := range codec.NALUnits([]byte{0, 0, 1, 0x65, 3, 0, 0, 0, 0, 1, 0x41}) {
		if nal[0] == 0x65 && len(nal) != 2 {
			t.Errorf("trailing zeros belong to %x", nal)
		}
	}
}
