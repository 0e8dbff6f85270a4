package codec_test

import (
	"bytes"
	"testing"

	"weir/internal/codec"
)

// A set that says nothing of its colours says them then, and all else as before; one that says something stays as it is.
func TestH264InBT601(t *testing.T) {
	for _, row := range []struct{ what, unit, want string }{
		{"x264's", baselineSPS, "6742c01fd9005005bb016a02020c800000030080000019078c1924"},
		{"OpenH264's", "6742c01f8c8d402802d900f08846a0", "6742c01f8c8d402802d93501010607844235"},
		{"without a place for it", "6742c01eda0280bfe5", "6742c01eda0280bfe5"},
		{"says it already", "6742c01f8c8d402802d93501010607844235", "6742c01f8c8d402802d93501010607844235"},
		{"cut short", "6742c01fd9005005bb01", "6742c01fd9005005bb01"},
		{"no set", baselinePPS, baselinePPS},
		{"empty", "", ""},
	} {
		before := unhex(t, row.unit)
		after := codec.H264InBT601(before)
		if !bytes.Equal(after, unhex(t, row.want)) {
			t.Errorf("%s: %x", row.what, after)
		}
		if !bytes.Equal(codec.H264InBT601(after), after) {
			t.Errorf("%s: twice it is %x", row.what, codec.H264InBT601(after))
		}
		was, err := codec.ParseH264SPS(before)
		is, err2 := codec.ParseH264SPS(after)
		if was != is || (err == nil) != (err2 == nil) {
			t.Errorf("%s: %+v %v, then %+v %v", row.what, was, err, is, err2)
		}
	}
}
