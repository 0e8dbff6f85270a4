package session

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"

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
			w.candidates(candidates)
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

// Offer writes the offer as pion gets it: the accepted sections only, with mids "0" and "1", in one BUNDLE group, each
// with one codec of those that Codecs returns, so that pion's own matching has no choice. ufrag, pwd and candidates are the
// player's: those of the plan, or new ones, and then it is the offer of an ICE restart.
//
// Of a publisher's offer pion is told only the transport: one inactive section. It takes no part in receiving: what comes
// is taken where it is decrypted, see ingress.
func (p *Plan) Offer(ufrag, pwd string, candidates []string) string {
	w := &writer{}
	accepted := p.pionSections()
	mids := make([]string, len(accepted))
	for i := range accepted {
		mids[i] = strconv.Itoa(i)
	}
	w.line("v=0")
	w.line("o=- 1 1 IN IP4 0.0.0.0")
	w.line("s=-")
	w.line("t=0 0")
	w.line("a=group:BUNDLE " + strings.Join(mids, " "))
	w.line("a=ice-options:trickle")
	if p.Lite {
		w.line("a=ice-lite")
	}
	for i := range accepted {
		s := &accepted[i]
		number := strconv.Itoa(int(s.PayloadType))
		formats := number
		if s.RTXPayloadType != 0 {
			formats += " " + strconv.Itoa(int(s.RTXPayloadType))
		}
		w.line("m=" + s.Kind + " 9 " + protocol + " " + formats)
		w.line("c=IN IP4 0.0.0.0")
		w.line("a=mid:" + mids[i])
		w.line("a=" + s.Direction)
		w.line("a=ice-ufrag:" + clean(ufrag))
		w.line("a=ice-pwd:" + clean(pwd))
		w.line("a=fingerprint:" + p.FingerprintAlgorithm + " " + p.Fingerprint)
		w.line("a=setup:" + p.Setup)
		w.line("a=rtcp-mux")
		w.codec(number, s.pionFormat(), s.Feedback)
		if s.RTXPayloadType != 0 {
			w.retransmission(s.RTXPayloadType, s.PayloadType, s.Format.ClockRate)
		}
		if p.Ingest {
			w.line("a=ssrc:1 cname:none") // or pion would take unknown streams for this section's
		}
		if i == 0 {
			for _, candidate := range candidates {
				w.line("a=" + clean(candidate))
			}
		}
	}
	return w.String()
}

// pionSections are the sections as pion is told of them.
func (p *Plan) pionSections() []Section {
	if p.Ingest {
		return []Section{{Kind: "audio", Direction: "inactive", Format: codec.Format{Name: codec.PCMU, ClockRate: 8000}}}
	}
	accepted := p.Accepted()
	for i := range accepted {
		accepted[i].Direction = "recvonly"
	}
	return accepted
}

// pionH264 stands for H.264 of any profile between this program and pion, which compares profile and mode and nothing else
// does: what is sent does not depend on it.
const pionH264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"

// pionFormat returns the section's format as pion is told of it, in Offer and Codecs alike.
func (s *Section) pionFormat() codec.Format {
	format := codec.Format{Name: codec.Canonical(s.Format.Name), ClockRate: s.Format.ClockRate, Channels: s.Format.Channels}
	switch format.Name {
	case codec.H264:
		format.Fmtp = pionH264
	case codec.Opus:
		format.Channels = 2 // RFC 7587 4.1, whatever the offer says
	default:
	}
	return format
}

// Codecs returns what to register in the MediaEngine of the plan's PeerConnection, and nothing else may be registered
// there: for each accepted section its codec, then its retransmission payload type.
func (p *Plan) Codecs() []PlanCodec {
	var codecs []PlanCodec
	for _, s := range p.pionSections() {
		kind := webrtc.NewRTPCodecType(s.Kind)
		format := s.pionFormat()
		capability := webrtc.RTPCodecCapability{
			MimeType: s.Kind + "/" + format.Name, ClockRate: format.ClockRate, Channels: uint16(format.Channels), SDPFmtpLine: format.Fmtp,
		}
		for _, feedback := range s.Feedback {
			name, parameter, _ := strings.Cut(feedback, " ")
			capability.RTCPFeedback = append(capability.RTCPFeedback, webrtc.RTCPFeedback{Type: name, Parameter: parameter})
		}
		codecs = append(codecs, PlanCodec{Kind: kind, Parameters: webrtc.RTPCodecParameters{
			RTPCodecCapability: capability, PayloadType: webrtc.PayloadType(s.PayloadType),
		}})
		if s.RTXPayloadType != 0 {
			codecs = append(codecs, PlanCodec{Kind: kind, Parameters: webrtc.RTPCodecParameters{
				RTPCodecCapability: webrtc.RTPCodecCapability{
					MimeType: webrtc.MimeTypeRTX, ClockRate: format.ClockRate, SDPFmtpLine: "apt=" + strconv.Itoa(int(s.PayloadType)),
				},
				PayloadType: webrtc.PayloadType(s.RTXPayloadType),
			}})
		}
	}
	return slices.Clip(codecs)
}

// writer builds a session description.
type writer struct{ text []byte }

// String returns what was written.
func (w *writer) String() string { return string(w.text) }

// line writes one line; its caller vouches that the text has no line end.
func (w *writer) line(text string) {
	w.text = append(append(w.text, text...), "\r\n"...)
}

// candidates writes all that this end has, which is all there will be (RFC 8840 4.1.3).
func (w *writer) candidates(candidates []string) {
	for _, candidate := range candidates {
		w.line("a=" + clean(candidate))
	}
	w.line("a=end-of-candidates")
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
