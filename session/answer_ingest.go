package session

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// writeTaken writes a section of a publisher's: what may be sent in it, and which layers (RFC 8853 5.3.2).
func (p *Plan) writeTaken(w *writer, s *Section, l Local) {
	var formats strings.Builder
	for _, payload := range s.Payloads {
		formats.WriteString(" " + strconv.Itoa(int(payload.Number)))
		if payload.RTX != 0 {
			formats.WriteString(" " + strconv.Itoa(int(payload.RTX)))
		}
	}
	w.line("m=" + s.Kind + " 9 " + s.Proto + formats.String())
	w.line("c=IN IP4 0.0.0.0")
	w.line("a=recvonly")
	p.writeTransport(w, s, l)
	w.line("a=rtcp-mux")
	w.line("a=rtcp-mux-only")
	if s.reducedSize {
		w.line("a=rtcp-rsize")
	}
	if s.mixed {
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
	for _, layer := range s.RIDs {
		w.line("a=rid:" + layer + " recv")
	}
	if len(s.RIDs) > 0 {
		w.line("a=simulcast:recv " + strings.Join(s.RIDs, ";"))
	}
}
