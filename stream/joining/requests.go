package joining

import "time"

const (
	// inARow is how many requests of one viewer are answered from the cache in
	// span.
	inARow = 3
	span   = 10 * time.Second
)

// Requests remembers when a viewer's last requests for a key frame were answered by
// a replay, in nanoseconds of a monotonic clock. It is a value, for one goroutine.
type Requests [inARow]int64

// Forget makes it as if none had come before now.
func (r *Requests) Forget(mono int64) {
	for i := range r {
		r[i] = mono - int64(span)
	}
}

// Answer says whether one more may be answered now, three in 10 s at most, and
// notes it. Each within that time halves the rate once more.
func (r *Requests) Answer(mono int64) (halvings int, ok bool) {
	oldest, recent := 0, 0
	for i, at := range r {
		if at < r[oldest] {
			oldest = i
		}
		if mono-at < int64(span) {
			recent++
		}
	}
	if recent == inARow {
		return 0, false
	}
	r[oldest] = mono
	return recent + 1, true
}
