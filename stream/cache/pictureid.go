package cache

import "weir/internal/codec"

// pictureIDs make the picture ids of a VP8 track one line: over a take-over, or
// where the source begins anew, they neither jump back nor change their form.
// The first publication's are left as they are.
type pictureIDs struct {
	known  bool        // form and last hold
	form   uint8       // bits of the picture id
	last   codec.VP8ID // the newest that went out
	fresh  bool        // the next packet is the first of a publication
	change bool        // ids are rewritten
	step   uint16      // what is added to the source's ids
	tl0    uint8       // what is added to its TL0PICIDX

	// where the source has no ids, and they are made
	newest uint32 // timestamp of the newest frame
	recent [8]struct {
		timestamp uint32
		id        uint16
	}
}

// begin makes the next packet the first of a publication.
func (v *pictureIDs) begin() { v.fresh = true }

// rewrite gives a payload its place in the line; it returns another slice where
// something has to change.
func (v *pictureIDs) rewrite(payload []byte, timestamp uint32) []byte {
	id, ok := codec.ReadVP8ID(payload)
	if !ok {
		return payload
	}
	if v.fresh {
		v.first(id, timestamp)
	}
	out := id
	if v.change {
		out.Bits = v.form
		if id.Bits == 0 {
			out.Picture = v.made(timestamp)
		} else {
			out.Picture = id.Picture + v.step
		}
		out.Picture &= 1<<v.form - 1
		out.TL0 += v.tl0
		payload = codec.WithVP8ID(payload, out)
	}
	if ahead := (out.Picture - v.last.Picture) & (1<<v.form - 1); ahead < 1<<v.form/2 || !v.known {
		v.last = out
	}
	v.known = true
	return payload
}

// first fixes how a publication's ids lie on the line.
func (v *pictureIDs) first(id codec.VP8ID, timestamp uint32) {
	v.fresh = false
	if !v.known {
		v.form = id.Bits
		return
	}
	v.step, v.tl0 = v.last.Picture+1-id.Picture, 0
	if id.Layered && v.last.Layered {
		v.tl0 = v.last.TL0 + 1 - id.TL0
	}
	v.change = v.step != 0 || v.tl0 != 0 || id.Bits != v.form
	v.newest = timestamp
	for i := range v.recent {
		v.recent[i].timestamp, v.recent[i].id = timestamp, v.last.Picture+1
	}
}

// made is the id of the frame with that timestamp, one more than the frame's
// before it.
func (v *pictureIDs) made(timestamp uint32) uint16 {
	n := len(v.recent)
	if int32(timestamp-v.newest) > 0 {
		next := v.recent[n-1].id + 1
		copy(v.recent[:], v.recent[1:])
		v.recent[n-1].timestamp, v.recent[n-1].id = timestamp, next
		v.newest = timestamp
		return next
	}
	for i := n - 1; i >= 0; i-- {
		if v.recent[i].timestamp == timestamp {
			return v.recent[i].id
		}
	}
	return v.recent[0].id
}
