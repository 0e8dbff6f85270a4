package publisher_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/publisher"
	"weir/stream"
)

// Every unit comes at its due time, with exact timestamp steps, on both tracks, and nothing is left out.
func TestScheduleIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1234567 * time.Microsecond)
		start := time.Now()
		second := start.Add(-time.Duration(start.Nanosecond()))
		f, a := &fake{}, &fake{}
		program := publisher.NewProgram(start, video(t, f), audio(t, a))
		s := play(t, program)
		time.Sleep(777 * time.Millisecond)
		_, pictures := s.watch(0)
		_, sounds := s.watch(1)
		time.Sleep(20 * time.Second)
		for _, c := range []struct {
			r    *recorder
			rate time.Duration
			step uint32
			want int
		}{{pictures, 30, 3000, 600}, {sounds, 50, 960, 1000}} {
			units := c.r.units()
			if n := len(units); n < c.want-1 || n > c.want+1 {
				t.Fatalf("%d units of %d", n, c.want)
			}
			for i, u := range units {
				n := units[0].number() + int64(i)
				if u.number() != n || u.Timestamp != units[0].Timestamp+uint32(i)*c.step {
					t.Fatalf("unit %d: number %d, timestamp +%d", n, u.number(), u.Timestamp-units[0].Timestamp)
				}
				due := second.Add((time.Duration(n)*time.Second + c.rate - 1) / c.rate)
				if late := u.at.Sub(due); i > 0 && late != 0 || late < 0 || late > time.Second/c.rate {
					t.Fatalf("unit %d came %v after it was due", n, late)
				}
			}
		}
		if last := f.seen(); !last.due.Equal(second.Add((time.Duration(last.drawn)*time.Second + 29) / 30)) {
			t.Errorf("picture %d shows %v", last.drawn, last.due)
		}
		for _, st := range program.Stats() {
			if st.Skipped != 0 || st.Empty != 0 || st.Encoders != 1 || !st.Running || st.Units < 599 {
				t.Errorf("stats %+v", st)
			}
		}
	})
}

// Sender reports lie on the schedule: each gives the timestamp that media due at that moment has.
func TestSenderReportsFollowTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t, publisher.NewProgram(time.Now(), video(t, &fake{cost: func(int64) time.Duration { return 7 * time.Millisecond }})))
		_, r := s.watch(0)
		time.Sleep(12 * time.Second)
		first := r.units()[10]
		due := first.at.Add(-7 * time.Millisecond)
		if len(r.reports) < 10 {
			t.Fatalf("%d reports in 12 s", len(r.reports))
		}
		for _, sr := range r.reports {
			at := time.Unix(int64(sr.NTPTime>>32)-2208988800, int64(sr.NTPTime&0xffffffff*1e9>>32))
			want := int64(at.Sub(due)) * 90000 / int64(time.Second)
			if off := int64(int32(sr.RTPTime-first.Timestamp)) - want; off < -2 || off > 2 {
				t.Errorf("report at %v is off by %d ticks", at.Sub(due), off)
			}
		}
	})
}

// stall makes one unit slow.
func stall(unit int64, d time.Duration) func(int64) time.Duration {
	return func(n int64) time.Duration {
		if n == unit {
			return d
		}
		return time.Millisecond
	}
}

// A late loop leaves pictures out, counts them and makes up for none: but for the slow one, each comes in its own time.
func TestLateVideoSkips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		program := publisher.NewProgram(time.Now(), video(t, &fake{cost: stall(30, 210*time.Millisecond)}))
		s := play(t, program)
		_, r := s.watch(0)
		time.Sleep(3 * time.Second)
		units := r.units()
		missing := uint64(0)
		for i := 1; i < len(units); i++ {
			gap := units[i].number() - units[i-1].number()
			missing += uint64(gap - 1)
			if units[i].Timestamp-units[i-1].Timestamp != uint32(gap)*3000 {
				t.Errorf("unit %d: timestamp +%d over %d pictures", units[i].number(), units[i].Timestamp-units[i-1].Timestamp, gap)
			}
			if units[i].SequenceNumber < units[i-1].SequenceNumber {
				t.Error("sequence numbers go back")
			}
			due := units[0].at.Add(time.Duration(units[i].number()-units[0].number()) * time.Second / 30)
			if late := units[i].at.Sub(due); units[i].number() != 30 && late > time.Second/30 {
				t.Errorf("picture %d came %v late, in the time of another", units[i].number(), late)
			}
		}
		if st := program.Stats()[0]; missing != 5 || st.Skipped != missing {
			t.Errorf("%d pictures missing, %d counted; want 5", missing, st.Skipped)
		}
	})
}

