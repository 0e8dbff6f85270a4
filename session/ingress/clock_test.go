package ingress_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// reports are what a viewer is told: by how much the time of a timestamp differs
// from that of the first report.
type reports struct {
	first *rtcp.SenderReport
	at    []time.Time
	off   []time.Duration
}

func (r *reports) Append(*rtp.Header, []byte) stream.DropReason { return stream.DropNone }

func (r *reports) Report(sr *rtcp.SenderReport) {
	if r.first == nil {
		first := *sr
		r.first = &first
	}
	passed := time.Duration(float64(sr.NTPTime-r.first.NTPTime) / (1 << 32) * 1e9)
	media := time.Duration(int32(sr.RTPTime-r.first.RTPTime)) * time.Second / 90000
	r.at, r.off = append(r.at, time.Now()), append(r.off, media-passed)
}

// watch lets a viewer hear the reports until the test ends.
func (p *publisher) watch(t *testing.T) *reports {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = p.registry.Run(ctx) })
	v, err := p.publication.Stream().AddViewer(p.publication.Tracks())
	if err != nil {
		t.Fatal(err)
	}
	r := &reports{}
	v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: media}, func(stream.Flusher) stream.Outlet { return r })
	v.Start()
	t.Cleanup(func() { v.Close(); stop(); running.Wait() })
	return r
}

// toNTP is a time as a sender report has it.
func toNTP(at time.Time) uint64 {
	return uint64(at.Unix()+2208988800)<<32 | uint64(float64(at.Nanosecond())/1e9*(1<<32))
}

// What the publisher's sender reports say of its clock from the tenth second on
// moves what viewers are told by 200 ms a second at most, and hardly where no
// other report agrees; what lasts they come to within 40 s.
func TestOddSenderReports(t *testing.T) {
	const odd = 1500 * time.Millisecond
	// What is captured comes 200 ms later: that is what reports say, and arrivals do not.
	for name, c := range map[string]struct {
		reports        int           // that are odd
		late, ntp, rtp time.Duration // by so much
		most, end      time.Duration // what viewers are told is off by
	}{
		"one late":          {reports: 1, late: odd},
		"one of the future": {reports: 1, ntp: odd},
		"one of the past":   {reports: 1, ntp: -odd},
		"one odd timestamp": {reports: 1, rtp: odd, most: 250 * time.Millisecond},
		"clock set forth":   {reports: 99, ntp: odd},
		"clock set back":    {reports: 99, ntp: -time.Hour},
		"a longer way":      {reports: 99, late: odd, most: odd, end: -odd},
		"other timestamps":  {reports: 99, rtp: odd, most: odd, end: odd},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPublisher(t)
				told := p.watch(t)
				start := time.Now().Add(time.Millisecond)
				for n := range 30 * 60 {
					time.Sleep(time.Until(start.Add(time.Duration(n) * time.Second / 30)))
					p.write(t, picture(low, n, keyFrame, 10))
					if n%30 != 0 {
						continue
					}
					sr := &rtcp.SenderReport{SSRC: low, NTPTime: toNTP(time.Now()), RTPTime: uint32(frame*n + 18_000)}
					if n < 300 || n >= 300+30*c.reports {
						p.control(t, low, sr)
						continue
					}
					sr.NTPTime = toNTP(time.Now().Add(c.ntp))
					sr.RTPTime += uint32(c.rtp.Seconds() * 90000)
					time.AfterFunc(c.late, func() { p.control(t, low, sr) })
				}
				synctest.Wait()
				usual := told.off[8]
				for i := 9; i < len(told.off); i++ {
					told.off[i] -= usual
				}
				for i := 10; i < len(told.off); i++ {
					off, by, passed := told.off[i], told.off[i]-told.off[i-1], told.at[i].Sub(told.at[i-1])
					if by.Abs() > passed/5+time.Millisecond || off.Abs() > c.most+5*time.Millisecond {
						t.Errorf("%v after: off by %v, %v more than %v before", told.at[i].Sub(start), off, by, passed)
					}
				}
				if n := len(told.off); n < 55 || (told.off[n-1]-c.end).Abs() > 20*time.Millisecond {
					t.Errorf("%d reports, the last off by %v, want %v", n, told.off[max(n-1, 0)], c.end)
				}
			})
		})
	}
}
