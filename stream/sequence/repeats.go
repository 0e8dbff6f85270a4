package sequence

import (
	"sync/atomic"
	"time"
)

const (
	// Room is how many numbers that were asked for wait.
	Room = 256
	// floor is how many bytes may always be sent again in a second.
	floor = 64 << 10
	// rest is the least time between two repetitions of a packet while the round
	// trip time is not known.
	rest = 30 * time.Millisecond
)

// Repeats are the numbers that a viewer asked for again, and how much of it may go
// out. Ask is for one goroutine, all other methods are for one that may be another;
// neither waits.
type Repeats struct {
	slots      [Room]atomic.Uint32
	head, tail atomic.Uint32 // asked for, taken

	// owned by the one who takes
	allowance int64 // bytes that may be sent again now
	allowedAt int64
	sent      *[Room]repeated // nil: nothing yet
}

// repeated is when a number was sent again.
type repeated struct {
	number uint64
	at     int64
}

// Ask notes a number. It says whether there was room.
func (r *Repeats) Ask(n uint16) bool {
	h := r.head.Load()
	if h-r.tail.Load() == Room {
		return false
	}
	r.slots[h%Room].Store(uint32(n))
	r.head.Store(h + 1)
	return true
}

// Next takes the oldest number that was noted, if there is one.
func (r *Repeats) Next() (n uint16, ok bool) {
	t := r.tail.Load()
	if t == r.head.Load() {
		return 0, false
	}
	n = uint16(r.slots[t%Room].Load())
	r.tail.Store(t + 1)
	return n, true
}

// Begin allows a second's floor at once. Times are nanoseconds of one monotonic
// clock.
func (r *Repeats) Begin(mono int64) { r.allowance, r.allowedAt = floor, mono }

// Affords says whether so many bytes may be sent again: rate bytes a second, or
// floor, whichever is more, and half a second of rate, or floor, at once.
func (r *Repeats) Affords(mono, bytes, rate int64) bool {
	most := max(floor, rate/2)
	earned := int64(float64(mono-r.allowedAt) / 1e9 * float64(max(rate, floor)))
	if earned > 0 {
		r.allowance, r.allowedAt = min(r.allowance+earned, most), mono
	}
	return r.allowance >= bytes
}

// Spend takes bytes that are sent again from what is allowed.
func (r *Repeats) Spend(bytes int64) { r.allowance -= bytes }

// Again says whether a number was sent again within the round trip time, 0 if that
// is not known, and notes it if not.
func (r *Repeats) Again(n uint64, mono, roundTrip int64) bool {
	if r.sent == nil {
		r.sent = &[Room]repeated{}
	}
	if roundTrip == 0 {
		roundTrip = int64(rest)
	}
	slot := &r.sent[n%Room]
	if slot.number == n && mono-slot.at < roundTrip {
		return true
	}
	slot.number, slot.at = n, mono
	return false
}
