package codec

// bitReader reads the syntax elements of H.264 and H.265 (7.2 and 9.1 of both). Behind the end it reads zeros, and bad
// says so; so it does after a number that is too long.
type bitReader struct {
	data []byte
	at   int // bits
	bad  bool
}

// unescape takes out the bytes that keep a NAL unit free of start codes (7.3.1).
func unescape(unit []byte) []byte {
	out := make([]byte, 0, len(unit))
	zeros := 0
	for _, b := range unit {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		out = append(out, b)
	}
	return out
}

// u reads n bits, at most 32.
func (r *bitReader) u(n int) uint32 {
	var v uint32
	for range n {
		v <<= 1
		if i := r.at >> 3; i < len(r.data) {
			v |= uint32(r.data[i] >> (7 - r.at&7) & 1)
		} else {
			r.bad = true
		}
		r.at++
	}
	return v
}

func (r *bitReader) flag() bool { return r.u(1) == 1 }

func (r *bitReader) skip(n int) {
	r.at += n
	r.bad = r.bad || r.at > 8*len(r.data)
}

// ue reads an unsigned Exp-Golomb number.
func (r *bitReader) ue() uint32 {
	zeros := 0
	for !r.bad && !r.flag() {
		zeros++
		if zeros > 31 {
			r.bad = true
		}
	}
	if r.bad {
		return 0
	}
	return 1<<zeros - 1 + r.u(zeros)
}

// most reads an unsigned number that is at most so much.
func (r *bitReader) most(limit uint32) uint32 {
	v := r.ue()
	if v > limit {
		r.bad = true
		return 0
	}
	return v
}
