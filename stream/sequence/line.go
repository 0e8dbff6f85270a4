package sequence

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/rtp"

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

// A Breakpoint is where a viewer's line was cut: from the number on that it was cut
// at, each number is the packet of Track under the next index, from Index on, or the
// next one of Own.
type Breakpoint struct {
	Track    *cache.Track
	Index    uint64
	Own      []*cache.Packet // nil: the track has them
	Offset   uint32          // the viewer's timestamp less the track's
	Replayed bool            // one frame alone stands here
	Frame    uint32          // its timestamp in the track

	PayloadType, RTXPayloadType uint8 // the second is 0 where retransmission was not negotiated

	first uint64 // number, extended to 48 bits
	ended int64  // when the next breakpoint followed, worker's nanoseconds; 0: it has not
}

// Packet is what stands under number n; nil if it is no longer, or not yet,
// there.
func (b *Breakpoint) Packet(n uint64) *cache.Packet {
	if b.Own != nil {
		if i := n - b.first; i < uint64(len(b.Own)) {
			return b.Own[i]
		}
		return nil
	}
	p := b.Track.Get(b.Index + (n - b.first))
	if p != nil && b.Replayed && p.Timestamp != b.Frame {
		return nil // it came too late: its frame was stamped before it was known
	}
	return p
}

// Names are what a viewer's transport was negotiated to carry.
type Names struct {
	SSRC, RTXSSRC uint32             // the second is 0 where retransmission was not negotiated
	Extensions    cache.ExtensionIDs // that the viewer takes
	Mixed         bool               // also in the form of two bytes (RFC 8285 4.1.2)
}

// A Line is how one viewer's numbers lie on the indexes of tracks. It is a value,
// for one goroutine.
type Line struct {
	breaks  []Breakpoint // oldest first, never empty once cut
	next    uint64       // the number that no packet has had
	rtxNext uint64       // 48 bits, only ever goes up
	names   Names
}

// Begin makes an empty line begin at numbers that nobody can foresee, and says at
// which timestamp it should (RFC 3550 5.1).
func (l *Line) Begin(n Names) (timestamp uint32) {
	l.names = n
	l.next = 1 + uint64(unforeseeable()>>17) // 15 bits: the first roll-over stays far
	l.rtxNext = 1 + uint64(unforeseeable()>>17)
	return unforeseeable()
}

func unforeseeable() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return binary.BigEndian.Uint32(b[:])
}

// Begun says whether the line has been cut for a first time: whether packets may be
// given numbers.
func (l *Line) Begun() bool { return len(l.breaks) > 0 }

// Cut begins a new breakpoint at the next number. What can no longer be
// answered is forgotten: old ones first, and beyond maxBreakpoints the oldest,
// which it then reports.
func (l *Line) Cut(b Breakpoint, now int64) (forgotten bool) {
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
func (l *Line) old(now int64) int {
	n := 0
	for n < len(l.breaks)-1 && now-l.breaks[n].ended > int64(breakpointKept) {
		n++
	}
	return n
}

// Prune forgets what can no longer be answered, and gives room back that a
// replay took.
func (l *Line) Prune(now int64) {
	if len(l.breaks) < breakpointRoom {
		return
	}
	l.breaks = slices.Delete(l.breaks, 0, l.old(now))
	if len(l.breaks) < breakpointRoom/2 {
		l.breaks = append(make([]Breakpoint, 0, breakpointRoom), l.breaks...)
	}
}

// Take gives the index of a track its number, under the newest breakpoint, and uses
// it and all below it up: a hole keeps its number.
func (l *Line) Take(index uint64) (b *Breakpoint, n uint64) {
	b = &l.breaks[len(l.breaks)-1]
	n = b.first + (index - b.Index)
	l.next = n + 1
	return b, n
}

// TakeOwn gives the next packet of a breakpoint that has its own its number.
func (l *Line) TakeOwn() (b *Breakpoint, n uint64) {
	n = l.next
	l.next++
	return &l.breaks[len(l.breaks)-1], n
}

// Find extends a number of 16 bits to 48: the newest one used up that ends so. It
// returns the breakpoint that it stands under, or nil.
func (l *Line) Find(n16 uint16) (b *Breakpoint, n uint64) {
	newest := l.next - 1
	n = newest - uint64(uint16(newest)-n16)
	if n > newest {
		return nil, n // it ends so before the first one
	}
	for i := len(l.breaks) - 1; i >= 0; i-- {
		if n >= l.breaks[i].first {
			return &l.breaks[i], n
		}
	}
	return nil, n
}

// Place returns the newest number under which an index of the track stands, and
// its breakpoint; nil if it stands nowhere.
func (l *Line) Place(t *cache.Track, index uint64) (b *Breakpoint, n uint64) {
	end := l.next
	for i := len(l.breaks) - 1; i >= 0; i-- {
		b := &l.breaks[i]
		if b.Track == t && b.Own == nil && index >= b.Index && index-b.Index < end-b.first {
			return b, b.first + (index - b.Index)
		}
		end = b.first
	}
	return nil, 0
}

// Header makes the header of number n, a pure function of its breakpoint, in h:
// nothing else in it is ever set.
func (l *Line) Header(h *rtp.Header, b *Breakpoint, n uint64, p *cache.Packet) {
	h.Version, h.Marker, h.PayloadType, h.SequenceNumber = 2, p.Marker, b.PayloadType, uint16(n)
	h.Timestamp, h.SSRC = p.Timestamp+b.Offset, l.names.SSRC
	if h.Extension {
		h.ClearExtensions()
	}
	if p.Extensions != nil {
		l.names.Extensions.Write(h, p.Extensions, l.names.Mixed)
	}
}

// Repeat makes the header and the payload that send a packet again: as the payload
// of a retransmission packet with a number of its own (RFC 4588 4), for which it uses
// scratch, or, where that was not negotiated, byte for byte as it was.
func (l *Line) Repeat(h *rtp.Header, scratch *[]byte, b *Breakpoint, n uint64, p *cache.Packet) (payload []byte) {
	l.Header(h, b, n, p)
	if l.names.RTXSSRC == 0 || b.RTXPayloadType == 0 {
		return p.Payload
	}
	h.SSRC, h.PayloadType = l.names.RTXSSRC, b.RTXPayloadType
	h.SequenceNumber = uint16(l.rtxNext)
	l.rtxNext++
	*scratch = append(append((*scratch)[:0], byte(n>>8), byte(n)), p.Payload...)
	return *scratch
}
