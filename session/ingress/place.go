package ingress

import (
	"time"

	"github.com/pion/rtp"

	"weir/stream"
)

// placeLocked finds what the packet belongs to, and makes it one of the line
// that its track gets. It returns the stream and the track, nil where the packet
// ends here, and whether packets before it are missing now that were not.
func (g *Receiver) placeLocked(pkt *rtp.Packet, now time.Time) (s *source, track *stream.Track, gap bool) {
	s = g.sourceLocked(pkt, now)
	if s == nil {
		g.unknown++
		return nil, nil, false
	}
	again := s.repairs
	if again {
		s.arrived = now
		s.octets += uint64(len(pkt.Payload))
		if s = g.unwrapLocked(s, pkt); s == nil {
			return nil, nil, false
		}
	}
	route, ok := s.input.payloads[pkt.PayloadType]
	if !ok || route.repairs {
		g.unknown++
		return nil, nil, false
	}
	number, fresh, gap := s.receive(pkt, route.clockRate, now, again)
	if !fresh || !s.input.forward(s, pkt, number, route, now) {
		return nil, nil, gap
	}
	s.input.note(s, pkt, route, now)
	return s, g.tracks[route.codec], gap
}

// sourceLocked finds or makes the source of a packet.
func (g *Receiver) sourceLocked(pkt *rtp.Packet, now time.Time) *source {
	if s := g.sources[pkt.SSRC]; s != nil {
		return s
	}
	in := g.inputLocked(pkt)
	if in == nil {
		return nil
	}
	route, ok := in.payloads[pkt.PayloadType]
	if !ok {
		return nil
	}
	s := &source{ssrc: pkt.SSRC, input: in, repairs: route.repairs, rid: extension(pkt, g.rid), nacks: route.nacks}
	if repaired := extension(pkt, g.repair); s.repairs && repaired != "" {
		s.rid = repaired
	}
	if len(in.section.RIDs) > 0 && !s.repairs && !in.known(s.rid) {
		return nil // not said yet, or no layer that was answered
	}
	if len(g.sources) >= maxStreams && !g.makeRoomLocked(now) {
		return nil
	}
	if asked := in.declared; asked != nil && asked.ssrc == s.ssrc {
		s.keyFrameAt, s.firSequence = asked.keyFrameAt, asked.firSequence
		in.declared = nil
	}
	g.sources[pkt.SSRC] = s
	g.order = append(g.order, s)
	if e, ok := g.early[pkt.SSRC]; ok {
		delete(g.early, pkt.SSRC)
		s.heardReport(e.report, e.came)
		s.reported(e.report, e.at, e.came)
	}
	return s
}

// inputLocked finds the section of a stream that was not there before.
func (g *Receiver) inputLocked(pkt *rtp.Packet) *input {
	if mid := extension(pkt, g.mid); mid != "" {
		for _, in := range g.inputs {
			if in.section.Mid == mid {
				return in
			}
		}
	}
	var found *input
	for _, in := range g.inputs {
		if in.declares(pkt.SSRC) {
			return in
		}
		if _, ok := in.payloads[pkt.PayloadType]; ok {
			if found != nil {
				return nil // the payload type says nothing
			}
			found = in
		}
	}
	return found
}

// unwrapLocked makes of a retransmission the packet that it repeats (RFC 4588 4),
// and returns that one's source, nil where there is none.
func (g *Receiver) unwrapLocked(repair *source, pkt *rtp.Packet) *source {
	const originalNumber = 2 // bytes
	route := repair.input.payloads[pkt.PayloadType]
	s := g.repairedLocked(repair)
	if s == nil || !route.repairs || len(pkt.Payload) <= originalNumber {
		return nil // padding that only probes the way has no number
	}
	pkt.SequenceNumber = uint16(pkt.Payload[0])<<8 | uint16(pkt.Payload[1])
	pkt.Payload = pkt.Payload[originalNumber:]
	pkt.SSRC, pkt.PayloadType = s.ssrc, route.of
	return s
}

// repairedLocked finds what a repair stream repeats: by the offer, by the rid, or
// because there is only one.
func (g *Receiver) repairedLocked(repair *source) *source {
	if repair.of != nil {
		return repair.of
	}
	for _, declared := range repair.input.section.Sources {
		if declared.RTX == repair.ssrc && g.sources[declared.SSRC] != nil {
			repair.of = g.sources[declared.SSRC]
			return repair.of
		}
	}
	var only *source
	for _, s := range g.order {
		switch {
		case s.input != repair.input || s.repairs:
		case repair.rid != "" && s.rid == repair.rid:
			repair.of = s
			return s
		case only != nil:
			return nil
		default:
			only = s
		}
	}
	return only
}

// extension is the text of a header extension, "" for none.
func extension(pkt *rtp.Packet, id uint8) string {
	if id == 0 {
		return ""
	}
	return string(pkt.GetExtension(id))
}
