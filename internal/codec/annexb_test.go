package codec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
	"weir/internal/mediatest"
)

func types(b []byte) []byte {
	var got []byte
	for nal := range codec.NALUnits(b) {
		got = append(got, nal[0]&0x1f)
	}
	return got
}

func TestNALUnits(t *testing.T) {
	for _, want := range [][]byte{nil, {7}, {7, 8, 5}, {9, 7, 8, 6, 5, 5}, {1}} {
		if d := cmp.Diff(want, types(mediatest.NALUnits(want...))); d != "" {
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
