package stream

import (
	"sync/atomic"
	"time"
)

// A gop is a group of pictures in a track's cache: a key frame, with its
// parameter sets in front, and what follows up to the next one.
type gop struct {
	// static
	start     uint64 // index of its first packet
	timestamp uint32 // of the key frame, on the track's line
	arrived   int64
	due       int64     // when the next key frame should come; 0: not known
	sets      []*packet // to be sent before the first packet; nil: the packets have what they need

	over atomic.Bool               // past the bounds: only the key frame is kept
	lone atomic.Pointer[[]*packet] // the key frame, when over; nil: it has a hole
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
func (g *groups) begin(t *Track, mono int64, start uint64, timestamp uint32, sets []*packet) {
	n := &gop{start: start, timestamp: timestamp, arrived: mono, sets: sets}
	g.previous = 0
	if old := t.gop.Load(); old != nil {
		interval := time.Duration(mono - old.arrived)
		if regular(interval, g.interval) {
			n.due = mono + int64(interval)
		}
		g.interval = interval
		if !old.over.Load() {
			g.previous = old.start
		}
	}
	g.bytes, g.frames, g.timestamp = 0, 1, timestamp
	t.keyFrames.Add(1)
	t.unanswered.Store(0)
	t.gop.Store(n)
}

// add counts a packet of the newest group, and gives the group up where it
// passes a bound.
func (g *groups) add(t *Track, mono int64, p *packet) {
	newest := t.gop.Load()
	if newest == nil || p.index < newest.start || newest.over.Load() {
		return
	}
	g.bytes += int64(len(p.payload))
	if int32(p.timestamp-g.timestamp) > 0 {
		g.frames++
		g.timestamp = p.timestamp
	}
	o := &t.stream.reg.opts.Join
	if g.frames > o.MaxFrames || g.bytes > o.MaxBytes || mono-newest.arrived > int64(o.MaxAge) ||
		p.index-newest.start >= maxCached {
		newest.giveUp(t.cache)
	}
}

// giveUp keeps the key frame alone.
func (n *gop) giveUp(c *cache) {
	if frame := c.frame(n.start); frame != nil {
		n.lone.Store(&frame)
	}
	n.over.Store(true)
}

// keep is the lowest index that the newest groups need; beyond everything if
// they need nothing.
func (g *groups) keep(t *Track, mono int64) uint64 {
	newest := t.gop.Load()
	if newest == nil || newest.over.Load() {
		return ^uint64(0)
	}
	if g.previous != 0 && mono-newest.arrived < int64(keepFor) { // what was replayed of it may be asked for
		return g.previous
	}
	return newest.start
}

// keyFrame is the group's key frame, parameter sets in front; nil if a part of
// it is missing.
func (n *gop) keyFrame(c *cache) []*packet {
	frame := n.lone.Load()
	if frame == nil {
		if n.over.Load() {
			return nil
		}
		whole := c.frame(n.start)
		if whole == nil {
			return nil
		}
		frame = &whole
	}
	if n.sets == nil {
		return *frame
	}
	return append(append([]*packet(nil), n.sets...), *frame...)
}

// frame is the frame that begins at an index, all of it; nil if a part of it is
// not there, or not there yet.
func (c *cache) frame(start uint64) []*packet {
	var all []*packet
	head := c.head.Load()
	for i := start; i < head; i++ {
		p := c.get(i)
		ended := len(all) > 0 && all[len(all)-1].marker
		switch {
		case p == nil && ended, p != nil && len(all) > 0 && p.timestamp != all[0].timestamp:
			return all
		case p == nil:
			return nil
		}
		all = append(all, p)
	}
	if len(all) > 0 && all[len(all)-1].marker {
		return all
	}
	return nil
}
