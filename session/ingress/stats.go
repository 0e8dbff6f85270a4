package ingress

import (
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// Stats is a snapshot of one section.
type Stats struct {
	Format codec.Format // as the packets say; before the first as negotiated

	// Of the stream that is forwarded.
	SSRC         uint32
	FractionLost float64 // of the last interval, 0 to 1
	Jitter       time.Duration

	Lost      int32         // packets that did not come on their own stream, of all layers
	RTT       time.Duration // 0: not known yet
	KeyFrames uint64        // asked for
	Reception Reception
}

// Reception are the counters of one section.
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
	Clock          Clock             // by the newest sender report of the stream that is forwarded
}

// A Clock says which time belongs to which timestamp, as the publisher
// counts both (RFC 3550 6.4.1). It is zero before the first sender report.
type Clock struct {
	NTP uint64 // seconds since 1900, 32.32 bits fixed point
	RTP uint32 // clock rate units
}

// Stats are the counters of the sections that are received, in the offer's order.
func (g *Receiver) Stats() []Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]Stats, len(g.inputs))
	for i, in := range g.inputs {
		all[i] = in.snapshot(g.order)
		all[i].RTT = g.rtt
		for reason, n := range map[string]uint64{"unknown": g.unknown, "malformed": g.malformed, "untimely": g.untimely} {
			if n > 0 { // of none in particular: each tells
				all[i].Reception.Drops[reason] = n
			}
		}
	}
	return all
}

// snapshot is the section's counters; sources are those of all sections.
func (in *input) snapshot(sources []*source) Stats {
	m := Stats{
		Format: in.section.Format, KeyFrames: in.keyFrames, Reception: in.past, Lost: int32(in.pastLost),
	}
	m.Reception.Unasked, m.Reception.Drops = in.unasked, map[string]uint64{}
	if in.layers > 0 {
		m.Reception.Drops["layer"] = in.layers
	}
	if in.before > 0 {
		m.Reception.Drops["before_change"] = in.before
	}
	if in.fed != nil {
		m.Format = in.fed.Format() // not as the offer does
	}
	for _, s := range sources {
		if s.input != in || s.repairs {
			continue
		}
		r := &m.Reception
		s.count(r)
		m.Lost += int32(s.lost())
		if s == in.current {
			m.SSRC, m.FractionLost, r.Layer = s.ssrc, float64(s.fraction)/256, s.rid
			r.Clock = Clock{NTP: s.reportNTP, RTP: s.reportRTP}
			m.Jitter = time.Duration(s.jitter * float64(time.Second) / float64(in.section.Format.ClockRate))
		}
	}
	return m
}

// count adds what came of a stream.
func (s *source) count(r *Reception) {
	r.Streams++
	r.Packets += s.before + s.packets + s.repaired
	r.Bytes += s.octets
	r.Recovered += s.again
	r.Duplicates += s.duplicates
	r.GivenUp += s.given
	r.Disbelieved += s.disbelieved
	r.Asked += s.asked
}

// Counted is how many packets have come, and their payloads' bytes.
func (g *Receiver) Counted() (packets, octets uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, in := range g.inputs {
		packets += in.past.Packets
		octets += in.past.Bytes
	}
	for _, s := range g.order {
		if !s.repairs {
			packets += s.before + s.packets + s.repaired
			octets += s.octets
		}
	}
	return packets, octets
}

// Summary is what is known of the publisher, for who looks at the stream.
func (g *Receiver) Summary() stream.PublisherReport {
	var r stream.PublisherReport
	for _, m := range g.Stats() {
		r.Packets += m.Reception.Packets
		r.Lost += m.Reception.GivenUp
		r.Recovered += m.Reception.Recovered
		r.NACKs += m.Reception.Asked
		r.KeyFramesAsked += m.KeyFrames
		r.Jitter, r.RTT = max(r.Jitter, m.Jitter), m.RTT
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, in := range g.inputs {
		r.KeyFramesAnswered += in.answered
		r.KeyFrameFeedback = r.KeyFrameFeedback || in.section.KeyFrames()
	}
	r.Clocked = g.clock.set
	return r
}
