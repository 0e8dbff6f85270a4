package codec

// descriptorVP8 is where the parts of a VP8 payload descriptor lie (RFC 7741 4.2); 0 for those that are not there, except
// end, where the descriptor ends.
type descriptorVP8 struct {
	pictureID, tl0, end int
	long                bool // the picture id has 15 bits
}

func parseVP8(payload []byte) (d descriptorVP8, ok bool) {
	if len(payload) == 0 {
		return d, false
	}
	d.end = 1
	if payload[0]&0x80 == 0 { // X
		return d, true
	}
	if len(payload) < 2 {
		return d, false
	}
	extension := payload[1]
	d.end = 2
	if extension&0x80 != 0 { // I
		if len(payload) <= d.end {
			return d, false
		}
		d.pictureID, d.long = d.end, payload[d.end]&0x80 != 0 // M
		d.end++
		if d.long {
			d.end++
		}
	}
	if extension&0x40 != 0 { // L
		d.tl0 = d.end
		d.end++
	}
	if extension&0x30 != 0 { // T or K
		d.end++
	}
	return d, d.end <= len(payload)
}

// keyFrameVP8 reads the payload descriptor and the first byte of the payload header (RFC 7741 4.3).
func keyFrameVP8(payload []byte) bool {
	if payload[0]&0x17 != 0x10 { // S set, PID 0
		return false
	}
	d, ok := parseVP8(payload)
	return ok && d.end < len(payload) && payload[d.end]&0x01 == 0 // P: 0 is a key frame
}

// keyFrameVP9 reads the payload descriptor of RFC 9628 4.2: B set, P clear, and spatial layer 0 where layers are named.
// Where the frame's own header can be reached and says that the frame is intra-only or shown again, it is no key frame.
func keyFrameVP9(payload []byte) bool {
	if payload[0]&0x48 != 0x08 {
		return false
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
	if payload[0]&0x20 != 0 { // L
		if at >= len(payload) || payload[at]&0x0e != 0 { // SID
			return false
		}
		at++
		if payload[0]&0x10 == 0 { // F: 0 has TL0PICIDX
			at++
		}
	}
	if payload[0]&0x02 != 0 { // V
		at = skipStructureVP9(payload, at)
	}
	if at >= len(payload) {
		return true
	}
	header := payload[at]
	if header>>6 != 2 { // no frame marker: not a frame that can be read, as where it is encrypted
		return true
	}
	if header&0x30 == 0x30 { // profile 3 has a reserved bit
		return header&0x06 == 0
	}
	return header&0x0c == 0 // show_existing_frame, and frame_type: 0 is a key frame
}

// skipStructureVP9 returns the offset behind a scalability structure (RFC 9628 4.2.1), which may be beyond the payload.
func skipStructureVP9(payload []byte, at int) int {
	if at >= len(payload) {
		return at
	}
	head := payload[at]
	at++
	if head&0x10 != 0 { // Y: a size for each spatial layer
		at += 4 * (int(head>>5) + 1)
	}
	if head&0x08 == 0 || at >= len(payload) { // G
		return at
	}
	pictures := int(payload[at])
	at++
	for range pictures {
		if at >= len(payload) {
			return at
		}
		at += 1 + int(payload[at]>>2&3)
	}
	return at
}
