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

const (
	// minCached packets are kept however old they are.
	minCached = 512
	// maxCached bounds the memory of a track whose packets come fast.
	maxCached = 1 << 15
	// keepFor is for how long a packet can be sent again, where maxCached
	// allows it.
	keepFor = time.Second
)

// A cache keeps the newest packets of a track, for viewers that are behind and
// for those that ask again. One goroutine puts, any number read, without locks.
type cache struct {
	ring atomic.Pointer[[]atomic.Pointer[packet]] // its length is a power of two
	head atomic.Uint64                            // one more than the newest index
	lost atomic.Uint64                            // below it all is gone, however long the ring is
}

func newCache(head uint64) *cache {
	c := &cache{}
	r := make([]atomic.Pointer[packet], minCached)
	c.ring.Store(&r)
	c.head.Store(head)
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

// put keeps p, whose index must be tail or more and free.
func (c *cache) put(p *packet) {
	for p.index >= c.head.Load() && c.crowded(p) {
		c.grow()
	}
	r := *c.ring.Load()
	r[p.index&uint64(len(r)-1)].Store(p)
	if p.index >= c.head.Load() {
		c.head.Store(p.index + 1)
	}
}

// crowded says whether p would push out a packet that should be kept longer.
func (c *cache) crowded(p *packet) bool {
	r := *c.ring.Load()
	old := r[p.index&uint64(len(r)-1)].Load()
	return old != nil && len(r) < maxCached && p.arrived-old.arrived < int64(keepFor)
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
