package codec

// VP8ID is what a VP8 payload descriptor says of a frame's place in the stream (RFC 7741 4.2).
type VP8ID struct {
	Bits    uint8  // of the picture id: 7, 15, or 0 where there is none
	Picture uint16 // PictureID
	Layered bool   // TL0 is there
	TL0     uint8  // TL0PICIDX
}

// ReadVP8ID reads a payload descriptor; false if it is cut off.
func ReadVP8ID(payload []byte) (id VP8ID, ok bool) {
	d, ok := parseVP8(payload)
	if !ok {
		return VP8ID{}, false
	}
	switch {
	case d.pictureID == 0:
	case d.long:
		id.Bits, id.Picture = 15, uint16(payload[d.pictureID]&0x7f)<<8|uint16(payload[d.pictureID+1])
	default:
		id.Bits, id.Picture = 7, uint16(payload[d.pictureID])
	}
	if d.tl0 != 0 {
		id.Layered, id.TL0 = true, payload[d.tl0]
	}
	return id, true
}

// WithVP8ID is a copy of a payload whose descriptor has that picture id, in that form. TL0PICIDX is changed where there is
// one; none is put in. A payload whose descriptor cannot be read comes back as it is.
func WithVP8ID(payload []byte, id VP8ID) []byte {
	d, ok := parseVP8(payload)
	if !ok {
		return payload
	}
	var extension byte
	rest := 1 // behind the picture id
	if payload[0]&0x80 != 0 {
		extension, rest = payload[1]&^0x80, 2
	}
	if d.pictureID != 0 {
		rest = d.pictureID + 1
		if d.long {
			rest++
		}
	}
	if id.Bits != 0 {
		extension |= 0x80
	}
	out := make([]byte, 0, len(payload)+3)
	out = append(out, payload[0]&^0x80)
	if extension != 0 {
		out[0] |= 0x80
		out = append(out, extension)
	}
	switch id.Bits {
	case 15:
		out = append(out, 0x80|byte(id.Picture>>8), byte(id.Picture))
	case 7:
		out = append(out, byte(id.Picture)&0x7f)
	}
	at := len(out)
	out = append(out, payload[rest:]...)
	if d.tl0 != 0 && id.Layered {
		out[at] = id.TL0 // it follows the picture id
	}
	return out
}
