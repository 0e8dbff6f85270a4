package negotiate

import (
	"slices"

	"weir/internal/codec"
)

// Plan is what Egress made of a player's offer, or Ingest of a publisher's: which sections are served, by which
// of the stream's tracks, in which payload type, and what the offer said of its transport. It is not changed after that,
// but for the stand-in of an offer of ours by TakeTransport, so it may be read by any goroutine.
type Plan struct {
	Ingest bool // the offer is a publisher's

	Sections []Section // every m= section of the offer in its order, refused ones included

	Ufrag, Pwd           string // the player's ICE credentials: never log them
	FingerprintAlgorithm string // "sha-256", "sha-384" or "sha-512"
	Fingerprint          string // of the player's certificate: upper-case hex pairs with colons
	Setup                string // the offered DTLS role: "actpass", "active" or "passive" (RFC 8842 5.3)
	Lite                 bool   // the player is an ICE lite agent
	ICEOptions           string // the tokens of a=ice-options, "" for none
	EndOfCandidates      bool   // the offer says that no candidate follows (RFC 8840 4.1)

	// Candidates of the offer ("candidate:..."), each once, in order, at most 100: those of all sections that share the
	// ICE credentials above.
	Candidates []string

	// Leniencies names what the offer got wrong, or has to have treated specially, and was served all the same: the
	// Lenient constants. Each at most once, in no order that means anything.
	Leniencies []string

	others  []string // ICE ufrags of the offer's other transports, which bundling gives up
	bundle  []string // mids of the offer's BUNDLE group that are not refused, in its order; nil: the answer has no group
	tagged  int      // index of the section that carries the transport (RFC 9143 7.3.1)
	mozilla bool     // see Mozilla
}

// Section is one m= section of an offer and what became of it.
type Section struct {
	Kind       string   // "audio", "video", "application", ...: as offered
	Mid        string   // media identification (RFC 5888); "" only when the offer has a single section without one
	Proto      string   // as offered, "UDP/TLS/RTP/SAVPF"
	Port       int      // as offered; 0 with BundleOnly is not a refusal (RFC 9143 6)
	BundleOnly bool     // a=bundle-only
	Direction  string   // as offered, session level and default ("sendrecv") applied
	Formats    []string // payload types as offered, in order; of m=application whatever stands there

	Accepted bool   // whether the section is served; Track and what follows are set only then
	Reason   string // why it is not served, for logs; "" when it is

	// Inactive says that the section is not served and yet not refused, but answered a=inactive: it is the one that the
	// offer's BUNDLE group puts the transport in, and Chrome with bundlePolicy max-bundle cannot move it.
	Inactive bool

	// Payloads are all that the answer holds of an accepted section: what may be sent in it, the preferred one first.
	// PayloadType, RTXPayloadType, Format and Feedback repeat the first.
	Payloads []Payload
	Sources  []Source // of a publisher: the RTP streams that the offer declares (RFC 5576), in its order
	RIDs     []string // of a publisher: the layers of a simulcast in the offer's order (RFC 8853), nil for none
	// Extensions are the RTP header extensions of an accepted section, by id (RFC 8285).
	Extensions map[uint8]string

	Track          int          // of a player's: index into the tracks given to Egress
	PayloadType    uint8        // the offer's number for the track's codec
	RTXPayloadType uint8        // the offer's number for its retransmissions (RFC 4588); 0: not negotiated
	Format         codec.Format // Name as the offer spells it, Fmtp as the answer will say it
	Feedback       []string     // a=rtcp-fb values of the payload type that are answered: "nack", "nack pli", "ccm fir"

	ReducedSize bool // a=rtcp-rsize was offered (RFC 5506)
	Mixed       bool // a=extmap-allow-mixed was offered (RFC 8285 6)

	first payload // of an audio or video section: what a refusal repeats; no Name when there is none
}

