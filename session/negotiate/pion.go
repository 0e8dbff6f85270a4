package negotiate

import (
	"slices"
	"strconv"
	"strings"

	"weir/internal/codec"
)

// Offer writes the offer as pion gets it: the accepted sections only, with mids "0" and "1", in one BUNDLE group, each
// with one codec of those that Codecs returns, so that pion's own matching has no choice. ufrag, pwd and candidates are the
// player's: those of the plan, or new ones, and then it is the offer of an ICE restart.
//
// Of a publisher's offer pion is told only the transport: one inactive section. It takes no part in receiving: what comes
// is taken where it is decrypted.
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

// Codec is one to register in the MediaEngine of the plan's PeerConnection.
type Codec struct {
	Kind     string // "audio" or "video"
	Number   uint8  // payload type
	Format   codec.Format
	Feedback []string // a=rtcp-fb values
}

// Codecs returns what to register in the MediaEngine of the plan's PeerConnection, and nothing else may be registered
// there: for each accepted section its codec, then its retransmission payload type.
func (p *Plan) Codecs() []Codec {
	var codecs []Codec
	for _, s := range p.pionSections() {
		format := s.pionFormat()
		codecs = append(codecs, Codec{Kind: s.Kind, Number: s.PayloadType, Format: format, Feedback: s.Feedback})
		if s.RTXPayloadType != 0 {
			rtx := codec.Format{Name: "rtx", ClockRate: format.ClockRate, Fmtp: "apt=" + strconv.Itoa(int(s.PayloadType))}
			codecs = append(codecs, Codec{Kind: s.Kind, Number: s.RTXPayloadType, Format: rtx})
		}
	}
	return slices.Clip(codecs)
}
