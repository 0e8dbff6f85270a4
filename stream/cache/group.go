package cache

import (
	"sync/atomic"
	"time"
)

// A Group is a group of pictures of a track: a key frame, with its
// parameter sets in front, and what follows up to the next one.
type Group struct {
	Start     uint64 // index of its first packet
	Timestamp uint32 // of the key frame, on the track's line
	Arrived   int64
	Due       int64     // when the next key frame should come; 0: not known
	Sets      []*Packet // to be sent before the first packet; nil: the packets have what they need

	over atomic.Bool               // past the bounds: only the key frame is kept
	lone atomic.Pointer[[]*Packet] // the key frame, when over; nil: it has a hole
}

// groups is what the writing end of a track keeps of its groups of pictures.
type groups struct {
	previous  uint64        // where the group before the newest begins; 0: none kept
	interval  time.Duration // between the last two key frames; 0: not known
	bytes     int64         // of the newest group's payloads
	frames    int
	timestamp uint32 // of the newest frame
}

// regular says whether two distances between key frames are the same, but for
// jitter.
func regular(a, b time.Duration) bool { return a > 0 && (a-b).Abs() < a/10 }

// begin makes a key frame that begins at index start the newest one.
func (g *groups) begin(t *Track, mono int64, start uint64, timestamp uint32, sets []*Packet) {
	n := &Group{Start: start, Timestamp: timestamp, Arrived: mono, Sets: sets}
	g.previous = 0
	if old := t.group.Load(); old != nil {
		interval := time.Duration(mono - old.Arrived)
		if regular(interval, g.interval) {
			n.Due = mono + int64(interval)
		}
		g.interval = interval
		if !old.over.Load() {
			g.previous = old.Start
		}
	}
	g.bytes, g.frames, g.timestamp = 0, 1, timestamp
	t.keyFrames.Add(1)
	t.group.Store(n)
}

// add counts a packet of the newest group, and gives the group up where it
// passes a bound.
func (g *groups) add(t *Track, mono int64, p *Packet) {
	newest := t.group.Load()
	if newest == nil || p.Index < newest.Start || newest.over.Load() {
		return
	}
	g.bytes += int64(len(p.Payload))
	if int32(p.Timestamp-g.timestamp) > 0 {
		g.frames++
		g.timestamp = p.Timestamp
	}
	o := &t.bounds
	if g.frames > o.MaxFrames || g.bytes > o.MaxBytes || mono-newest.Arrived > int64(o.MaxAge) ||
		p.Index-newest.Start >= maxCached {
		newest.giveUp(&t.ring)
	}
}

// Over says that the group is past a bound: only its key frame is kept.
func (n *Group) Over() bool { return n.over.Load() }

// giveUp keeps the key frame alone.
func (n *Group) giveUp(r *ring) {
	if frame := r.frame(n.Start); frame != nil {
		n.lone.Store(&frame)
	}
	n.over.Store(true)
}

// keep is the lowest index that the newest groups need; beyond everything if
// they need nothing.
func (g *groups) keep(t *Track, mono int64) uint64 {
	newest := t.group.Load()
	if newest == nil || newest.over.Load() {
		return ^uint64(0)
	}
	if g.previous != 0 && mono-newest.Arrived < int64(keepFor) { // what was replayed of it may be asked for
		return g.previous
	}
	return newest.Start
}

// KeyFrame is the group's key frame, parameter sets in front; nil if a part of
// it is missing.
func (n *Group) KeyFrame(t *Track) []*Packet {
	frame := n.lone.Load()
	if frame == nil {
		if n.over.Load() {
			return nil
		}
		whole := t.frame(n.Start)
		if whole == nil {
			return nil
		}
		frame = &whole
	}
	if n.Sets == nil {
		return *frame
	}
	return append(append([]*Packet(nil), n.Sets...), *frame...)
}

// frame is the frame that begins at an index, all of it; nil if a part of it is
// not there, or not there yet.
func (r *ring) frame(start uint64) []*Packet {
	var all []*Packet
	head := r.head.Load()
	for i := start; i < head; i++ {
		p := r.Get(i)
		ended := len(all) > 0 && all[len(all)-1].Marker
		switch {
		case p == nil && ended, p != nil && len(all) > 0 && p.Timestamp != all[0].Timestamp:
			return all
		case p == nil:
			return nil
		}
		all = append(all, p)
	}
	if len(all) > 0 && all[len(all)-1].Marker {
		return all
	}
	return nil
}
