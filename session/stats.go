package session

import (
	"net/netip"
	"slices"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/codec"
	"weir/stream"
)

// The protocols by which players and publishers make sessions.
const (
	protocolWHEP = "whep"
	protocolWHIP = "whip"
)

// Stats is a snapshot of a session.
type Stats struct {
	ID, Stream string
	Protocol   string         // by which it was made: "whip" or "whep"
	Remote     netip.AddrPort // that made the HTTP request
	Token      string         // name of the token that the request had, "" for none
	Age        time.Duration
	Connected  bool
	State      string // of the PeerConnection, as W3C names them
	ICEState   string
	Candidates [2]string // selected: ours and the other end's, "udp 192.0.2.1:9 host"; "" for none
	Packets    uint64    // of media, sent to a player or received of a publisher
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

	Sent stream.DownTrackStats // of a player's session
	// Received is what came of a publisher's section; nil in a player's session.
	Received *Reception
}

// Reception are the counters of one section of a publisher's.
type Reception struct {
	Packets, Bytes uint64            // distinct packets, and their payloads' bytes, of all layers
	Recovered      uint64            // packets that were missing and came again, or late
	Duplicates     uint64            // packets that had come before
	GivenUp        uint64            // packets that never came
	Asked          uint64            // packets asked for again
	Unasked        uint64            // key frames wanted that could not be asked for
	Disbelieved    uint64            // sender reports whose timestamps do not run with the media
	Streams        int               // RTP streams that came, without repairs
	Layer          string            // rid of the layer that is forwarded, "" for none
	Drops          map[string]uint64 // packets that went no further, by reason
	Clock          PublisherClock    // by the newest sender report of the stream that is forwarded
}

// A PublisherClock says which time belongs to which timestamp, as the publisher
// counts both (RFC 3550 6.4.1). It is zero before the first sender report.
type PublisherClock struct {
	NTP uint64 // seconds since 1900, 32.32 bits fixed point
	RTP uint32 // clock rate units
}

// sections implements flow.
func (g *ingress) sections() []MediaStats {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]MediaStats, len(g.inputs))
	for i, in := range g.inputs {
		all[i] = in.snapshot(g.order)
		all[i].RTT = g.rtt
		if g.unknown > 0 {
			all[i].Received.Drops["unknown"] = g.unknown
		}
	}
	return all
}

// snapshot is the section's counters; sources are those of all sections.
func (in *input) snapshot(sources []*source) MediaStats {
	section := in.section
	m := MediaStats{
		Kind:        section.Kind,
		Codec:       codec.Canonical(section.Format.Name),
		Profile:     section.Format.Profile(),
		Fmtp:        section.Format.Fmtp,
		PayloadType: section.PayloadType,
		KeyFrames:   in.keyFrames,
		Received:    &Reception{Unasked: in.unasked, Drops: map[string]uint64{}},
	}
	if in.layers > 0 {
		m.Received.Drops["layer"] = in.layers
	}
	if in.fed != nil {
		format := in.fed.Format() // as the packets say, not as the offer does
		m.Codec, m.Profile = format.Name, format.Profile()
	}
	for _, s := range sources {
		if s.input != in || s.repairs {
			continue
		}
		r := m.Received
		r.Streams++
		r.Packets += s.packets + s.repaired
		r.Bytes += s.octets
		r.Recovered += s.again
		r.Duplicates += s.duplicates
		r.GivenUp += s.given
		r.Disbelieved += s.disbelieved
		r.Asked += s.asked
		m.Lost += int32(s.lost())
		if s == in.current {
			m.SSRC, m.FractionLost, r.Layer = s.ssrc, float64(s.fraction)/256, s.rid
			r.Clock = PublisherClock{NTP: s.reportNTP, RTP: s.clockTimestamp}
			m.Jitter = time.Duration(s.jitter * float64(time.Second) / float64(section.Format.ClockRate))
		}
	}
	m.NACKs = m.Received.Asked
	return m
}

// counted implements flow.
func (g *ingress) counted() (packets, octets uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.order {
		if !s.repairs {
			packets += s.packets + s.repaired
			octets += s.octets
		}
	}
	return packets, octets
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
		Leniencies: slices.Clone(s.plan.Leniencies),
		Media:      s.flow.sections(),
	}
	st.Packets, st.Bytes = s.flow.counted()
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
