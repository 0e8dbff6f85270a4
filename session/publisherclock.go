package session

import "time"

// publisherClock places a publisher's clock on ours. Its sender reports say when
// a frame was captured by its own clock, which may be anything; what both its
// audio and its video are moved by is the same, so that they stay in sync. The
// way here counts as nothing: the quickest of the last reports decides, and the
// clock follows it by no more than a millisecond a report.
type publisherClock struct {
	set    bool
	offset time.Duration // ours less the publisher's
	recent [clockReports]time.Duration
	count  int
}

const (
	clockReports = 16
	clockStep    = time.Millisecond
	clockJump    = time.Second // further off is not drift: the clock was set
)

// local is the time of a report by our clock; now is when it came.
func (c *publisherClock) local(report uint64, now time.Time) time.Time {
	at := fromNTP(report)
	observed := now.Sub(at)
	if off := observed - c.offset; !c.set || off > clockJump || off < -clockJump {
		*c = publisherClock{set: true, offset: observed}
	}
	c.recent[c.count%clockReports] = observed
	c.count++
	least := observed
	for i := range min(c.count, clockReports) {
		least = min(least, c.recent[i])
	}
	c.offset += min(max(least-c.offset, -clockStep), clockStep)
	return at.Add(c.offset)
}

// fromNTP is the time that 64 bits of NTP say (RFC 3550 4).
func fromNTP(t uint64) time.Time {
	const from1900 = 2208988800
	return time.Unix(int64(t>>32)-from1900, int64(t&0xffffffff*uint64(time.Second)>>32))
}
