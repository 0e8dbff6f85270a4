package stream

import (
	"slices"
	"time"

	"weir/stream/cache"
)

const (
	// maxBreakpoints bounds a viewer's memory of where its line was cut.
	maxBreakpoints = 1024
	// breakpointKept is for how long after its last packet a breakpoint can
	// still answer a NACK.
	breakpointKept = 2 * time.Second
	// breakpointRoom is for how many breakpoints a viewer keeps room when it
	// needs none.
	breakpointRoom = 8
)

// A breakpoint is where a viewer's line was cut: from number first on, number n
// is the packet index index+(n-first) of track, or the n-first'th of own.
type breakpoint struct {
	first  uint64 // number, extended to 48 bits
	track  *Track
	index  uint64
	own    []*cache.Packet // nil: the track's cache has them
	offset uint32          // the viewer's timestamp less the track's
	frame  uint32          // where replayed: the only timestamp that belongs here
	ended  int64           // when the next breakpoint followed, worker's nanoseconds; 0: it has not

	payloadType, rtxPayloadType uint8
	replayed                    bool
}

// packet is what stands under number n; nil if it is no longer, or not yet,
// there.
func (b *breakpoint) packet(n uint64) *cache.Packet {
	if b.own != nil {
		if i := n - b.first; i < uint64(len(b.own)) {
			return b.own[i]
		}
		return nil
	}
	p := b.track.cache.Get(b.index + (n - b.first))
	if p != nil && b.replayed && p.Timestamp != b.frame {
		return nil // it came too late: its frame was stamped before it was known
	}
	return p
}

// A line is how one viewer's numbers lie on the indexes of tracks. It is a
// value of the worker's: one goroutine uses it.
type line struct {
	breaks []breakpoint // oldest first, never empty once begun
	next   uint64       // the number that no packet has had
}

// cut begins a new breakpoint at the next number. What can no longer be
// answered is forgotten: old ones first, and beyond maxBreakpoints the oldest,
// which it then reports.
func (l *line) cut(b breakpoint, now int64) (forgotten bool) {
	b.first = l.next
	if n := len(l.breaks); n > 0 {
		last := &l.breaks[n-1]
		if last.first == l.next { // it has had no packet
			*last = b
			return false
		}
		last.ended = now
	}
	drop := l.old(now)
	if len(l.breaks)-drop >= maxBreakpoints {
		drop, forgotten = drop+1, true
	}
	if drop > 0 {
		l.breaks = slices.Delete(l.breaks, 0, drop)
	}
	l.breaks = append(l.breaks, b)
	return forgotten
}

// old is how many breakpoints, the oldest, can be forgotten.
func (l *line) old(now int64) int {
	n := 0
	for n < len(l.breaks)-1 && now-l.breaks[n].ended > int64(breakpointKept) {
		n++
	}
	return n
}

// prune forgets what can no longer be answered, and gives room back that a
// replay took.
func (l *line) prune(now int64) {
	if len(l.breaks) < breakpointRoom {
		return
	}
	l.breaks = slices.Delete(l.breaks, 0, l.old(now))
	if len(l.breaks) < breakpointRoom/2 {
		l.breaks = append(make([]breakpoint, 0, breakpointRoom), l.breaks...)
	}
}

// current is the breakpoint that packets are sent under.
func (l *line) current() *breakpoint { return &l.breaks[len(l.breaks)-1] }

// extend gives a 16-bit number its 48 bits: the newest one sent that ends so.
func (l *line) extend(n uint16) uint64 {
	newest := l.next - 1
	return newest - uint64(uint16(newest)-n)
}

// find returns the breakpoint under which a number was sent, or nil.
func (l *line) find(n uint64) *breakpoint {
	if n >= l.next {
		return nil
	}
	for i := len(l.breaks) - 1; i >= 0; i-- {
		if n >= l.breaks[i].first {
			return &l.breaks[i]
		}
	}
	return nil
}

// place returns the newest number under which an index of the track stands, and
// its breakpoint; nil if it stands nowhere.
func (l *line) place(t *Track, index uint64) (b *breakpoint, n uint64) {
	end := l.next
	for i := len(l.breaks) - 1; i >= 0; i-- {
		b := &l.breaks[i]
		if b.track == t && b.own == nil && index >= b.index && index-b.index < end-b.first {
			return b, b.first + (index - b.index)
		}
		end = b.first
	}
	return nil, 0
}
