package joining

import (
	"time"

	"weir/stream/cache"
)

const (
	// Tick is the time between two turns of a replay.
	Tick = 5 * time.Millisecond
	// within is the time in which a large group should be sent.
	within = 400 * time.Millisecond
	// creditFor is the time for which a rate may be used at once.
	creditFor = 20 * time.Millisecond
)

// Rates are how fast one viewer may get a replay, in bits a second.
type Rates struct {
	Min, Max int64
}

// of is the rate for so many bytes, in bytes a second, of which least are needed;
// less where it was halved or Max is.
func (r Rates) of(bytes int64, least float64, halvings int) float64 {
	rate := min(max(float64(r.Min)/8, float64(bytes)/within.Seconds(), least), float64(r.Max)/8)
	return rate / float64(int(1)<<halvings)
}

// pace is how fast a replay goes, bytes a second.
type pace struct {
	budget *Budget // nil: it does not run

	rate, least float64
	now         float64 // with what the others leave of the budget
	credit      float64
	at          int64
	sent        int // packets since the rate was last looked at
	lost        int // of these, asked for again
}

// begin lets a replay run that was admitted.
func (p *pace) begin(s Start, rate, least float64) {
	*p = pace{budget: s.Budget, rate: rate, least: least, credit: rate * Tick.Seconds(), at: s.Mono}
}

// Lost notes that a packet is asked for again.
func (p *pace) Lost() { p.lost++ }

// Earn gives a replay what its pace allows by now, and slows it down where packets
// are lost, or the viewer says so.
func (p *pace) Earn(mono int64, lossy bool) {
	if lossy || p.sent >= 50 && p.lost*10 > p.sent {
		p.rate = max(p.rate/2, p.least)
		p.sent, p.lost = 0, 0
	}
	p.now = min(p.rate, p.budget.share(p.least))
	p.credit = min(p.credit+p.now*float64(mono-p.at)/1e9, max(p.now*creditFor.Seconds(), 3000))
	p.at = mono
}

// Spend takes a packet from the viewer's pace and from the server's, if both allow
// it now.
func (p *pace) Spend(now time.Time, k *cache.Packet) bool {
	if p.credit < float64(k.Cost()) || !p.budget.take(now, k.Cost()) {
		return false
	}
	p.credit -= float64(k.Cost())
	p.sent++
	return true
}
