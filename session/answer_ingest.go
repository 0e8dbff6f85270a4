package session

import "strings"

// writeTaken writes a section of a publisher's: what may be sent in it, and which layers (RFC 8853 5.3.2).
func (p *Plan) writeTaken(w *writer, s *Section, l Local) {
	w.line("m=" + s.Kind + " 9 " + s.Proto + s.numbers())
	w.line("c=IN IP4 0.0.0.0")
	w.line("a=recvonly")
	p.writeTransport(w, s, l)
	w.media(s)
	for _, layer := range s.RIDs {
		w.line("a=rid:" + layer + " recv")
	}
	if len(s.RIDs) > 0 {
		w.line("a=simulcast:recv " + strings.Join(s.RIDs, ";"))
	}
}
