package ingress

import (
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
)

// splice makes one line of the RTP streams of a section, of which one at a time
// is forwarded: a layer of a simulcast, or what a publisher goes on with under
// another SSRC. Where the line changes over, sequence numbers and timestamps go
// on; the packets of the first stream pass as they are.
type splice struct {
	current *source // that is forwarded; nil: none yet
	target  *source // that is to follow with its next key frame; nil: none

	spliced         bool   // the line has changed over
	sequenceOffset  uint16 // what is sent less what came
	timestampOffset uint32
	first           int64  // number of the current stream's first packet, as it came, extended
	newest          int64  // of its newest packet
	sequence        uint16 // that packet's, as it was sent
	timestamp       uint32 // the same
	at              time.Time
}

// forward says whether a packet, whose extended number that is, goes on, and
// changes its numbers to those of the line.
func (in *input) forward(s *source, pkt *rtp.Packet, number int64, route payloadRoute, now time.Time) bool {
	if s != in.current && !in.follows(s, pkt, number, route, now) {
		in.layers++
		return false
	}
	if s != in.current {
		in.change(s, pkt, number, route, now)
	}
	if number < in.first && in.spliced {
		in.before++
		return false
	}
	pkt.SequenceNumber += in.sequenceOffset
	pkt.Timestamp += in.timestampOffset
	if number >= in.newest {
		in.newest, in.sequence, in.timestamp, in.at = number, pkt.SequenceNumber, pkt.Timestamp, now
	}
	return true
}

// follows says whether the line changes over to a stream with this packet. What
// comes late of a stream, that was left maybe, is no reason to.
func (in *input) follows(s *source, pkt *rtp.Packet, number int64, route payloadRoute, now time.Time) bool {
	simulcast := len(in.section.RIDs) > 0
	switch {
	case in.current == nil && !simulcast:
		return true
	case !simulcast && now.Sub(s.left) < silence, in.current != nil && number < s.highest:
		return false
	case !in.video:
		return true
	case !codec.KeyFrameStart(route.codec, pkt.Payload):
		return false
	case simulcast:
		return in.current == nil || s == in.target || now.Sub(in.current.arrived) > silence
	default:
		return true
	}
}

// change lets the line go on with another stream.
func (in *input) change(s *source, pkt *rtp.Packet, number int64, route payloadRoute, now time.Time) {
	before := in.current
	in.current, in.target, in.first, in.newest = s, nil, number, number
	if before == nil {
		return
	}
	before.left, in.spliced = now, true
	in.sequenceOffset = in.sequence + 1 - pkt.SequenceNumber
	passed := now.Sub(in.at)
	if !before.clockAt.IsZero() && !s.clockAt.IsZero() { // both say which time their timestamps mean
		last := before.timeOf(in.timestamp-in.timestampOffset, route.clockRate)
		if by := s.timeOf(pkt.Timestamp, route.clockRate).Sub(last); by > -silence && by < 10*silence {
			passed = by
		}
	}
	ticks := int64(passed.Seconds() * float64(route.clockRate))
	in.timestampOffset = in.timestamp + uint32(max(ticks, 1)) - pkt.Timestamp
}

// choose looks for the layer that should be forwarded: the live one with the
// highest bit rate. It says which source's key frame is needed for that.
func (in *input) choose(sources []*source, now time.Time) {
	if len(in.section.RIDs) == 0 || in.current == nil {
		return
	}
	best := in.current
	live := now.Sub(in.current.arrived) <= silence
	for _, s := range sources {
		if s.input != in || s.repairs || s == best || now.Sub(s.arrived) > silence {
			continue
		}
		// A layer must be clearly better to be worth a change.
		if !live || s.rate > best.rate*5/4 {
			best, live = s, true
		}
	}
	in.target = nil
	if best != in.current {
		in.target = best
	}
}