// Sound that is late by little is caught up; by more, it is left out and counted.
func TestLateAudio(t *testing.T) {
	for _, c := range []struct {
		late time.Duration
		want uint64
	}{{50 * time.Millisecond, 0}, {210 * time.Millisecond, 9}} {
		synctest.Test(t, func(t *testing.T) {
			program := publisher.NewProgram(time.Now(), audio(t, &fake{cost: stall(20, c.late)}))
			s := play(t, program)
			_, r := s.watch(0)
			time.Sleep(2 * time.Second)
			units := r.units()
			missing := uint64(units[len(units)-1].number()-units[0].number()) - uint64(len(units)-1)
			if st := program.Stats()[0]; missing != c.want || st.Skipped != missing {
				t.Errorf("late by %v: %d missing, %d counted, want %d", c.late, missing, st.Skipped, c.want)
			}
		})
	}
}

// The demand makes the encoder and closes it, its line of timestamps goes on, and it begins with a key frame.
func TestDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := &fake{}, &fake{}
		program := publisher.NewProgram(time.Now(), video(t, f), audio(t, a))
		s := play(t, program)
		time.Sleep(time.Hour)
		synctest.Wait()
		if now := f.seen(); now.opened != 0 || a.seen().opened != 0 || now.drawn != 0 {
			t.Errorf("unwatched: %+v", now)
		}
		var last got
		for round := 1; round <= 3; round++ {
			v, r := s.watch(0)
			time.Sleep(time.Second)
			synctest.Wait()
			units := r.units()
			if now := f.seen(); now.opened != round || !now.open || a.seen().opened != 0 || !program.Stats()[0].Running {
				t.Errorf("round %d: %+v", round, now)
			}
			if len(units) < 30 || !units[0].key() {
				t.Fatalf("round %d: %d units", round, len(units))
			}
			if late := time.Second - time.Since(units[0].at); late != 0 {
				t.Errorf("first picture came %v after the viewer", late)
			}
			last = units[len(units)-1]
			v.Close()
			time.Sleep(4 * time.Second)
			synctest.Wait()
			if !f.seen().open {
				t.Error("the encoder did not outlive a reload")
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if st := program.Stats()[0]; f.seen().open || st.Running || st.Encoders != uint64(round) {
				t.Errorf("round %d: %+v, stats %+v", round, f.seen(), st)
			}
			units0 := program.Stats()[0].Units
			time.Sleep(time.Minute)
			synctest.Wait()
			if n := program.Stats()[0].Units; n != units0 {
				t.Errorf("%d units while nobody watched", n-units0)
			}
		}
		if last.number() < 3600*30 {
			t.Errorf("the last picture was number %d", last.number())
		}
		s.cancel()
		s.wantEnd(nil)
	})
}

// A wish for a key frame is met by the next picture, but not within 300 ms of the last one, and outlives pictures that the
// encoder leaves out.
func TestKeyFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{empty: func(n int64) bool { return n >= 90 && n < 93 }}
		r := video(t, f)
		s := play(t, publisher.NewProgram(time.Now(), r))
		s.watch(0)
		time.Sleep(100 * time.Millisecond)
		r.RequestKeyFrame() // too soon after picture 0: picture 9 is the first that is 300 ms later
		time.Sleep(1895 * time.Millisecond)
		r.RequestKeyFrame()
		time.Sleep(1005 * time.Millisecond) // 3 s: picture 90 to come
		r.RequestKeyFrame()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if d := cmp.Diff([]int64{0, 9, 60, 93}, f.seen().forced); d != "" {
			t.Error(d)
		}
		if st := r.Stats(); st.KeyFrames != 4 || st.Empty != 3 || st.Skipped != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// A viewer's PLI reaches the rendition of its track and no other, and its key frame has parameter sets even where the encoder
// leaves them out.
func TestKeyFrameOfAViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, a := &fake{bare: true}, &fake{}
		program := publisher.NewProgram(time.Now(), video(t, f), audio(t, a))
		s := play(t, program)
		s.watch(0)
		time.Sleep(2010 * time.Millisecond)
		before := len(f.seen().forced)
		v, r := s.watch(0)
		time.Sleep(time.Second)
		v.DownTracks()[0].RequestKeyFrame()
		time.Sleep(time.Second)
		synctest.Wait()
		// The next pictures after 2.01 s and 3.01 s.
		if d := cmp.Diff([]int64{61, 91}, f.seen().forced[before:]); d != "" {
			t.Error(d)
		}
		keys, sets := 0, 0
		for _, p := range r.packets {
			if p.payload[0]&0x1f == 24 {
				sets++
			} else if p.key() {
				keys++
			}
		}
		if keys != 4 || sets != 4 { // at each time what was cached, and then the new one
			t.Errorf("%d key frames and %d parameter sets", keys, sets)
		}
		if program.Stats()[1].Units != 0 {
			t.Error("the sound was asked")
		}
	})
}

