package negotiate

import (
	"fmt"
	"strconv"
	"strings"

	"weir/internal/codec"
)

// ICEOptions is the value of the answer's a=ice-options, which the answer to an ICE restart repeats (RFC 9725 4.3.3): this
// end takes trickled candidates (RFC 8840 4.1.1), and its ICE is that of RFC 8445 (RFC 8839 5.6). It has to be said, or
// players would not send what they gather late, although no candidate of this end follows the answer.
const ICEOptions = "trickle ice2"

// maxAnswer bounds the answer in bytes: FFmpeg reads no more.
const maxAnswer = 8191

// Answer writes what the player gets: an SDP answer by RFC 9429 5.3 and RFC 3264 6, with CRLF line ends, below 8192 bytes.
//
// Every section of the offer is there, in order. One that is refused has port 0 and still names the transport: aiortc
// insists on ICE credentials, setup and rtcp-mux in refused sections. Candidates and a=end-of-candidates stand in the first
// section that is not refused, in the one that the BUNDLE group puts the transport in, and in the offer's first when that is
// a refused audio or video section: simple-whep-client reads no other, and a refused section's attributes mean nothing to
// the rest. l.Streams must hold an entry for each accepted section of a player's. The text holds secrets (ICE password): never log it.
func (p *Plan) Answer(l Local) string {
	for candidates := l.Candidates; ; candidates = candidates[:len(candidates)-1] {
		text := p.answer(l, candidates)
		if len(text) <= maxAnswer || len(candidates) == 0 {
			return text
		}
	}
}

// answer is Answer with these candidates.
func (p *Plan) answer(l Local, candidates []string) string {
	w := &writer{}
	w.line("v=0")
	w.line("o=- " + strconv.FormatUint(l.SessionID&(1<<62-1), 10) + " 1 IN IP4 0.0.0.0")
	w.line("s=-")
	w.line("t=0 0")
	if len(p.bundle) > 0 {
		w.line("a=group:BUNDLE " + strings.Join(p.bundle, " "))
	}
	w.line("a=ice-options:" + ICEOptions)
	streams, open := l.Streams, false // whether a section that is not refused was there
	for i := range p.Sections {
		s := &p.Sections[i]
		switch {
		case !s.Accepted:
			p.writeUnserved(w, s, l)
		case p.Ingest:
			p.writeTaken(w, s, l)
		default:
			var stream LocalStream
			if len(streams) > 0 {
				stream, streams = streams[0], streams[1:]
			}
			p.writeAccepted(w, s, l, stream)
		}
		served := s.Accepted || s.Inactive
		if served && (!open || s.Mid == p.transportMid()) || i == 0 && (s.Kind == "audio" || s.Kind == "video") {
			w.candidates(candidates, false)
		}
		open = open || served
	}
	return w.String()
}

// transportMid returns the mid of the section that the answer's BUNDLE group puts the transport in (RFC 9143 7.3.1), ""
// for none.
func (p *Plan) transportMid() string {
	if len(p.bundle) == 0 {
		return ""
	}
	return p.bundle[0]
}

// writeUnserved writes a section that is refused (RFC 3264 6) or inactive, with one of its formats and that one's rtpmap:
// pion as a player fails on a payload type without.
func (p *Plan) writeUnserved(w *writer, s *Section, l Local) {
	port := "0"
	if s.Inactive {
		port = "9"
	}
	format := "0"
	if s.first.format.Name != "" {
		format = strconv.Itoa(int(s.first.number))
	} else if token(s.Formats[0]) {
		format = s.Formats[0]
	}
	w.line("m=" + s.Kind + " " + port + " " + s.Proto + " " + format)
	w.line("c=IN IP4 0.0.0.0")
	w.line("a=inactive")
	p.writeTransport(w, s, l)
	if s.Kind == "audio" || s.Kind == "video" {
		w.line("a=rtcp-mux")
	}
	if s.Inactive {
		w.line("a=rtcp-mux-only")
	}
	if s.first.format.Name != "" {
		w.codec(format, codec.Format{Name: s.first.format.Name, ClockRate: s.first.format.ClockRate, Channels: s.first.format.Channels}, nil)
	}
}

// writeAccepted writes a section of a player's that is served. Port 9 at 0.0.0.0 is what RFC 8840 4.1.1 has for "see the
// candidates".
func (p *Plan) writeAccepted(w *writer, s *Section, l Local, stream LocalStream) {
	w.line("m=" + s.Kind + " 9 " + s.Proto + s.numbers())
	if title := clean(stream.Title); title != "" {
		w.line("i=" + title)
	}
	w.line("c=IN IP4 0.0.0.0")
	w.line("a=sendonly")
	p.writeTransport(w, s, l)
	w.media(s)
	msid := clean(l.StreamID) + " " + clean(stream.TrackID)
	w.line("a=msid:" + msid)
	rtx := s.RTXPayloadType != 0 && stream.RTXSSRC != 0
	if rtx {
		w.line(fmt.Sprintf("a=ssrc-group:FID %d %d", stream.SSRC, stream.RTXSSRC))
	}
	w.source(stream.SSRC, clean(stream.CNAME), msid)
	if rtx {
		w.source(stream.RTXSSRC, clean(stream.CNAME), msid) // Chrome refuses a group with an SSRC that has no lines
	}
}

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

// writeTransport writes what all sections share.
func (p *Plan) writeTransport(w *writer, s *Section, l Local) {
	if s.Mid != "" {
		w.line("a=mid:" + s.Mid)
	}
	w.line("a=ice-ufrag:" + clean(l.Ufrag))
	w.line("a=ice-pwd:" + clean(l.Pwd))
	w.line("a=fingerprint:" + clean(l.Fingerprint))
	w.line("a=setup:" + p.answerSetup(l.Setup))
}

// answerSetup returns the DTLS role that the answer takes (RFC 8842 5.3): the other one where the offer states its own,
// else ours, passive unless it says active.
func (p *Plan) answerSetup(ours string) string {
	switch {
	case p.Setup == "passive", p.Setup == "actpass" && ours == "active":
		return "active"
	default:
		return "passive"
	}
}
