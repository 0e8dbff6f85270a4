package codec

// KeyFrameStart says whether an RTP payload of the named codec is the first packet of a key frame or of the parameter
// sets in front of one. It never fails: what is too short or not understood is no key frame. Audio has none.
func KeyFrameStart(name string, payload []byte) bool {
	if len(payload) == 0 {
		return false
	}
	switch Canonical(name) {
	case H264:
		c := contentH264(payload, nil)
		return c&(ContentKey|ContentSPS) != 0
	case H265:
		c := contentH265(payload, nil)
		return c&(ContentKey|ContentSPS|ContentVPS) != 0
	case VP8:
		return keyFrameVP8(payload)
	case VP9:
		return keyFrameVP9(payload)
	case AV1:
		return keyFrameAV1(payload)
	default:
		return false
	}
}

// Content says which NAL units begin in an RTP payload of H.264 or H.265, as far as it matters to those who join.
type Content uint8

// What can begin in a payload.
const (
	ContentVPS   Content = 1 << iota // a video parameter set, H.265 only
	ContentSPS                       // a sequence parameter set
	ContentPPS                       // a picture parameter set
	ContentKey                       // a slice of a picture that can be decoded alone
	ContentSlice                     // a slice of another picture
	ContentFirst                     // such a slice is the first of its picture
	ContentB                         // so it is, and may refer to a picture that is shown later; H.264 only
)

// ContentOf says what begins in a payload of H.264 or H.265; of another codec nothing does.
func ContentOf(name string, payload []byte) Content {
	if len(payload) == 0 {
		return 0
	}
	switch name {
	case H264:
		return contentH264(payload, nil)
	case H265:
		return contentH265(payload, nil)
	default:
		return 0
	}
}

// NAL unit types of RFC 6184 5.2 and of H.264 table 7-1.
const (
	h264IDR   = 5
	h264SPS   = 7
	h264PPS   = 8
	h264STAPA = 24
	h264FUA   = 28
)

// contentH264 reads the payload structures of RFC 6184 5.6 to 5.8. Whole parameter sets go to found, if there is one.
func contentH264(payload []byte, found func(Content, []byte)) Content {
	switch payload[0] & 0x1f {
	case h264STAPA:
		var all Content
		eachUnit(payload[1:], func(unit []byte) {
			c := unitH264(unit[0]&0x1f, unit[1:])
			if c&(ContentSPS|ContentPPS) != 0 && found != nil {
				found(c, unit)
			}
			all |= c
		})
		return all
	case h264FUA:
		if len(payload) < 2 || payload[1]&0x80 == 0 {
			return 0
		}
		return unitH264(payload[1]&0x1f, payload[2:])
	default:
		c := unitH264(payload[0]&0x1f, payload[1:])
		if c&(ContentSPS|ContentPPS) != 0 && found != nil {
			found(c, payload)
		}
		return c
	}
}

// unitH264 is what a unit of that type is; the rest of it follows.
func unitH264(kind byte, rest []byte) Content {
	switch kind {
	case h264SPS:
		return ContentSPS
	case h264PPS:
		return ContentPPS
	case h264IDR:
		return ContentKey | firstSlice(rest)
	case 1, 2:
		return ContentSlice | firstSlice(rest) | bSlice(rest)
	default:
		return 0
	}
}

// bSlice reads the first byte of a slice of H.264: where first_mb_in_slice is 0, which takes one bit, slice_type follows, an
// Exp-Golomb number. 1 and 6 are B: 1 010 and 1 00111.
func bSlice(rest []byte) Content {
	if len(rest) > 0 && (rest[0]&0xf0 == 0xa0 || rest[0]&0xfc == 0x9c) {
		return ContentB
	}
	return 0
}

// firstSlice reads the first bit of a slice: H.264's first_mb_in_slice is 0 where it is set, and H.265 has a flag there.
func firstSlice(rest []byte) Content {
	if len(rest) > 0 && rest[0]&0x80 != 0 {
		return ContentFirst
	}
	return 0
}

// NAL unit types of RFC 7798 4.4 and of H.265 table 7-1.
const (
	h265LastSlice = 9
	h265FirstIRAP = 16
	h265LastIRAP  = 21
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
	h265AP        = 48
	h265FU        = 49
)

// contentH265 reads the payload structures of RFC 7798 4.4.1 to 4.4.3, without DONL fields. Whole parameter sets go to
// found, if there is one.
func contentH265(payload []byte, found func(Content, []byte)) Content {
	const sets = ContentVPS | ContentSPS | ContentPPS
	switch payload[0] >> 1 & 0x3f {
	case h265AP:
		var all Content
		eachUnit(payload[min(2, len(payload)):], func(unit []byte) {
			c := unitH265(unit[0]>>1&0x3f, unit[min(2, len(unit)):])
			if c&sets != 0 && found != nil {
				found(c, unit)
			}
			all |= c
		})
		return all
	case h265FU:
		if len(payload) < 3 || payload[2]&0x80 == 0 {
			return 0
		}
		return unitH265(payload[2]&0x3f, payload[3:])
	default:
		c := unitH265(payload[0]>>1&0x3f, payload[min(2, len(payload)):])
		if c&sets != 0 && found != nil {
			found(c, payload)
		}
		return c
	}
}

// unitH265 is what a unit of that type is; the rest of it follows.
func unitH265(kind byte, rest []byte) Content {
	switch {
	case kind == h265VPS:
		return ContentVPS
	case kind == h265SPS:
		return ContentSPS
	case kind == h265PPS:
		return ContentPPS
	case kind >= h265FirstIRAP && kind <= h265LastIRAP:
		return ContentKey | firstSlice(rest)
	case kind <= h265LastSlice:
		return ContentSlice | firstSlice(rest)
	default:
		return 0
	}
}

// eachUnit goes through an aggregation packet's units, each behind its size in two bytes, up to the first that is empty
// or longer than what is there.
func eachUnit(b []byte, each func(unit []byte)) {
	for len(b) > 2 {
		size := int(b[0])<<8 | int(b[1])
		b = b[2:]
		if size == 0 || size > len(b) {
			return
		}
		each(b[:size])
		b = b[size:]
	}
}
