package cache

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	// slewPart is how fast a clock is put right: by one part in so many of the
	// time that passes, which is 40 ms a second.
	slewPart = 25
	// slewMost is from when on a clock is not slewed but set, or, where it must
	// not be set, slewed faster: by one part in fastPart, 200 ms a second.
	slewMost = time.Second
	fastPart = 5
	// arrivalWindow is how often a clock made of arrivals may fall back to the
	// earliest of the last packets: so a source whose clock is slow is followed.
	arrivalWindow = 5 * time.Second
	// arrivalSlack is by how much a packet must come early to move that clock.
	arrivalSlack = 2 * time.Millisecond
)

// A Clock says which timestamp of the track's line belongs to which time. It does
// not change: a better one takes its place, and begins where it was.
type Clock struct {
	since     time.Time     // with a monotonic reading
	timestamp uint32        // right at that time, clock rate units
	rate      uint32        // Hz
	wrong     time.Duration // by how much the clock was ahead then; what is left shrinks
}

// At is the timestamp that media captured at that time would carry.
func (c *Clock) At(now time.Time) uint32 {
	passed := now.Sub(c.since)
	left := slew(c.wrong.Abs(), max(passed, 0))
	if c.wrong < 0 {
		left = -left
	}
	return c.timestamp + uint32(Ticks(passed+left, c.rate))
}

// slew is by how much a clock is wrong still after a time.
func slew(wrong, passed time.Duration) time.Duration {
	if over := wrong - slewMost; over > 0 {
		fast := min(over, passed/fastPart)
		wrong -= fast
		passed -= fast * fastPart
	}
	return max(wrong-passed/slewPart, 0)
}

// goal is what At comes to when nothing is wrong any more.
func (c *Clock) goal(now time.Time) uint32 {
	return c.timestamp + uint32(Ticks(now.Sub(c.since), c.rate))
}

// Ticks is a time in clock rate units.
func Ticks(d time.Duration, rate uint32) int64 {
	whole, rest := int64(d/time.Second), int64(d%time.Second)
	return whole*int64(rate) + rest*int64(rate)/int64(time.Second)
}

// Duration is the time of so many clock rate units.
func Duration(n int64, rate uint32) time.Duration {
	whole, rest := n/int64(rate), n%int64(rate)
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(rate)
}

// steer makes one of the track's clocks come to where the timestamp, of the
// track's line, belongs to that time. It is slewed unless it is wrong by more
// than slewMost and may be set.
func (t *Track) steer(which *atomic.Pointer[Clock], now, at time.Time, timestamp uint32, set bool) {
	c := &Clock{since: now, rate: t.rate}
	c.timestamp = timestamp + uint32(Ticks(now.Sub(at), c.rate))
	if old := which.Load(); old != nil {
		if wrong := Duration(int64(int32(old.At(now)-c.timestamp)), c.rate); !set || wrong.Abs() <= slewMost {
			c.wrong = wrong
		}
	}
	which.Store(c)
}

// arrivals makes a clock of packets' arrivals: the one of the live line, and
// while the source has not said better the one of capture too.
type arrivals struct {
	clocked bool  // the source has said better
	told    bool  // it has once: from then on the clock of capture is never set
	begun   bool  // the publication's first packet has come
	ahead   int64 // the most by which a packet of this window came early, ticks
	since   int64 // of the window, monotonic nanoseconds
}

// note takes the arrival of a packet in order. Nothing comes before it was
// captured: the earliest of them tell the clock.
func (a *arrivals) note(t *Track, now time.Time, mono int64, timestamp uint32) {
	c := t.arriving.Load()
	if !a.begun || c == nil {
		a.steer(t, now, timestamp)
		a.begun, a.ahead, a.since = true, math.MinInt64, mono
		return
	}
	early := int64(int32(timestamp - c.goal(now)))
	a.ahead = max(a.ahead, early)
	slack := Ticks(arrivalSlack, c.rate)
	switch {
	case early > slack && mono-a.since > int64(slewPart*arrivalSlack):
		a.steer(t, now, timestamp)
	case mono-a.since < int64(arrivalWindow):
		return
	case a.ahead < -slack:
		a.steer(t, now, c.goal(now)+uint32(a.ahead))
	}
	a.ahead, a.since = math.MinInt64, mono
}

func (a *arrivals) steer(t *Track, now time.Time, timestamp uint32) {
	t.steer(&t.arriving, now, now, timestamp, true)
	if !a.clocked {
		t.steer(&t.clock, now, now, timestamp, !a.told)
	}
}

// unclocked takes back what the source has said.
func (a *arrivals) unclocked(t *Track, now time.Time) {
	if c := t.arriving.Load(); a.clocked && c != nil {
		t.steer(&t.clock, now, now, c.goal(now), false)
	}
	a.clocked = false
}
