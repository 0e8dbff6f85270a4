package stream_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"weir/stream"
)

// ntpTime is the time of a report (RFC 3550 4), which has to be the one that it
// was sent at.
func ntpTime(t *testing.T, sr rtcp.SenderReport, sent time.Time) time.Time {
	t.Helper()
	since1900 := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(float64(sr.NTPTime&0xffffffff) / (1 << 32) * 1e9))
	at := since1900.AddDate(0, 0, int(sr.NTPTime>>32/86400)).Add(time.Duration(sr.NTPTime>>32%86400) * time.Second)
	if at.Sub(sent).Abs() > time.Microsecond {
		t.Errorf("a report says %v, sent at %v", at, sent)
	}
	return at
}

// off is by how much a report's clock differs from the one of which base belongs
// to start, in the time of the media.
func off(t *testing.T, sr rtcp.SenderReport, sent, start time.Time, base uint32) time.Duration {
	t.Helper()
	at := ntpTime(t, sr, sent)
	return time.Duration(int64(int32(sr.RTPTime-base)))*time.Second/90000 - at.Sub(start)
}

// Until the publisher's first sender report the clock comes from arrival; then
// it is slewed, and only set where the first one says that it is wrong by more than
// a second.
func TestClockIsSlewed(t *testing.T) {
	for _, wrong := range []time.Duration{-120 * time.Millisecond, 80 * time.Millisecond, 1500 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			r := running(t, stream.Options{})
			p := publish(t, r, "a", h264())
			e := &eye{}
			watchWith(t, p, false, e)
			f := newFilm(t, p, 30)
			f.until(3 * time.Second)
			p.Tracks()[0].SetClock(p, time.Now().Add(-wrong), f.timestamp(90))
			f.until(12 * time.Second)
			synctest.Wait()
			base := pictures(e.saw())[0].timestamp
			var last time.Duration
			for i, sr := range e.reports {
				got := off(t, sr, e.times[i], f.start, base)
				switch since := e.times[i].Sub(f.start); {
				case since < 3*time.Second:
					if got.Abs() > time.Millisecond {
						t.Errorf("before the first report the clock is off by %v", got)
					}
				case wrong.Abs() > time.Second || since > 7*time.Second:
					if (got - wrong).Abs() > time.Millisecond {
						t.Errorf("%v after: off by %v, want %v", since, got, wrong)
					}
				case (got - last).Abs() > 50*time.Millisecond:
					t.Errorf("%v after: from %v to %v in a second", since, last, got)
				}
				last = got
			}
			if len(e.reports) < 11 {
				t.Errorf("%d reports", len(e.reports))
			}
		})
	}
}

// steps complains where a clock moves faster than it may: by 200 ms a second.
func steps(t *testing.T, before, after, passed time.Duration) {
	t.Helper()
	if (after - before).Abs() > passed/5+time.Millisecond {
		t.Errorf("the clock goes from %v to %v in %v", before, after, passed)
	}
}

// Behind the first sender report no other sets the clock: one that is wrong hardly
// moves it, and what they agree on it comes to within half a minute.
func TestClockIsNotSetAgain(t *testing.T) {
	for name, reports := range map[string]int{"one late": 1, "for good": 60} {
		for _, wrong := range []time.Duration{1500 * time.Millisecond, -1500 * time.Millisecond} {
			t.Run(fmt.Sprint(name, wrong), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := running(t, stream.Options{})
					p := publish(t, r, "a", h264())
					e := &eye{}
					watchWith(t, p, false, e)
					f := newFilm(t, p, 30)
					f.keyPackets, f.packets, f.size = 2, 1, 100
					const begins = 5 // s
					for n := range 40 {
						f.until(time.Duration(n) * time.Second)
						by := wrong
						if n < begins || n >= begins+reports {
							by = 0
						}
						p.Tracks()[0].SetClock(p, time.Now().Add(-by), f.timestamp(30*n))
					}
					synctest.Wait()
					base := pictures(e.saw())[0].timestamp
					last, lastAt := time.Duration(0), f.start
					for i, sr := range e.reports {
						got, since := off(t, sr, e.times[i], f.start, base), e.times[i].Sub(f.start)
						steps(t, last, got, e.times[i].Sub(lastAt))
						last, lastAt = got, e.times[i]
						want := wrong
						if reports == 1 {
							want = 0
						}
						if since > (begins+28)*time.Second && (got-want).Abs() > time.Millisecond {
							t.Errorf("%v after: off by %v, want %v", since, got, want)
						}
						if reports == 1 && got.Abs() > 220*time.Millisecond {
							t.Errorf("%v after: off by %v for one report", since, got)
						}
					}
				})
			})
		}
	}
}

// A clock made of arrivals follows the packets that come earliest, and a source
// whose clock is slow.
func TestClockFollowsArrivals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		e := &eye{}
		watchWith(t, p, false, e)
		f := newFilm(t, p, 30)
		time.Sleep(40 * time.Millisecond) // the first two come late
		f.write()
		f.write()
		f.until(20 * time.Second)
		f.start = f.start.Add(60 * time.Millisecond) // it takes longer from now on
		f.until(40 * time.Second)
		synctest.Wait()
		base := pictures(e.saw())[0].timestamp
		for i, sr := range e.reports {
			got := off(t, sr, e.times[i], f.start.Add(-60*time.Millisecond), base)
			switch since := e.times[i].Sub(f.start); {
			case since > 3*time.Second && since < 19*time.Second && got.Abs() > 3*time.Millisecond:
				t.Errorf("%v after: off by %v", since, got)
			case since > 34*time.Second && (got+60*time.Millisecond).Abs() > 3*time.Millisecond:
				t.Errorf("%v after: off by %v", since, got)
			}
		}
	})
}
