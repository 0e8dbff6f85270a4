package codec

import (
	"bytes"
	"iter"
)

// NALUnits yields the NAL units of a byte stream of H.264 or H.265 (annex B of both) without their start codes. They are parts
// of b.
func NALUnits(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		_, b, found := bytes.Cut(b, []byte{0, 0, 1})
		for found {
			var unit []byte
			unit, b, found = bytes.Cut(b, []byte{0, 0, 1})
			// The zero of a four-byte start code and trailing zeros are no part of the unit, whose last byte is never 0.
			if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 0 && !yield(unit) {
				return
			}
		}
	}
}
