package media

import (
	"bytes"
	"fmt"
	"slices"

	"weir/internal/codec"
)

// NAL unit types of H.264 (table 7-1) and of H.265 (table 7-1).
const (
	h264IDR       = 5
	h264SEI       = 6
	h264SPS       = 7
	h264PPS       = 8
	h264AUD       = 9
	h264Filler    = 12
	h264LastType  = 23 // above are RTP's
	h265FirstIRAP = 16
	h265LastIRAP  = 21
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
	h265AUD       = 35
	h264SetsBits  = 1<<h264SPS | 1<<h264PPS
	h265SetsBits  = 1<<h265VPS | 1<<h265SPS | 1<<h265PPS
	maxSets       = 16 << 10 // bytes of all parameter sets of a track
)

// A nalConverter makes units of H.264 and H.265 into the byte stream format, parameter sets in front of key frames, and leaves
// out what no decoder needs.
type nalConverter struct {
	hevc   bool
	length int    // bytes of a unit's length in front of it; 0: the file has the byte stream format already
	sets   []byte // the newest parameter sets, each with start code
}

// configure reads avcC or hvcC (ISO/IEC 14496-15 5.3.3.1 and 8.3.3.1). Without it the file has the byte stream format.
func (n *nalConverter) configure(b []byte) error {
	if len(b) == 0 || bytes.HasPrefix(b, []byte{0, 0, 0, 1}) || bytes.HasPrefix(b, []byte{0, 0, 1}) {
		n.keep(b)
		return nil
	}
	var err error
	if n.hevc {
		err = n.configureHEVC(b)
	} else {
		err = n.configureAVC(b)
	}
	if err != nil {
		return err
	}
	if n.length == 3 || len(n.sets) > maxSets {
		return Damagedf("the codec's own data make no sense")
	}
	return nil
}

// keep takes over parameter sets that stand in the byte stream format.
func (n *nalConverter) keep(b []byte) {
	for nal := range codec.NALUnits(b) {
		if n.isSet(n.kind(nal)) && len(n.sets)+len(nal) < maxSets {
			n.sets = appendNAL(n.sets, nal)
		}
	}
}

func (n *nalConverter) configureAVC(b []byte) error {
	if len(b) < 7 {
		return Damagedf("avcC of %d bytes", len(b))
	}
	n.length = int(b[4]&3) + 1
	count := int(b[5] & 0x1f)
	b, err := n.arrays(b[6:], count)
	if err != nil {
		return err
	}
	if len(b) == 0 {
		return Damagedf("avcC is cut off")
	}
	_, err = n.arrays(b[1:], int(b[0]))
	return err
}

func (n *nalConverter) configureHEVC(b []byte) error {
	if len(b) < 23 {
		return Damagedf("hvcC of %d bytes", len(b))
	}
	n.length = int(b[21]&3) + 1
	count := int(b[22])
	b = b[23:]
	for range count {
		if len(b) < 3 {
			return Damagedf("hvcC is cut off")
		}
		var err error
		if b, err = n.arrays(b[3:], int(b[1])<<8|int(b[2])); err != nil {
			return err
		}
	}
	return nil
}

// arrays reads so many units, each behind its length in two bytes, and keeps those that are parameter sets.
func (n *nalConverter) arrays(b []byte, count int) (rest []byte, err error) {
	for range count {
		if len(b) < 2 || len(b)-2 < int(b[0])<<8|int(b[1]) {
			return nil, Damagedf("the codec's own data are cut off")
		}
		size := int(b[0])<<8 | int(b[1])
		if nal := b[2 : 2+size]; size > 0 && n.isSet(n.kind(nal)) {
			n.sets = appendNAL(n.sets, nal)
		}
		b = b[2+size:]
	}
	return b, nil
}

