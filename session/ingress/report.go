package ingress

import (
	"slices"
	"time"

	"github.com/pion/rtcp"

	"weir/internal/codec"
	"weir/stream"
)

const (
	// reportEvery is the time between two receiver reports.
	reportEvery = time.Second
	// wideEvery is the time between two reports on transport-wide numbers.
	wideEvery = 100 * time.Millisecond
	// lookEvery is the time between two looks at what is missing, while
	// something is.
	lookEvery = 10 * time.Millisecond
	// keyFrameEvery is the least time between two requests for a key frame of
	// one stream.
	keyFrameEvery = 300 * time.Millisecond
	// maxRate is what a publisher without transport-wide feedback is told that
	// it may send, in bits a second.
	maxRate = 50_000_000
)

// report tells the publisher what came and what is missing, until Stop: it is
// the Receiver's one goroutine.
func (g *Receiver) report(publication *stream.Publication) {
	timer := time.NewTimer(wideEvery)
	defer timer.Stop()
	due := time.Now().Add(wideEvery)
	var reported, numbered time.Time
	for {
		next := wideEvery
		select {
		case <-g.stop:
			return
		case t := <-publication.KeyFrameWanted():
			g.requestKeyFrame(t, time.Now())
			continue
		case <-g.wake:
			next = min(tolerance, time.Until(due)) // gaps that come without end put nothing off
		case now := <-timer.C:
			if g.options.Connected() {
				if now.Sub(numbered) >= wideEvery {
					numbered = now
					g.reportNumbers()
					g.chooseLayers(now)
				}
				if now.Sub(reported) >= reportEvery {
					reported = now
					g.reportReception(now)
				}
			}
			if g.askAgain(now) {
				next = lookEvery
			}
		}
		due = time.Now().Add(next)
		timer.Reset(next)
	}
}

// send sends one compound packet. What cannot be sent is not missed: it is said
// again.
func (g *Receiver) send(packets ...rtcp.Packet) {
	if len(packets) > 0 && g.options.Connected() {
		g.options.Send(packets)
	}
}

// feedback is the smallest compound that the packets can be sent in (RFC 4585
// 3.1), or, where that was negotiated, they alone.
func (g *Receiver) feedback(packets ...rtcp.Packet) {
	if len(packets) == 0 {
		return
	}
	if !slices.ContainsFunc(g.inputs, func(in *input) bool { return !in.section.ReducedSize }) {
		g.send(packets...) // RFC 5506
		return
	}
	g.send(append([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: g.ssrc}, g.description()}, packets...)...)
}

// description names this end, as every compound has to (RFC 3550 6.1).
func (g *Receiver) description() *rtcp.SourceDescription {
	return &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
		Source: g.ssrc, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: g.options.CNAME}},
	}}}
}

// reportReception sends a receiver report on the streams that were heard since
// the last one.
func (g *Receiver) reportReception(now time.Time) {
	rtt := g.options.RoundTrip()
	g.mu.Lock()
	if rtt > 0 {
		g.rtt = rtt
	}
	report := &rtcp.ReceiverReport{SSRC: g.ssrc}
	var heard []uint32
	for _, s := range g.heardLocked() {
		report.Reports = append(report.Reports, s.reception(now))
		heard = append(heard, s.ssrc)
		s.heard, s.told = false, now
	}
	g.leaveLocked(now)
	g.mu.Unlock()
	packets := []rtcp.Packet{report, g.description()}
	if len(heard) > 0 && g.wantsEstimate() {
		packets = append(packets, &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: g.ssrc, Bitrate: maxRate, SSRCs: heard})
	}
	g.send(packets...)
}

// wantsEstimate says whether REMB was negotiated. It says no more than that
// there is no limit here: the publisher has the losses to go by.
func (g *Receiver) wantsEstimate() bool {
	return slices.ContainsFunc(g.inputs, func(in *input) bool { return slices.Contains(in.section.Feedback, "goog-remb") })
}

// reportNumbers sends when which transport-wide numbers came.
func (g *Receiver) reportNumbers() {
	if g.numbers == nil {
		return
	}
	g.mu.Lock()
	packets := g.numbers.BuildFeedbackPacket()
	g.mu.Unlock()
	for _, packet := range packets { // each is long
		g.feedback(packet)
	}
}

// askAgain sends NACKs for what is missing and due, and says whether anything is
// still missing.
func (g *Receiver) askAgain(now time.Time) (missing bool) {
	var packets []rtcp.Packet
	g.mu.Lock()
	for _, s := range g.order {
		if len(s.missing) == 0 {
			continue
		}
		missing = true
		if numbers := s.due(now, g.rtt); len(numbers) > 0 {
			slices.SortFunc(numbers, func(a, b uint16) int { return int(int16(a - b)) })
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: g.ssrc, MediaSSRC: s.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(numbers),
			})
		}
	}
	g.mu.Unlock()
	g.feedback(packets...)
	return missing
}

// requestKeyFrame asks for a key frame of what feeds a track, if there is a way
// to ask. Before the connection is there nothing is asked: who waits comes again.
func (g *Receiver) requestKeyFrame(t *stream.Track, now time.Time) {
	if t.Kind() != codec.Video || !g.options.Connected() {
		return
	}
	var packets []rtcp.Packet
	g.mu.Lock()
	for _, in := range g.inputs {
		if !in.video {
			continue
		}
		asked := false
		for _, s := range g.order {
			if s.input == in && !s.repairs && (s == in.current || in.current == nil || s == in.target) {
				asked = true
				packets = append(packets, g.keyFrameLocked(s, now)...)
			}
		}
		if !asked {
			packets = append(packets, g.declaredLocked(in, now)...)
		}
	}
	g.mu.Unlock()
	g.feedback(packets...)
}

// declaredLocked asks the stream that the offer declares, before a packet came.
func (g *Receiver) declaredLocked(in *input, now time.Time) []rtcp.Packet {
	if len(in.section.Sources) != 1 {
		in.unasked++
		return nil
	}
	if in.declared == nil {
		in.declared = &source{ssrc: in.section.Sources[0].SSRC, input: in}
	}
	return g.keyFrameLocked(in.declared, now)
}

// keyFrameLocked makes the request, unless one went out just now.
func (g *Receiver) keyFrameLocked(s *source, now time.Time) []rtcp.Packet {
	if now.Sub(s.keyFrameAt) < keyFrameEvery {
		return nil
	}
	feedback := s.input.section.Feedback
	switch {
	case slices.Contains(feedback, "nack pli"):
		s.keyFrameAt, s.input.awaited = now, true
		s.input.keyFrames++
		return []rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: g.ssrc, MediaSSRC: s.ssrc}}
	case slices.Contains(feedback, "ccm fir"):
		s.keyFrameAt, s.input.awaited = now, true
		s.input.keyFrames++
		s.firSequence++
		return []rtcp.Packet{&rtcp.FullIntraRequest{
			SenderSSRC: g.ssrc, FIR: []rtcp.FIREntry{{SSRC: s.ssrc, SequenceNumber: s.firSequence}},
		}}
	default:
		s.input.unasked++
		return nil
	}
}

// chooseLayers looks which layer should be forwarded, and asks for the key frame
// to change over with.
func (g *Receiver) chooseLayers(now time.Time) {
	var packets []rtcp.Packet
	g.mu.Lock()
	for _, in := range g.inputs {
		in.choose(g.order, now)
		if in.target != nil {
			packets = append(packets, g.keyFrameLocked(in.target, now)...)
		}
	}
	g.mu.Unlock()
	g.feedback(packets...)
}
