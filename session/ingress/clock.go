package ingress

import (
	"slices"
	"time"

	"github.com/pion/rtcp"
)

// publisherClock places a publisher's clock on ours. Its sender reports say when
// a frame was captured by its own clock, which may be anything; what both its
// audio and its video are moved by is the same, so that they stay in sync. The
// way here counts as nothing: the quickest of the last reports decides, and the
// clock follows it by no more than a millisecond a report. A report that is far off
// moves nothing: only where others after it agree was the publisher's clock set.
type publisherClock struct {
	set    bool
	offset time.Duration // ours less the publisher's
	recent [clockReports]time.Duration
	count  int

	strays  int // reports in a row that are far off, and agree
	stray   time.Duration
	strayAt time.Time // when the first of them came
}

const (
	clockReports = 16
	clockStep    = time.Millisecond
	clockJump    = time.Second // further off is not drift
	// clockStrays is how many reports have to agree that the clock was set, and
	// strayTime for how long: those of audio and video may be late together.
	clockStrays = 3
	strayTime   = 2 * time.Second
	// reportSlack is by how much two reports may come too close or too far apart.
	reportSlack = 150 * time.Millisecond
)

// local is the time of a report by our clock; now is when it came. It is not ok
// where the report is not to be believed, yet.
func (c *publisherClock) local(report uint64, now time.Time) (local time.Time, ok bool) {
	at := fromNTP(report)
	observed := now.Sub(at)
	switch {
	case !c.set:
		*c = publisherClock{set: true, offset: observed}
	case (observed - c.offset).Abs() <= clockJump:
		c.strays = 0
	case !c.wasSet(observed, now):
		return time.Time{}, false
	default:
		*c = publisherClock{set: true, offset: observed}
	}
	c.recent[c.count%clockReports] = observed
	c.count++
	least := observed
	for i := range min(c.count, clockReports) {
		least = min(least, c.recent[i])
	}
	c.offset += min(max(least-c.offset, -clockStep), clockStep)
	return at.Add(c.offset), true
}

// wasSet notes a report that is far off, and says whether enough of them agree.
func (c *publisherClock) wasSet(observed time.Duration, now time.Time) bool {
	if c.strays == 0 || (observed-c.stray).Abs() > reportSlack {
		c.strays, c.stray, c.strayAt = 0, observed, now
	}
	c.strays++
	return c.strays >= clockStrays && now.Sub(c.strayAt) >= strayTime
}

// fromNTP is the time that 64 bits of NTP say (RFC 3550 4).
func fromNTP(t uint64) time.Time {
	const from1900 = 2208988800
	return time.Unix(int64(t>>32)-from1900, int64(t&0xffffffff*uint64(time.Second)>>32))
}

// control takes one RTCP packet of a compound, as often as it names streams.
func (g *Receiver) control(ssrc uint32, b []byte) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	now := time.Now()
	for _, packet := range packets {
		switch packet := packet.(type) {
		case *rtcp.SenderReport:
			if packet.SSRC == ssrc {
				g.senderReport(packet, now)
			}
		case *rtcp.Goodbye:
			if slices.Contains(packet.Sources, ssrc) {
				g.goodbye(ssrc)
			}
		}
	}
}

// An earlyReport is a sender report of a stream of which no packet has come:
// FFmpeg sends one first, and no other for five seconds.
type earlyReport struct {
	report *rtcp.SenderReport
	at     time.Time // its time by our clock
	came   time.Time
}

// senderReport notes which time belongs to which timestamp of a stream, and
// tells the track if the stream feeds it.
func (g *Receiver) senderReport(report *rtcp.SenderReport, now time.Time) {
	g.mu.Lock()
	if report.NTPTime == 0 || g.publication == nil {
		g.mu.Unlock()
		return
	}
	local, ok := g.clock.local(report.NTPTime, now)
	s := g.sources[report.SSRC]
	if s == nil {
		if ok && len(g.early) < maxStreams {
			g.early[report.SSRC] = earlyReport{report: report, at: local, came: now}
		}
		g.mu.Unlock()
		return
	}
	s.heardReport(report, now)
	if !ok {
		s.disbelieved++
		g.mu.Unlock()
		return
	}
	s.reported(report, local, now)
	in, publication := s.input, g.publication
	track, clock := in.fed, s.capture()
	feeds := in.current == s && !s.repairs
	g.mu.Unlock()
	switch {
	case !feeds || track == nil:
	case clock == nil:
		track.UnsetClock(publication)
	default:
		track.SetClock(publication, clock.at, clock.timestamp)
	}
}

// plausible says whether the timestamps of two reports are as far apart as these
// came. With GStreamer 1.22's whipsink they run twice as fast as its media.
func (s *source) plausible(report *rtcp.SenderReport, now time.Time) bool {
	if s.clockFrom.IsZero() || s.clockRate == 0 {
		return true
	}
	passed := now.Sub(s.clockFrom)
	said := time.Duration(int32(report.RTPTime-s.clockTimestamp)) * time.Second / time.Duration(s.clockRate)
	return (said - passed).Abs() <= passed/10+reportSlack
}

// A capture is when, by our clock, the media of a timestamp on the section's line
// was captured.
type capture struct {
	at        time.Time
	timestamp uint32
}

// capture is what the newest sender report says, nil before the first and where
// it cannot be.
func (s *source) capture() *capture {
	if s.clockAt.IsZero() {
		return nil
	}
	return &capture{at: s.clockAt, timestamp: s.clockTimestamp + s.input.timestampOffset}
}
