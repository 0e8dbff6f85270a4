package publisher

import (
	"bytes"

	"weir/internal/codec"
)

// H.264 NAL unit types (ITU-T H.264 table 7-1).
const (
	nalSlice = 1 // of a picture that is not IDR
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
)

// parameterSets keeps the newest SPS and PPS of one encoder and puts them in front of key frames that lack them, so that
// whoever joins there can decode.
type parameterSets struct {
	sps, pps []byte // with start code; nil: none seen
}

// complete returns the access unit, with the parameter sets in front if it holds an IDR picture without them.
func (s *parameterSets) complete(unit []byte) []byte {
	var idr, sps, pps bool
	for nal := range codec.NALUnits(unit) {
		switch nal[0] & 0x1f {
		case nalSPS:
			sps = true
			s.sps = append(append(s.sps[:0], 0, 0, 0, 1), nal...)
		case nalPPS:
			pps = true
			s.pps = append(append(s.pps[:0], 0, 0, 0, 1), nal...)
		case nalIDR:
			idr = true
		}
		if nal[0]&0x1f == nalSlice {
			break // not an IDR picture: all its units are slices
		}
	}
	if !idr || sps && pps {
		return unit
	}
	return bytes.Join([][]byte{s.sps, s.pps, unit}, nil)
}
