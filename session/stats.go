package session

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/codec"
	"weir/stream"
)

// protocolWHEP is the protocol by which players make sessions.
const protocolWHEP = "whep"

// Stats is a snapshot of a session.
type Stats struct {
	ID, Stream string
	Protocol   string         // by which it was made: "whep"
	Remote     netip.AddrPort // that made the HTTP request
	Token      string         // name of the token that the request had, "" for none
	Age        time.Duration
	Connected  bool
	State      string // of the PeerConnection, as W3C names them
	ICEState   string
	Candidates [2]string // selected: ours and the player's, "udp 192.0.2.1:9 host"; "" for none
	Packets    uint64    // sent
	Bytes      uint64    // of their payloads
	Leniencies []string
	Media      []MediaStats // one for each section that is served, in the offer's order
}

// MediaStats is a snapshot of one section: what was negotiated, what was sent and what the player said of it.
type MediaStats struct {
	Kind        string // "audio" or "video"
	Codec       string // "H264", "VP8", "opus"
	Profile     string // of H.264: "constrained-baseline"; "" where there is none or it has no name
	Fmtp        string // as answered
	PayloadType uint8
	SSRC        uint32

	RTT          time.Duration // 0: not known yet
	FractionLost float64       // of the last interval, 0 to 1
	Lost         int32         // packets, in all
	Jitter       time.Duration
	Reports      uint64 // receiver reports that came
	NACKs        uint64 // RTCP packets, not packets asked for
	KeyFrames    uint64 // asked for, by PLI or FIR
	Junk         uint64 // datagrams that were no RTCP, or too much of it

	Sent stream.DownTrackStats
}

// Stats reads the session's counters and states.
func (s *Session) Stats() Stats {
	st := Stats{
		ID:         s.id,
		Stream:     s.stream,
		Protocol:   s.Protocol(),
		Remote:     s.remote,
		Token:      s.token,
		Age:        time.Since(s.created),
		Connected:  s.connected.Load(),
		State:      s.pc.ConnectionState().String(),
		ICEState:   s.pc.ICEConnectionState().String(),
		Packets:    s.outlet.packets.Load(),
		Bytes:      s.outlet.bytes.Load(),
		Leniencies: slices.Clone(s.plan.Leniencies),
	}
	down := s.viewer.Stats().DownTracks
	for i, f := range s.feedback {
		m := f.snapshot()
		m.Sent = down[i]
		st.Media = append(st.Media, m)
	}
	if !st.Connected {
		return st // pion's getter is not safe while its transport starts
	}
	if pair, err := s.transport().ICETransport().GetSelectedCandidatePair(); err == nil && pair != nil {
		st.Candidates = [2]string{candidateName(pair.Local), candidateName(pair.Remote)}
	}
	return st
}

// snapshot is the section as far as feedback knows it.
func (f *feedback) snapshot() MediaStats {
	section := &f.track.section
	m := MediaStats{
		Kind:        section.Kind,
		Codec:       codec.Canonical(section.Format.Name),
		Profile:     section.Format.Profile(),
		Fmtp:        section.Format.Fmtp,
		PayloadType: section.PayloadType,
		SSRC:        f.track.ssrc,

		RTT:          time.Duration(f.rtt.Load()),
		FractionLost: float64(f.fraction.Load()) / 256,
		Lost:         f.lost.Load(),
		Reports:      f.reports.Load(),
		NACKs:        f.nacks.Load(),
		KeyFrames:    f.keyFrames.Load(),
		Junk:         f.junk.Load(),
	}
	if rate := time.Duration(section.Format.ClockRate); rate > 0 {
		m.Jitter = time.Duration(f.jitter.Load()) * time.Second / rate
	}
	return m
}

func candidateName(c *webrtc.ICECandidate) string {
	addr, err := netip.ParseAddr(c.Address)
	if err != nil {
		return c.Protocol.String() + " " + c.Address + " " + c.Typ.String()
	}
	return c.Protocol.String() + " " + netip.AddrPortFrom(addr, c.Port).String() + " " + c.Typ.String()
}
