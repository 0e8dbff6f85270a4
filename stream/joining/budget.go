package joining

import (
	"sync/atomic"
	"time"
)

// burstFor is the time of the whole rate that the replays may take at once.
const burstFor = 20 * time.Millisecond

// A Budget shares the server's rate for replays among those that run: each has
// the least that it needs, and an even part of what is left. Any number of
// goroutines may have replays of it.
type Budget struct {
	total float64 // bytes a second
	epoch time.Time

	running  atomic.Int64
	reserved atomic.Int64 // bytes a second, what those running need at least
	paidTo   atomic.Int64 // nanoseconds: up to when the rate has been used; 0 is epoch
}

// NewBudget makes a budget of so many bits a second, from epoch on.
func NewBudget(bits int64, epoch time.Time) *Budget {
	return &Budget{total: float64(bits) / 8, epoch: epoch}
}

// admit lets a replay in that needs so many bytes a second at least.
func (b *Budget) admit(need float64) bool {
	if b.reserved.Add(int64(need)) > int64(b.total) {
		b.reserved.Add(-int64(need))
		return false
	}
	b.running.Add(1)
	return true
}

func (b *Budget) leave(need float64) {
	b.reserved.Add(-int64(need))
	b.running.Add(-1)
}

// share is how many bytes a second a replay may use that was let in with need.
func (b *Budget) share(need float64) float64 {
	left := max(b.total-float64(b.reserved.Load()), 0)
	return need + left/float64(max(b.running.Load(), 1))
}

// take uses n bytes of the rate, if they are there.
func (b *Budget) take(now time.Time, n int64) bool {
	at := int64(now.Sub(b.epoch))
	cost := int64(float64(n) / b.total * 1e9)
	for {
		paid := b.paidTo.Load()
		if paid-at > int64(burstFor) {
			return false
		}
		if b.paidTo.CompareAndSwap(paid, max(paid, at)+cost) {
			return true
		}
	}
}