// describe tells of the track what its parameter sets say.
func (n *nalConverter) describe(info *Track) {
	info.Sets = n.sets
	for nal := range codec.NALUnits(n.sets) {
		switch {
		case n.hevc && n.kind(nal) == h265SPS:
			if s, err := codec.ParseH265SPS(nal); err == nil {
				info.Profile = fmt.Sprintf("profile-space=%d;profile-id=%d;tier-flag=%d;level-id=%d",
					s.ProfileSpace, s.ProfileIDC, s.Tier, s.Level)
				info.Width, info.Height, info.Reorders = int(s.Width), int(s.Height), s.Reordered > 0
				info.SPSDuration = s.FrameDuration
			}
		case !n.hevc && n.kind(nal) == h264SPS:
			if s, err := codec.ParseH264SPS(nal); err == nil {
				info.Profile = fmt.Sprintf("profile-level-id=%02x%02x%02x", s.ProfileIDC, s.Constraints, s.Level)
				info.Width, info.Height, info.SPSDuration = int(s.Width), int(s.Height), s.FrameDuration
				info.Interlaced = !s.FrameMBSOnly
			}
		}
	}
}

func (n *nalConverter) kind(nal []byte) byte {
	if n.hevc {
		return nal[0] >> 1 & 0x3f
	}
	return nal[0] & 0x1f
}

func (n *nalConverter) isSet(kind byte) bool {
	if n.hevc {
		return kind < 64 && h265SetsBits>>kind&1 == 1
	}
	return h264SetsBits>>kind&1 == 1
}

// dropped says which units no decoder needs, or RTP would take for something else.
func (n *nalConverter) dropped(kind byte) bool {
	if n.hevc {
		return kind >= h265AUD && kind != 36 && kind != 37 // those end a sequence
	}
	return kind == h264SEI || kind == h264AUD || kind == h264Filler || kind == 0 || kind > h264LastType
}

// convert makes one access unit ready.
func (n *nalConverter) convert(u *Unit) error {
	out := make([]byte, 0, len(u.Data)+len(n.sets)+16)
	var sets []byte
	var had uint64
	u.Key, u.Bidirectional = false, false
	for nal, err := range n.units(u.Data) {
		if err != nil {
			return err
		}
		kind := n.kind(nal)
		switch {
		case n.dropped(kind):
			continue
		case n.isSet(kind):
			had |= 1 << kind
			if len(sets)+len(nal) <= maxSets {
				sets = appendNAL(sets, nal)
			}
			continue
		case n.hevc:
			u.Key = u.Key || kind >= h265FirstIRAP && kind <= h265LastIRAP
		default:
			u.Key = u.Key || kind == h264IDR
			u.Bidirectional = u.Bidirectional || codec.ContentOf(codec.H264, nal)&codec.ContentB != 0
		}
		out = appendNAL(out, nal)
	}
	u.Data = n.complete(out, sets, had, u.Key)
	return nil
}

// complete puts parameter sets in front of a unit: its own, and where it is a key frame that lacks some the newest before
// them.
func (n *nalConverter) complete(unit, sets []byte, had uint64, key bool) []byte {
	need := uint64(h264SetsBits)
	if n.hevc {
		need = h265SetsBits
	}
	whole := had&need == need
	if whole {
		n.sets = sets
	}
	switch {
	case len(unit) == 0:
		return nil // parameter sets alone are sent with the next key frame
	case key && !whole:
		return bytes.Join([][]byte{n.sets, sets, unit}, nil)
	case len(sets) > 0:
		return append(slices.Clip(sets), unit...)
	default:
		return unit
	}
}

// units yields the NAL units of an access unit.
func (n *nalConverter) units(b []byte) func(yield func([]byte, error) bool) {
	return func(yield func([]byte, error) bool) {
		if n.length == 0 {
			for nal := range codec.NALUnits(b) {
				if !yield(nal, nil) {
					return
				}
			}
			return
		}
		for len(b) >= n.length {
			size := uint64(0)
			for _, v := range b[:n.length] {
				size = size<<8 | uint64(v)
			}
			b = b[n.length:]
			if size > uint64(len(b)) {
				yield(nil, Damagedf("a NAL unit of %d bytes in %d", size, len(b)))
				return
			}
			if size > 0 && !yield(b[:size], nil) {
				return
			}
			b = b[size:]
		}
	}
}

// appendNAL appends a unit behind a start code.
func appendNAL(b, nal []byte) []byte { return append(append(b, 0, 0, 0, 1), nal...) }
