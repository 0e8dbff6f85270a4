package codec

// KeyFrameStart says whether an RTP payload of the named codec is the first packet of a key frame or of the parameter
// sets in front of one. It never fails: what is too short or not understood is no key frame. Audio has none.
func KeyFrameStart(name string, payload []byte) bool {
	if len(payload) == 0 {
		return false
	}
	switch Canonical(name) {
	case H264:
		return keyFrameH264(payload)
	case VP8:
		return keyFrameVP8(payload)
	case VP9:
		return keyFrameVP9(payload)
	case AV1:
		// AV1 RTP 4.4: N, the first packet of a coded video sequence; then Z, a continued OBU, is 0.
		return payload[0]&0x88 == 0x08
	case H265:
		return keyFrameH265(payload)
	default:
		return false
	}
}

// NAL unit types of RFC 6184 5.2 and of H.264 table 7-1.
const (
	h264IDR   = 5
	h264SPS   = 7
	h264STAPA = 24
	h264FUA   = 28
)

// keyFrameH264 reads the payload structures of RFC 6184 5.6 to 5.8.
func keyFrameH264(payload []byte) bool {
	switch payload[0] & 0x1f {
	case h264IDR, h264SPS:
		return true
	case h264STAPA:
		return anyUnit(payload[1:], func(unit []byte) bool {
			kind := unit[0] & 0x1f
			return kind == h264IDR || kind == h264SPS
		})
	case h264FUA:
		return len(payload) > 1 && payload[1]&0x80 != 0 && payload[1]&0x1f == h264IDR
	default:
		return false
	}
}

// anyUnit goes through an aggregation packet's units, each behind its size in two bytes, until found likes one.
func anyUnit(b []byte, found func(unit []byte) bool) bool {
	for len(b) > 2 {
		size := int(b[0])<<8 | int(b[1])
		b = b[2:]
		if size == 0 || size > len(b) {
			return false
		}
		if found(b[:size]) {
			return true
		}
		b = b[size:]
	}
	return false
}

// keyFrameVP8 reads the payload descriptor of RFC 7741 4.2 and the first byte of the payload header, 4.3.
func keyFrameVP8(payload []byte) bool {
	if payload[0]&0x17 != 0x10 { // S set, PID 0
		return false
	}
	at := 1
	if payload[0]&0x80 != 0 { // X
		if len(payload) < 2 {
			return false
		}
		extension := payload[1]
		at = 2
		if extension&0x80 != 0 { // I
			if len(payload) <= at {
				return false
			}
			if payload[at]&0x80 != 0 { // M: 15 bits
				at++
			}
			at++
		}
		if extension&0x40 != 0 { // L
			at++
		}
		if extension&0x30 != 0 { // T or K
			at++
		}
	}
	return at < len(payload) && payload[at]&0x01 == 0 // P: 0 is a key frame
}

// keyFrameVP9 reads the payload descriptor of RFC 9628 4.2: B set, P clear, and spatial layer 0 where layers are named.
func keyFrameVP9(payload []byte) bool {
	if payload[0]&0x48 != 0x08 {
		return false
	}
	if payload[0]&0x20 == 0 { // L
		return true
	}
	at := 1
	if payload[0]&0x80 != 0 { // I
		if len(payload) <= at {
			return false
		}
		if payload[at]&0x80 != 0 { // M: 15 bits
			at++
		}
		at++
	}
	return at < len(payload) && payload[at]&0x0e == 0 // SID
}

// NAL unit types of RFC 7798 4.4 and of H.265 table 7-1.
const (
	h265FirstIRAP = 16
	h265LastIRAP  = 21
	h265VPS       = 32
	h265PPS       = 34
	h265AP        = 48
	h265FU        = 49
)

// keyFrameH265 reads the payload structures of RFC 7798 4.4.1 to 4.4.3, without DONL fields.
func keyFrameH265(payload []byte) bool {
	begins := func(kind byte) bool {
		return kind >= h265FirstIRAP && kind <= h265LastIRAP || kind >= h265VPS && kind <= h265PPS
	}
	switch kind := payload[0] >> 1 & 0x3f; kind {
	case h265AP:
		return len(payload) > 2 && anyUnit(payload[2:], func(unit []byte) bool { return begins(unit[0] >> 1 & 0x3f) })
	case h265FU:
		return len(payload) > 2 && payload[2]&0x80 != 0 && begins(payload[2]&0x3f)
	default:
		return begins(kind)
	}
}
