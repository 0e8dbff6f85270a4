package ingress

import (
	"slices"
	"time"
)

// longSilence is after how long without a packet a stream gives its place to
// another, where all are taken. Else it is kept: a layer that was paused does not
// say again what it is.
const longSilence = 5 * time.Second

// heardLocked are the streams to report on, as many as one report has room for
// (RFC 3550 6.4.2): of those that were heard since they were last reported on the
// ones that wait longest.
func (g *Receiver) heardLocked() []*source {
	const most = 31
	var heard []*source
	for _, s := range g.order {
		if s.begun && s.heard {
			heard = append(heard, s)
		}
	}
	if len(heard) > most {
		slices.SortStableFunc(heard, func(a, b *source) int { return a.told.Compare(b.told) })
		heard = heard[:most]
	}
	return heard
}

// goodbye notes that a stream is over (RFC 3550 6.3.4). It leaves when nothing has
// come of it for a while: packets may be later than that they are the last.
func (g *Receiver) goodbye(ssrc uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.early, ssrc)
	if s := g.sources[ssrc]; s != nil {
		s.bye = true
	}
}

// leaveLocked lets the streams leave that are over.
func (g *Receiver) leaveLocked(now time.Time) {
	for _, s := range slices.Clone(g.order) {
		if s.bye && now.Sub(s.arrived) > silence && s.input.current != s {
			g.freeLocked(s)
		}
	}
}

// makeRoomLocked gives the place of the stream that is silent longest to another,
// and says whether there is one. What feeds a track keeps its own.
func (g *Receiver) makeRoomLocked(now time.Time) bool {
	var longest *source
	for _, s := range g.order {
		if now.Sub(s.arrived) > longSilence && s.input.current != s && (longest == nil || s.arrived.Before(longest.arrived)) {
			longest = s
		}
	}
	if longest == nil {
		return false
	}
	g.freeLocked(longest)
	return true
}

// freeLocked forgets a stream; what came of it stays counted.
func (g *Receiver) freeLocked(s *source) {
	delete(g.sources, s.ssrc)
	g.order = slices.DeleteFunc(g.order, func(o *source) bool { return o == s })
	for _, o := range g.order {
		if o.of == s {
			o.of = nil
		}
	}
	if in := s.input; !s.repairs {
		s.count(&in.past)
		in.past.GivenUp += uint64(len(s.missing))
		in.pastLost += s.lost()
		if in.target == s {
			in.target = nil
		}
	}
}