// Where the encoder leaves pictures out, nothing is sent and the clock runs on.
func TestEmptyPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{empty: func(n int64) bool { return n%3 == 1 }}
		program := publisher.NewProgram(time.Now(), video(t, f))
		s := play(t, program)
		_, r := s.watch(0)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		units := r.units()
		for _, u := range units {
			if u.number()%3 == 1 || u.Timestamp-units[0].Timestamp != uint32(u.number()-units[0].number())*3000 {
				t.Errorf("unit %d at timestamp +%d", u.number(), u.Timestamp-units[0].Timestamp)
			}
		}
		if st := program.Stats()[0]; st.Empty != 30 || st.Skipped != 0 || len(units) != 61 {
			t.Errorf("%d units, stats %+v", len(units), st)
		}
	})
}

func TestBitRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		r := video(t, f)
		s := play(t, publisher.NewProgram(time.Now(), r))
		v, _ := s.watch(0)
		time.Sleep(time.Second)
		synctest.Wait()
		if bps := f.seen().bitRate; bps != 0 {
			t.Errorf("set to %d unasked", bps)
		}
		r.SetBitRate(123456)
		time.Sleep(time.Second)
		synctest.Wait()
		if bps := f.seen().bitRate; bps != 123456 {
			t.Errorf("set to %d", bps)
		}
		v.Close()
		time.Sleep(10 * time.Second)
		r.SetBitRate(654321)
		s.watch(0)
		time.Sleep(time.Second)
		synctest.Wait()
		if now := f.seen(); now.bitRate != 654321 || now.opened != 2 {
			t.Errorf("the second encoder: %+v", now)
		}
	})
}

// One rendition's error ends them all, with their encoders closed.
func TestErrorEndsTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		f, a := &fake{}, &fake{fail: func(n int64) error {
			if n == 60 {
				return broken
			}
			return nil
		}}
		s := play(t, publisher.NewProgram(time.Now(), video(t, f), audio(t, a)))
		s.watch(0)
		s.watch(1)
		time.Sleep(time.Second)
		synctest.Wait()
		if !f.seen().open || !a.seen().open {
			t.Fatal("not playing")
		}
		time.Sleep(time.Second)
		s.wantEnd(broken)
		if f.seen().open || a.seen().open {
			t.Error("an encoder is left")
		}
	})
}

func TestNoEncoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		missing := errors.New("missing")
		r, err := publisher.NewAudio(stream.Spec{Format: publisher.Opus()}, publisher.AudioParams{}, &fake{},
			func(publisher.AudioParams) (publisher.AudioEncoder, error) { return nil, missing })
		if err != nil {
			t.Fatal(err)
		}
		s := play(t, publisher.NewProgram(time.Now(), r))
		s.watch(0)
		s.wantEnd(missing)
	})
}

// When the publication ends, so does the program, watched or not.
func TestPublicationEnds(t *testing.T) {
	for _, watched := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{}
			s := play(t, publisher.NewProgram(time.Now(), video(t, f)))
			if watched {
				s.watch(0)
			}
			time.Sleep(time.Second)
			s.publication.Close("test")
			s.wantEnd(publisher.ErrPublicationEnded)
			if f.seen().open {
				t.Error("an encoder is left")
			}
		})
	}
}

func TestWrongTracks(t *testing.T) {
	registry := stream.New(stream.Options{})
	p, err := registry.Publish("test", "us", []stream.Spec{{Format: publisher.H264()}})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{}
	if err := publisher.NewProgram(time.Now(), video(t, f), audio(t, f)).Run(context.Background(), p); err == nil {
		t.Error("two renditions run in a publication of one track")
	}
}

func TestRenditionOptions(t *testing.T) {
	open := func() (publisher.Encoder, error) { return nil, nil }
	spec := stream.Spec{Format: publisher.H264()}
	for _, o := range []publisher.RenditionOptions{
		{},
		{Spec: spec, Open: open},
		{Spec: spec, Rate: 30},
		{Spec: spec, Rate: 30, Slack: -1, Open: open},
		{Rate: 30, Open: open},
	} {
		if _, err := publisher.NewRendition(o); err == nil {
			t.Errorf("made of %+v", o)
		}
	}
}
