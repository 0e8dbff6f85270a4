package session

import (
	"net/netip"
	"slices"
	"time"

	"weir/internal/codec"
	"weir/session/egress"
	"weir/session/ingress"
	"weir/session/negotiate"
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
	Candidates [2]string         // selected: ours and the other end's, "udp 192.0.2.1:9 host"; "" for none
	Packets    uint64            // of media, sent to a player or received of a publisher
	Bytes      uint64            // of their payloads
	Drops      map[string]uint64 // datagrams of the other end that were not looked at, by reason
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

	egress.Stats // of a player's session; of a publisher's what there is of the same for its stream

	Sent stream.DownTrackStats // of a player's session
	// Received is what came of a publisher's section; nil in a player's session.
	Received *ingress.Reception
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
		State:      s.conn.State().String(),
		ICEState:   s.conn.ICEState().String(),
		Leniencies: slices.Clone(s.plan.Leniencies),
		Media:      s.flow.sections(),
	}
	st.Packets, st.Bytes = s.flow.counted()
	st.Drops = s.conn.Drops()
	if st.Connected {
		st.Candidates = s.conn.Selected()
	}
	return st
}

// mediaOf is a section as it was negotiated, and the format that is sent in it.
func mediaOf(section *negotiate.Section, format codec.Format) MediaStats {
	return MediaStats{
		Kind:        section.Kind,
		Codec:       codec.Canonical(format.Name),
		Profile:     format.Profile(),
		Fmtp:        section.Format.Fmtp,
		PayloadType: section.PayloadType,
	}
}

// received are the sections of a publisher's session.
func (s *Session) received(r *ingress.Receiver) []MediaStats {
	stats, accepted := r.Stats(), s.plan.Accepted()
	all := make([]MediaStats, len(stats))
	for i := range stats {
		m, got := mediaOf(&accepted[i], stats[i].Format), &stats[i]
		m.SSRC, m.RTT, m.FractionLost, m.Jitter, m.Lost = got.SSRC, got.RTT, got.FractionLost, got.Jitter, got.Lost
		m.NACKs, m.KeyFrames = got.Reception.Asked, got.KeyFrames
		m.Received = &got.Reception
		all[i] = m
	}
	return all
}

// sent are the sections of a player's session.
func (s *Session) sent(from *egress.Sender, v *stream.Viewer) []MediaStats {
	stats, down, accepted := from.Stats(), v.Stats().DownTracks, s.plan.Accepted()
	all := make([]MediaStats, len(stats))
	for i := range stats {
		all[i] = mediaOf(&accepted[i], accepted[i].Format)
		all[i].Stats, all[i].Sent = stats[i], down[i]
	}
	return all
}
