package codec

import "math/bits"

// H264InBT601 is a sequence parameter set of H.264 that says, too, that its colours are those of BT.601 in video range.
// Where nothing is said of them each player has its own opinion: Chromium's is BT.709, by which green is too dark. It is
// the unit itself where that says something already, or has no place for it.
func H264InBT601(unit []byte) []byte {
	if len(unit) < 4 || unit[0]&0x1f != h264SPS {
		return unit
	}
	r := &bitReader{data: unescape(unit[1:])}
	readH264SPS(r)
	if !r.flag() { // vui_parameters_present_flag
		return unit
	}
	skipShape(r)
	before := r.at
	if r.flag() { // video_signal_type_present_flag
		return unit
	}
	if r.flag() { // chroma_loc_info_present_flag
		r.ue()
		r.ue()
	}
	timing(r, 2)
	last := r.data[len(r.data)-1]
	end := 8*len(r.data) - bits.TrailingZeros8(last) // behind the bit that ends it
	if last == 0 || r.bad || r.at >= end {
		return unit
	}
	w := &bitWriter{}
	source := &bitReader{data: r.data}
	w.copy(source, before)
	w.u(1, 1) // video_signal_type_present_flag
	w.u(5, 3) // video_format: unspecified
	w.u(0, 1) // video_full_range_flag
	w.u(1, 1) // colour_description_present_flag
	w.u(1, 8) // colour_primaries: BT.709, which are a screen's
	w.u(1, 8) // transfer_characteristics: BT.709, which differ from BT.601's in name only
	w.u(6, 8) // matrix_coefficients: BT.601
	source.skip(1)
	w.copy(source, end-source.at)
	return append([]byte{unit[0]}, escape(w.data)...)
}

// A bitWriter writes what a bitReader reads.
type bitWriter struct {
	data []byte
	at   int // bits
}

// u writes the last n bits of v.
func (w *bitWriter) u(v uint32, n int) {
	for n--; n >= 0; n-- {
		if w.at&7 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.at>>3] |= byte(v>>n&1) << (7 - w.at&7)
		w.at++
	}
}

func (w *bitWriter) copy(from *bitReader, n int) {
	for range n {
		w.u(from.u(1), 1)
	}
}

// escape puts in what unescape takes out.
func escape(data []byte) []byte {
	out := make([]byte, 0, len(data)+2)
	zeros := 0
	for _, b := range data {
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
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
