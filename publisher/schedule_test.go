package publisher

import (
	"math/big"
	"math/rand/v2"
	"testing"
	"time"
)

// For any unit, the schedule is what exact arithmetic says.
func TestScheduleIsExact(t *testing.T) {
	start := time.Now()
	for _, rate := range []uint32{1, 7, 24, 25, 30, 50, 60, 119, 120} {
		s := schedule{start: start, rate: rate, clock: 90000, base: rand.Uint32()}
		for range 2000 {
			n := rand.Int64N(int64(rate) * 86400 * 365 * 50)
			due := s.due(n)
			if got := s.unit(due); got != n {
				t.Fatalf("rate %d: unit at due(%d) is %d", rate, n, got)
			}
			if got := s.unit(due.Add(-1)); got != n-1 {
				t.Fatalf("rate %d: unit just before due(%d) is %d", rate, n, got)
			}
			ns := new(big.Int).Mul(big.NewInt(n), big.NewInt(int64(time.Second)))
			ns.Div(ns.Add(ns, big.NewInt(int64(rate)-1)), big.NewInt(int64(rate)))
			if due.Sub(start) != time.Duration(ns.Int64()) {
				t.Fatalf("rate %d: unit %d is due after %v, want %v", rate, n, due.Sub(start), time.Duration(ns.Int64()))
			}
			ticks := new(big.Int).Mul(big.NewInt(n), big.NewInt(90000))
			ticks.Div(ticks, big.NewInt(int64(rate)))
			if got, want := s.timestamp(n)-s.base, uint32(ticks.Uint64()); got != want {
				t.Fatalf("rate %d: timestamp of unit %d is +%d, want +%d", rate, n, got, want)
			}
		}
	}
	s := schedule{start: start, rate: 30}
	if got := s.unit(start.Add(-time.Nanosecond)); got != -1 {
		t.Errorf("before the start: unit %d", got)
	}
}
