package publisher

import (
	"math/bits"
	"time"
)

// A schedule says when each unit of a rendition is due and which RTP timestamp it carries. It is a pure function of the
// unit's number: nothing is summed up, so nothing drifts.
type schedule struct {
	start time.Time // with its monotonic reading: setting the wall clock does not move the schedule
	rate  uint32    // units a second, not 0
	clock uint32    // RTP clock rate, Hz
	base  uint32    // RTP timestamp of unit 0
}

// due is when unit n is due, rounded up to the nanosecond, so that unit(due(n)) is n.
func (s schedule) due(n int64) time.Time {
	rate := int64(s.rate)
	whole, rest := n/rate, n%rate
	return s.start.Add(time.Duration(whole)*time.Second + time.Duration((rest*int64(time.Second)+rate-1)/rate))
}

// unit is the newest unit that is due at now; -1 before the start.
func (s schedule) unit(now time.Time) int64 {
	since := now.Sub(s.start)
	if since < 0 {
		return -1
	}
	hi, lo := bits.Mul64(uint64(since), uint64(s.rate))
	n, _ := bits.Div64(hi, lo, uint64(time.Second))
	return int64(n)
}

// timestamp is the RTP timestamp of unit n: exact, modulo 2^32 (RFC 3550 5.1).
func (s schedule) timestamp(n int64) uint32 {
	rate := int64(s.rate)
	whole, rest := n/rate, n%rate
	return s.base + uint32(whole)*s.clock + uint32(rest*int64(s.clock)/rate)
}
