package codec

// OBU types of AV1 6.2.2.
const (
	obuSequenceHeader = 1
	obuFrameHeader    = 3
	obuFrame          = 6
)

// keyFrameAV1 reads the aggregation header (AV1 RTP 4.4) and the OBU elements: a key frame begins in the first packet of
// a coded video sequence (N), or in one with a sequence header whose first frame, if it begins there too, is a key frame.
func keyFrameAV1(payload []byte) bool {
	aggregation := payload[0]
	if aggregation&0x80 != 0 { // Z: the first element goes on from the packet before
		return false
	}
	if aggregation&0x08 != 0 { // N
		return true
	}
	count := int(aggregation >> 4 & 3) // W: elements, the last without a size; 0: each has one
	b := payload[1:]
	sequence := false
	for n := 1; len(b) > 0; n++ {
		size := len(b)
		if n != count {
			var ok bool
			if size, b, ok = leb128(b); !ok || size > len(b) {
				return sequence
			}
		}
		if size > 0 {
			switch element := b[:size]; element[0] >> 3 & 0x0f {
			case obuSequenceHeader:
				sequence = true
			case obuFrame, obuFrameHeader:
				return sequence && keyFrameHeaderAV1(element)
			}
		}
		b = b[size:]
	}
	return sequence
}

// keyFrameHeaderAV1 reads the first bits of a frame header (AV1 5.9.2): show_existing_frame, and frame_type 0. One that
// is cut off counts as a key frame: a sequence header stands in front of it.
func keyFrameHeaderAV1(element []byte) bool {
	at := 1
	if element[0]&0x04 != 0 { // extension
		at++
	}
	if element[0]&0x02 != 0 { // size
		_, rest, ok := leb128(element[min(at, len(element)):])
		if !ok {
			return true
		}
		at = len(element) - len(rest)
	}
	return at >= len(element) || element[at]&0xe0 == 0
}

// leb128 reads a size (AV1 4.10.5) of at most four bytes.
func leb128(b []byte) (n int, rest []byte, ok bool) {
	for i := 0; i < 4 && i < len(b); i++ {
		n |= int(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return n, b[i+1:], true
		}
	}
	return 0, nil, false
}
