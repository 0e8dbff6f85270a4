package coach

import (
	"fmt"
	"math"
	"time"
)

const (
	// driftWindow is over how long the way here is taken at its quickest: what
	// comes early tells the publisher's clock, what comes late the network.
	driftWindow = 10 * time.Second
	// driftSettle is how long a publisher may take to find its pace.
	driftSettle = 5 * time.Second
	// driftWindows must go the same way.
	driftWindows = 4
	// agreed is the least part of the whole rate that each window must show.
	agreed = 0.5
	// driftMost is how fast or slow a clock may be. Those of sound cards are
	// within 0.01 %; browsers make up for several times that without a sound.
	driftMost = 0.001
	// driftFine is from when on it is right again.
	driftFine = driftMost / 2
)

// drift compares a track's timestamps with the time in which they come. It is
// what sender reports would say, too: they are made of the same clocks and come
// the same way, but rarely.
type drift struct {
	since  time.Time // of the window; zero: none has begun
	anew   uint64    // as counted when it began
	looks  int       // with media, in the window
	lead   point     // of the window
	points []point   // of the windows before
	judged bool      // rate says something new
	rate   float64   // by how much timestamps are faster than time; negative: slower
}

// A point is by how much media was ahead of time when some of it came.
type point struct {
	at    time.Time
	ahead time.Duration
}

// never is less than any media can be ahead of time.
const never = time.Duration(math.MinInt64)

// or is that of two at which media was further ahead.
func (p point) or(q point) point {
	if q.ahead > p.ahead {
		return q
	}
	return p
}

// take takes a look that has something new.
func (d *drift) take(c *counts) {
	d.judged = false
	if d.since.IsZero() || d.anew != c.anew {
		*d = drift{since: c.at.Add(driftSettle), anew: c.anew, lead: point{ahead: never}}
		return
	}
	if c.at.Before(d.since) {
		return
	}
	d.looks++
	d.lead = d.lead.or(c.lead)
	if c.at.Sub(d.since) < driftWindow {
		return
	}
	const enough = int(driftWindow / lookEvery / 2)
	if d.looks < enough { // it paused
		d.points = nil
	} else {
		d.points = keep(d.points, d.lead, driftWindows)
	}
	d.since, d.looks, d.lead = c.at, 0, point{ahead: never}
	d.measure()
}

// measure finds the rate over all windows, if they agree: what changes once was
// the network's doing.
func (d *drift) measure() {
	if len(d.points) < driftWindows {
		return
	}
	d.judged, d.rate = true, d.points[0].to(d.points[driftWindows-1])
	for i := range d.points[1:] {
		if d.points[i].to(d.points[i+1])/d.rate < agreed {
			d.rate = 0
			return
		}
	}
}

// to is by how much media was faster than time from one point to another.
func (p point) to(q point) float64 { return float64(q.ahead-p.ahead) / float64(q.at.Sub(p.at)) }

// checkDrift judges the clocks of all tracks that are fed as one: most often it
// is one clock.
func checkDrift(fed []*pupil, judge func(verdict)) {
	var worst *pupil
	for _, u := range fed {
		u.drift.take(&u.now)
		if u.drift.judged && (worst == nil || abs(u.drift.rate) > abs(worst.drift.rate)) {
			worst = u
		}
	}
	if worst == nil {
		return
	}
	rate := worst.drift.rate
	if abs(rate) > driftFine && abs(rate) < driftMost {
		return
	}
	how := "fast"
	if rate < 0 {
		how = "slow"
	}
	judge(verdict{
		code: ClockDrift, wrong: abs(rate) >= driftMost, remedies: inTime(rate > 0),
		text: fmt.Sprintf("The timestamps of %s are %.1f %% too %s: in a second there are %.3f s of media, and viewers see jumps or wait.",
			worst.track.Kind(), 100*abs(rate), how, 1+rate),
	})
}

func abs(x float64) float64 { return max(x, -x) }
