package stream_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"weir/stream"
)

// A source captures long before what it made comes in: it encodes for a while.
// What a joiner gets reaches the timestamps of what comes in all the same, and
// leaves the replay; the reports tell the time of capture.
func TestReplayOfSlowSource(t *testing.T) {
	for _, delay := range []time.Duration{60 * time.Millisecond, 500 * time.Millisecond, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := running(t, stream.Options{})
			p := publish(t, r, "a", h264())
			f := newFilm(t, p, 120)
			p.Tracks()[0].SetClock(p, f.start.Add(-delay), f.base)
			done := startFilm(f, 20*time.Second)
			time.Sleep(6500 * time.Millisecond)
			e := &eye{}
			v := watchWith(t, p, true, e)
			<-done
			synctest.Wait()
			all := e.saw()
			gapless(t, all)
			checkCounts(t, v)
			first := pictures(all)
			base := first[len(first)-1].timestamp - f.timestamp(first[len(first)-1].picture)
			joined := first[0].at
			for _, s := range first {
				if s.at.Sub(joined) > time.Second && s.timestamp-base != f.timestamp(s.picture) {
					t.Fatalf("%v: picture %d: timestamp %d, %v after the first", delay, s.picture, int32(s.timestamp-base-f.timestamp(s.picture)), s.at.Sub(joined))
				}
			}
			for i, sr := range e.reports {
				if got := off(t, sr, e.times[i], f.start, base+f.base); (got - delay).Abs() > time.Millisecond {
					t.Errorf("%v: the report at %v is off by %v", delay, e.times[i].Sub(f.start), got)
				}
			}
		})
	}
}

// What a source says of its clock can be taken back: then packets' arrivals tell.
func TestUnsetClock(t *testing.T) {
	const early = 10 * time.Millisecond
	for _, wrong := range []time.Duration{200 * time.Millisecond, 5 * time.Second} {
		t.Run(fmt.Sprint(wrong), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := running(t, stream.Options{})
				p := publish(t, r, "a", h264())
				e := &eye{}
				watchWith(t, p, false, e)
				f := newFilm(t, p, 30)
				f.keyPackets, f.packets, f.size = 2, 1, 100
				f.until(time.Second)
				p.Tracks()[0].SetClock(p, time.Now().Add(-wrong), f.timestamp(30))
				f.until(8 * time.Second)
				p.Tracks()[0].UnsetClock(p)
				f.until(10 * time.Second)
				start := f.start
				f.start = start.Add(-early) // the way here gets shorter
				f.until(56 * time.Second)
				synctest.Wait()
				base := pictures(e.saw())[0].timestamp
				set, last, lastAt := false, wrong, start.Add(8*time.Second)
				for i, sr := range e.reports {
					got, since := off(t, sr, e.times[i], start, base), e.times[i].Sub(start)
					set = set || (got-wrong).Abs() < time.Millisecond
					if since > 8*time.Second {
						steps(t, last, got, e.times[i].Sub(lastAt))
						last, lastAt = got, e.times[i]
					}
					if since > 54*time.Second && (got-early).Abs() > 3*time.Millisecond {
						t.Errorf("%v after: off by %v", since, got)
					}
				}
				if !set {
					t.Error("the clock was not set")
				}
			})
		})
	}
}
