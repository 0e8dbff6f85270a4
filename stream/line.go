package stream

import "time"

const (
	// maxBreakpoints bounds a viewer's memory of where its line was cut.
	maxBreakpoints = 1024
	// breakpointKept is for how long after its last packet a breakpoint can
	// still answer a NACK.
	breakpointKept = 2 * time.Second
)

// A breakpoint is where a viewer's line was cut: from number first on, number n
// is the packet index index+(n-first) of track.
type breakpoint struct {
	first       uint64 // number, extended to 48 bits
	track       *Track
	index       uint64
	offset      uint32 // the viewer's timestamp less the track's
	payloadType uint8
	ended       int64 // when the next breakpoint followed, worker's nanoseconds; 0: it has not
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
	drop := 0
	for drop < len(l.breaks)-1 && now-l.breaks[drop].ended > int64(breakpointKept) {
		drop++
	}
	if len(l.breaks)-drop >= maxBreakpoints {
		drop, forgotten = drop+1, true
	}
	l.breaks = append(l.breaks[:0], l.breaks[drop:]...)
	l.breaks = append(l.breaks, b)
	return forgotten
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
