package codec

import (
	"errors"
	"time"
)

// ErrParameterSet is returned for bytes that are no parameter set, or one that no stream could have.
var ErrParameterSet = errors.New("not a parameter set")

// SPS is what a sequence parameter set says of a stream.
type SPS struct {
	ID            uint8
	ProfileIDC    uint8  // general_profile_idc for H.265
	Constraints   uint8  // H.264: the flags in front of the level
	Tier          uint8  // H.265
	ProfileSpace  uint8  // H.265
	Compatible    uint32 // H.265: general_profile_compatibility_flags
	Level         uint8  // level_idc
	Width, Height uint32 // of the pictures shown, in pixels
	BitDepth      uint8  // of luma
	FrameMBSOnly  bool   // H.264: no interlaced pictures
	Reordered     uint8  // H.265: by how many places a picture is shown later than it is sent, at most

	FrameDuration time.Duration // of a picture, where it is told; else 0
}

// maxSide bounds a picture's sides, in pixels: the most that any level allows, and some more.
const maxSide = 1 << 15

// ParseH264SPS reads a sequence parameter set of H.264 (7.3.2.1.1), header byte included.
func ParseH264SPS(unit []byte) (SPS, error) {
	if len(unit) < 4 || unit[0]&0x1f != h264SPS {
		return SPS{}, ErrParameterSet
	}
	r := &bitReader{data: unescape(unit[1:])}
	s := readH264SPS(r)
	if r.bad {
		return SPS{}, ErrParameterSet
	}
	s.FrameDuration = timingH264(r)
	return s, nil
}

// readH264SPS reads one up to vui_parameters_present_flag.
func readH264SPS(r *bitReader) SPS {
	s := SPS{ProfileIDC: uint8(r.u(8)), Constraints: uint8(r.u(8)), Level: uint8(r.u(8)), ID: uint8(r.most(31)), BitDepth: 8}
	chroma := uint32(1)
	separate := false
	if hasChroma(s.ProfileIDC) {
		if chroma = r.most(3); chroma == 3 {
			separate = r.flag()
		}
		s.BitDepth = uint8(8 + r.most(6))
		r.most(6)
		r.flag()
		if r.flag() {
			skipScaling(r, chroma)
		}
	}
	r.most(12)         // log2_max_frame_num_minus4
	switch r.most(2) { // pic_order_cnt_type
	case 0:
		r.most(12)
	case 1:
		r.flag()
		r.ue()
		r.ue()
		for range r.most(255) {
			r.ue()
		}
	}
	r.most(16) // max_num_ref_frames
	r.flag()
	width, height := 16*(r.most(maxSide/16-1)+1), 16*(r.most(maxSide/16-1)+1)
	unitX, unitY := cropUnit(chroma, separate)
	if s.FrameMBSOnly = r.flag(); !s.FrameMBSOnly {
		height *= 2
		unitY *= 2
		r.flag()
	}
	r.flag()
	s.Width, s.Height = crop(r, width, height, unitX, unitY)
	return s
}

// hasChroma says for which profiles the set has a chroma format.
func hasChroma(profile uint8) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	default:
		return false
	}
}

// skipScaling skips scaling lists (7.3.2.1.1.1).
func skipScaling(r *bitReader, chroma uint32) {
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size := 16
		if i >= 6 {
			size = 64
		}
		last, next := int32(8), int32(8)
		for range size {
			if r.bad {
				return
			}
			if next != 0 {
				v := r.ue() // signed: odd numbers are positive
				delta := int32(v / 2)
				if v&1 == 1 {
					delta = int32(v/2) + 1
				} else {
					delta = -delta
				}
				next = (last + delta) & 0xff
			}
			if next != 0 {
				last = next
			}
		}
	}
}

// cropUnit is what a crop offset of one means, in luma samples.
func cropUnit(chroma uint32, separate bool) (x, y uint32) {
	switch {
	case separate || chroma == 0 || chroma == 3:
		return 1, 1
	case chroma == 1:
		return 2, 2
	default:
		return 2, 1
	}
}

// crop reads the offsets of the part of a picture that is shown.
func crop(r *bitReader, width, height, unitX, unitY uint32) (w, h uint32) {
	if !r.flag() {
		return width, height
	}
	left, right, top, bottom := r.most(maxSide), r.most(maxSide), r.most(maxSide), r.most(maxSide)
	x, y := unitX*(left+right), unitY*(top+bottom)
	if x >= width || y >= height {
		r.bad = true
		return 0, 0
	}
	return width - x, height - y
}

// ParseH265SPS reads a sequence parameter set of H.265 (7.3.2.2.1), header bytes included.
func ParseH265SPS(unit []byte) (SPS, error) {
	if len(unit) < 4 || unit[0]>>1&0x3f != h265SPS {
		return SPS{}, ErrParameterSet
	}
	r := &bitReader{data: unescape(unit[2:])}
	r.u(4)
	layers := int(r.u(3)) // sps_max_sub_layers_minus1
	if layers > 6 {
		return SPS{}, ErrParameterSet
	}
	r.flag()
	s := SPS{ProfileSpace: uint8(r.u(2)), Tier: uint8(r.u(1)), ProfileIDC: uint8(r.u(5)), Compatible: r.u(32)}
	r.skip(48)
	s.Level = uint8(r.u(8))
	skipSubLayers(r, layers)
	s.ID = uint8(r.most(15))
	chroma := r.most(3)
	separate := chroma == 3 && r.flag()
	width, height := r.most(maxSide), r.most(maxSide)
	unitX, unitY := cropUnit(chroma, separate)
	s.Width, s.Height = crop(r, width, height, unitX, unitY)
	s.BitDepth = uint8(8 + r.most(8))
	r.most(8) // bit_depth_chroma_minus8
	lsbBits := 4 + int(r.most(12))
	first := layers
	if r.flag() { // sps_sub_layer_ordering_info_present_flag
		first = 0
	}
	for ; first <= layers; first++ { // the last holds for all
		r.most(15) // sps_max_dec_pic_buffering_minus1
		s.Reordered = uint8(r.most(15))
		r.ue() // sps_max_latency_increase_plus1
	}
	if r.bad || s.Width == 0 || s.Height == 0 {
		return SPS{}, ErrParameterSet
	}
	s.FrameDuration = timingH265(r, lsbBits)
	return s, nil
}

// skipSubLayers skips profile and level of the sub-layers (7.3.3).
func skipSubLayers(r *bitReader, layers int) {
	if layers == 0 {
		return
	}
	var profile, level [6]bool
	for i := range layers {
		profile[i], level[i] = r.flag(), r.flag()
	}
	r.skip(2 * (8 - layers))
	for i := range layers {
		if profile[i] {
			r.skip(88)
		}
		if level[i] {
			r.skip(8)
		}
	}
}
