package stream

import (
	"sync/atomic"
	"time"
)

// A packet is what viewers share of one RTP packet. It never changes.
type packet struct {
	index     uint64
	arrived   int64  // nanoseconds of the monotonic clock
	timestamp uint32 // the track's line, clock rate units
	marker    bool
	late      uint64 // its number among the track's late packets, from 1 on; 0: it came in order
	payload   []byte

	extensions *extensions // that pass; nil: none
}

// size is about what a packet costs in memory.
func (p *packet) size() int64 { return int64(cap(p.payload)) + 160 }

// cost is what a packet costs on the way, in bytes.
func (p *packet) cost() int64 { return int64(len(p.payload) + packetOverhead) }

const (
	// minCached packets are kept however old they are.
	minCached = 512
	// maxCached bounds the memory of a track whose packets come fast.
	maxCached = 1 << 15
	// keepFor is for how long a packet can be sent again, where maxCached
	// allows it.
	keepFor = time.Second
	// trimAtOnce is how many packets are let go when one is put.
	trimAtOnce = 64
)

// A cache keeps the newest packets of a track: the last second, the last 512,
// and what is asked for of older ones. It serves viewers that are behind, those
// that ask again and those that join. One goroutine puts, any number read,
// without locks.
type cache struct {
	ring atomic.Pointer[[]atomic.Pointer[packet]] // its length is a power of two
	head atomic.Uint64                            // one more than the newest index
	lost atomic.Uint64                            // below it all is gone, however long the ring is

	size  atomic.Int64  // about the bytes that its packets cost
	total *atomic.Int64 // of all caches

	recent uint64 // owned by the one who puts: from here on packets are kept for being asked again
}

func newCache(head uint64, total *atomic.Int64) *cache {
	c := &cache{total: total, recent: head}
	r := make([]atomic.Pointer[packet], minCached)
	c.ring.Store(&r)
	c.head.Store(head)
	c.lost.Store(head)
	return c
}

// get returns the packet of that index, or nil for a hole and for what is no
// longer, or not yet, there.
func (c *cache) get(index uint64) *packet {
	r := *c.ring.Load()
	if p := r[index&uint64(len(r)-1)].Load(); p != nil && p.index == index {
		return p
	}
	return nil
}

// tail is the lowest index that can be in the cache. It never goes down: what
// is gone does not come back.
func (c *cache) tail() uint64 {
	r := *c.ring.Load() // before lost, which counts from the first look at a longer ring on
	return max(c.lost.Load(), c.head.Load()-uint64(len(r)))
}

// put keeps p, whose index must be tail or more and free, and all from keep on
// that maxCached has room for. What is older, and older than a second, goes.
func (c *cache) put(p *packet, keep uint64) {
	c.age(p)
	keep = min(keep, c.recent)
	r := *c.ring.Load()
	for p.index >= c.head.Load() && len(r) < maxCached && p.index-keep >= uint64(len(r)) {
		c.grow()
		r = *c.ring.Load()
	}
	slot := &r[p.index&uint64(len(r)-1)]
	change := p.size()
	if old := slot.Load(); old != nil {
		change -= old.size()
	}
	slot.Store(p)
	if p.index >= c.head.Load() {
		c.head.Store(p.index + 1)
	}
	c.account(change - c.trim(keep, trimAtOnce))
}

// age moves recent to the first packet that is among the last 512 or no older
// than a second when p has come.
func (c *cache) age(p *packet) {
	head := max(c.head.Load(), p.index+1)
	for c.recent+minCached < head {
		if old := c.get(c.recent); old != nil && p.arrived-old.arrived < int64(keepFor) {
			return
		}
		c.recent++
	}
}

// trim lets packets below keep go, at most so many, and says how much they cost.
func (c *cache) trim(keep uint64, most int) (size int64) {
	r := *c.ring.Load()
	from := c.lost.Load()
	until := min(keep, from+uint64(most), c.head.Load())
	if until <= from {
		return 0
	}
	c.lost.Store(until) // first: a reader that finds nothing then knows why
	for i := from; i < until; i++ {
		slot := &r[i&uint64(len(r)-1)]
		if p := slot.Load(); p != nil && p.index == i {
			size += p.size()
			slot.Store(nil)
		}
	}
	return size
}

func (c *cache) account(change int64) {
	c.size.Add(change)
	if c.total != nil {
		c.total.Add(change)
	}
}

// release takes the cache, which gets no more packets, out of the total.
func (c *cache) release() {
	if c.total != nil {
		c.total.Add(-c.size.Load())
		c.total = nil
	}
}

// grow doubles the ring. Readers that still hold the old one miss nothing that
// they could have had.
func (c *cache) grow() {
	r := *c.ring.Load()
	bigger := make([]atomic.Pointer[packet], 2*len(r))
	for i := range r {
		if p := r[i].Load(); p != nil {
			bigger[p.index&uint64(len(bigger)-1)].Store(p)
		}
	}
	c.lost.Store(c.tail())
	c.ring.Store(&bigger)
}