// Payload is one payload type of an accepted section.
type Payload struct {
	Number, RTX uint8        // RTX: of its retransmissions (RFC 4588); 0 for none
	Format      codec.Format // Name as the offer spells it, Fmtp as the answer will say it
	Offered     string       // format parameters as offered
	Feedback    []string     // a=rtcp-fb values that are answered
}

// Source is one RTP stream that an offer declares.
type Source struct{ SSRC, RTX uint32 } // RTX: of its retransmissions, 0 for none

// live says whether the offer wants the section at all: port 0 means not, except with bundle-only (RFC 9143 6).
func (s *Section) live() bool { return s.Port != 0 || s.BundleOnly }

// lenient notes a leniency.
func (p *Plan) lenient(name string) {
	if !slices.Contains(p.Leniencies, name) {
		p.Leniencies = append(p.Leniencies, name)
	}
}

// The leniencies that a Plan can name. They are stable: metrics count them.
const (
	// LenientMozilla marks an offer of Firefox: it drops what comes right after the DTLS handshake, so media begin later.
	LenientMozilla = "mozilla"
	// LenientFmtp marks an offer that names H.264 without profile-level-id, which takes any stream in practice.
	LenientFmtp = "fmtp_missing"
	// LenientMode marks an offer whose H.264 parameters leave packetization-mode out, which by the letter means mode 0
	// (RFC 6184 8.1) and takes mode 1 in practice.
	LenientMode = "packetization_mode_missing"
	// LenientProfile marks an offer whose H.264 profile is a superset of ours, not the same (RFC 6184 8.2.2).
	LenientProfile = "profile_superset"
	// LenientDecoder marks an offer whose H.264 profiles do not hold what is sent: decoders take more than they say.
	LenientDecoder = "profile_not_offered"
	// LenientSetup marks an offer without a=setup, taken as actpass.
	LenientSetup = "setup_missing"
	// LenientMid marks an offer of one section without a=mid.
	LenientMid = "mid_missing"
	// LenientBundle marks an offer of one section without a=group:BUNDLE.
	LenientBundle = "bundle_missing"
	// LenientFeedback marks an offer of a publisher that names no feedback for its video, so that neither a lost packet nor a
	// key frame can be asked for.
	LenientFeedback = "feedback_missing"
)

// Mozilla says whether the offer came from Firefox, whose origin line begins "o=mozilla".
func (p *Plan) Mozilla() bool { return p.mozilla }

// GivenUp says whether an ICE ufrag is of a transport that the offer has and bundling gave up.
func (p *Plan) GivenUp(ufrag string) bool { return slices.Contains(p.others, ufrag) }

// Accepted returns the sections that are served, in the order of the offer: at most one audio and one video.
func (p *Plan) Accepted() []Section {
	var accepted []Section
	for _, section := range p.Sections {
		if section.Accepted {
			accepted = append(accepted, section)
		}
	}
	return accepted
}

// Local is what the answer says of this end of the session.
type Local struct {
	SessionID   uint64 // of the origin line; its highest two bits are dropped (RFC 9429 5.2.1 asks for 62 bits at most)
	Ufrag, Pwd  string // this end's ICE credentials: never log them
	Fingerprint string // "sha-256 AA:BB:..."
	Setup       string // "active" or "passive"; an offer that leaves no choice overrules it

	// Candidates of this end ("candidate:..."), best first: some clients use the first alone. Those that would make
	// the answer too long are left out from the end.
	Candidates []string
	Trickles   bool // more candidates may follow an offer (RFC 8838)

	Streams  []LocalStream // one for each accepted section, in order
	StreamID string        // the MediaStream that all tracks belong to (RFC 8830)
}

// LocalStream is what the answer says of one accepted section's RTP stream.
type LocalStream struct {
	SSRC, RTXSSRC uint32 // RTXSSRC 0: no retransmission stream
	CNAME         string // RTCP canonical name (RFC 7022)
	TrackID       string // the MediaStreamTrack in a=msid
	Title         string // what a player's user should know of the track (RFC 8866 5.4 i=); "" for none
}
