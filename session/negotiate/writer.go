package negotiate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"weir/internal/codec"
)

// writer builds a session description.
type writer struct{ text []byte }

// String returns what was written.
func (w *writer) String() string { return string(w.text) }

// line writes one line; its caller vouches that the text has no line end.
func (w *writer) line(text string) {
	w.text = append(append(w.text, text...), "\r\n"...)
}

// candidates writes all that this end has, and whether that is all there will be (RFC 8840 4.1.3).
func (w *writer) candidates(candidates []string, trickles bool) {
	for _, candidate := range candidates {
		w.line("a=" + clean(candidate))
	}
	if !trickles {
		w.line("a=end-of-candidates")
	}
}

// codec writes the attributes of one payload type.
func (w *writer) codec(number string, format codec.Format, feedback []string) {
	rtpmap := format.Name + "/" + strconv.FormatUint(uint64(format.ClockRate), 10)
	if format.Channels > 1 {
		rtpmap += "/" + strconv.Itoa(int(format.Channels))
	}
	w.line("a=rtpmap:" + number + " " + rtpmap)
	if format.Fmtp != "" {
		w.line("a=fmtp:" + number + " " + format.Fmtp)
	}
	for _, value := range feedback {
		w.line("a=rtcp-fb:" + number + " " + value)
	}
}

// retransmission writes the attributes of a retransmission payload type (RFC 4588 8.6).
func (w *writer) retransmission(number, of uint8, clockRate uint32) {
	w.line(fmt.Sprintf("a=rtpmap:%d rtx/%d", number, clockRate))
	w.line(fmt.Sprintf("a=fmtp:%d apt=%d", number, of))
}

// source writes the attributes of one SSRC (RFC 5576 4.1).
func (w *writer) source(ssrc uint32, cname, msid string) {
	w.line(fmt.Sprintf("a=ssrc:%d cname:%s", ssrc, cname))
	w.line(fmt.Sprintf("a=ssrc:%d msid:%s", ssrc, msid))
}

// maxText bounds texts that come from outside of this package, in bytes.
const maxText = 256

// clean makes a text fit for one line: control characters go, what is not ASCII becomes "?" (Firefox refuses a description
// that has any), and it ends after 256 bytes.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return -1
		case r > 0x7f:
			return '?'
		default:
			return r
		}
	}, text)
	return text[:min(len(text), maxText)]
}

// numbers are the section's payload types as the m= line lists them.
func (s *Section) numbers() string {
	var b strings.Builder
	for _, payload := range s.Payloads {
		b.WriteString(" " + strconv.Itoa(int(payload.Number)))
		if payload.RTX != 0 {
			b.WriteString(" " + strconv.Itoa(int(payload.RTX)))
		}
	}
	return b.String()
}

// media writes how the packets of an accepted section look, and what is said about them by RTCP.
func (w *writer) media(s *Section) {
	w.line("a=rtcp-mux")
	w.line("a=rtcp-mux-only")
	if s.ReducedSize {
		w.line("a=rtcp-rsize")
	}
	if s.Mixed {
		w.line("a=extmap-allow-mixed")
	}
	for _, id := range slices.Sorted(maps.Keys(s.Extensions)) {
		w.line(fmt.Sprintf("a=extmap:%d %s", id, s.Extensions[id]))
	}
	for _, payload := range s.Payloads {
		w.codec(strconv.Itoa(int(payload.Number)), payload.Format, payload.Feedback)
		if payload.RTX != 0 {
			w.retransmission(payload.RTX, payload.Number, payload.Format.ClockRate)
		}
	}
}
