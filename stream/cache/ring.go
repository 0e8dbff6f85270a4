package cache

import (
	"sync/atomic"
	"time"
)

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

// A ring keeps the newest packets of a track: the last second, the last 512,
// and what is asked for of older ones. It serves viewers that are behind, those
// that ask again and those that join. One goroutine puts, any number read,
// without locks.
type ring struct {
	slots atomic.Pointer[[]atomic.Pointer[Packet]] // its length is a power of two
	head  atomic.Uint64                            // one more than the newest index
	lost  atomic.Uint64                            // below it all is gone, however long the ring is

	size  atomic.Int64  // about the bytes that its packets cost
	total *atomic.Int64 // of all caches

	recent uint64 // owned by the one who puts: from here on packets are kept for being asked again
}

func (r *ring) start(head uint64, total *atomic.Int64) {
	r.total, r.recent = total, head
	slots := make([]atomic.Pointer[Packet], minCached)
	r.slots.Store(&slots)
	r.head.Store(head)
	r.lost.Store(head)
}

// Get returns the packet of that index, or nil for a hole and for what is no
// longer, or not yet, there.
func (r *ring) Get(index uint64) *Packet {
	slots := *r.slots.Load()
	if p := slots[index&uint64(len(slots)-1)].Load(); p != nil && p.Index == index {
		return p
	}
	return nil
}

// Head is one more than the newest index.
func (r *ring) Head() uint64 { return r.head.Load() }

// Tail is the lowest index that can be in the cache. It never goes down: what
// is gone does not come back.
func (r *ring) Tail() uint64 {
	slots := *r.slots.Load() // before lost, which counts from the first look at a longer ring on
	return max(r.lost.Load(), r.head.Load()-uint64(len(slots)))
}

// put keeps p, whose index must be tail or more and free, and all from keep on
// that maxCached has room for. What is older, and older than a second, goes.
func (r *ring) put(p *Packet, keep uint64) {
	r.age(p)
	keep = min(keep, r.recent)
	slots := *r.slots.Load()
	for p.Index >= r.head.Load() && len(slots) < maxCached && p.Index-keep >= uint64(len(slots)) {
		r.grow()
		slots = *r.slots.Load()
	}
	slot := &slots[p.Index&uint64(len(slots)-1)]
	change := p.size()
	if old := slot.Load(); old != nil {
		change -= old.size()
	}
	slot.Store(p)
	if p.Index >= r.head.Load() {
		r.head.Store(p.Index + 1)
	}
	r.account(change - r.trim(keep, trimAtOnce))
}

// age moves recent to the first packet that is among the last 512 or no older
// than a second when p has come.
func (r *ring) age(p *Packet) {
	head := max(r.head.Load(), p.Index+1)
	for r.recent+minCached < head {
		if old := r.Get(r.recent); old != nil && p.Arrived-old.Arrived < int64(keepFor) {
			return
		}
		r.recent++
	}
}

// trim lets packets below keep go, at most so many, and says how much they cost.
func (r *ring) trim(keep uint64, most int) (size int64) {
	slots := *r.slots.Load()
	from := r.lost.Load()
	until := min(keep, from+uint64(most), r.head.Load())
	if until <= from {
		return 0
	}
	r.lost.Store(until) // first: a reader that finds nothing then knows why
	for i := from; i < until; i++ {
		slot := &slots[i&uint64(len(slots)-1)]
		if p := slot.Load(); p != nil && p.Index == i {
			size += p.size()
			slot.Store(nil)
		}
	}
	return size
}

func (r *ring) account(change int64) {
	r.size.Add(change)
	if r.total != nil {
		r.total.Add(change)
	}
}

// Release takes the packets, to which no more come, out of the total.
func (r *ring) Release() {
	if r.total != nil {
		r.total.Add(-r.size.Load())
		r.total = nil
	}
}

// grow doubles the ring. Readers that still hold the old one miss nothing that
// they could have had.
func (r *ring) grow() {
	slots := *r.slots.Load()
	bigger := make([]atomic.Pointer[Packet], 2*len(slots))
	for i := range slots {
		if p := slots[i].Load(); p != nil {
			bigger[p.Index&uint64(len(bigger)-1)].Store(p)
		}
	}
	r.lost.Store(r.Tail())
	r.slots.Store(&bigger)
}
