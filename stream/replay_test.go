package stream_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// startFilm runs a film of that length beside the test.
func startFilm(f *film, length time.Duration) (done chan struct{}) {
	done = make(chan struct{})
	go func() {
		defer close(done)
		f.until(length)
	}()
	return done
}

// fastest is the most bytes sent within any window, packets of pictures after
// last left out.
func fastest(all []seen, window time.Duration, last int) (most int) {
	for i := range all {
		sum := 0
		for _, s := range all[i:] {
			if s.at.Sub(all[i].at) >= window || s.picture > last {
				break
			}
			sum += s.bytes
		}
		most = max(most, sum)
	}
	return most
}

// A viewer that joins in the middle of a group of pictures gets all of it at the
// pace of rule 5, each frame under the timestamp that rule 6 says, computed here
// anew; it is live within a second, on a line without a gap.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 120)
		p.Tracks()[0].SetClock(p, f.start, f.base)
		done := startFilm(f, 6*time.Second)
		const joined = 2510 * time.Millisecond
		time.Sleep(joined)
		e := &eye{}
		v := watchWith(t, p, true, e)
		<-done
		synctest.Wait()
		all := e.saw()
		gapless(t, all)
		checkCounts(t, v)
		if len(all) == 0 || all[0].at.Sub(f.start.Add(joined)) > 5*time.Millisecond || all[0].picture != -1 {
			t.Fatalf("the first of %d packets: %+v", len(all), all[0])
		}
		const cached = 76 // pictures 0 to 75
		bytes := 0.0
		size := func(picture int) float64 {
			switch {
			case picture%120 != 0:
				return 9 * (1100 + 56)
			default:
				return 30*(1100+56) + 26 + 6 + 5 + 56
			}
		}
		for n := range cached {
			bytes += size(n)
		}
		rate := max(20e6/8, bytes/0.4)
		own := bytes / (cached * pictureTime.Seconds())
		first := pictures(all)
		base := first[len(first)-1].timestamp - f.timestamp(first[len(first)-1].picture)
		live, before := -1, math.Inf(-1)
		for i, s := range first {
			if s.picture != i {
				t.Fatalf("picture %d is %d", i, s.picture)
			}
			trueStamp := float64(3000 * i)
			got := float64(int32(s.timestamp - base - f.base))
			newest := int(s.at.Sub(f.start) / pictureTime) // in the cache
			if i >= newest && trueStamp > before {
				live = i
				break
			}
			left := 0.0
			for n := i; n <= newest; n++ {
				left += size(n)
			}
			clock := s.at.Sub(f.start).Seconds() * 90000
			reach := clock + max(0.034, left/(rate-own))*90000
			last := math.Floor(reach / 3000)
			want := max(min(clock, last*3000-90*(last-float64(i))), trueStamp, before+1)
			// The pass may be a picture's end later than its beginning, by a packet's time.
			if math.Abs(got-want) > 95 {
				t.Fatalf("picture %d at %v: stamped %.0f, want %.0f (clock %.0f, true %.0f)", i, s.at.Sub(f.start), got, want, clock, trueStamp)
			}
			before = got
		}
		if live < cached || first[live].at.Sub(f.start)-joined > time.Second {
			t.Fatalf("live from picture %d on, after %v", live, first[live].at.Sub(f.start)-joined)
		}
		for _, s := range first[live:] {
			if s.timestamp-base != f.timestamp(s.picture) || s.at.Sub(f.at(s.picture)) > 5*time.Millisecond {
				t.Fatalf("picture %d: timestamp %d, %v late", s.picture, s.timestamp-base-f.base, s.at.Sub(f.at(s.picture)))
			}
		}
		window := 100 * time.Millisecond
		if most := fastest(all, window, live); float64(most) > 1.25*rate*window.Seconds() || float64(most) < 0.8*rate*window.Seconds() {
			t.Errorf("%d bytes within %v, want %.0f", most, window, rate*window.Seconds())
		}
		for i, sr := range e.reports { // the true live line from the start
			if got, want := sr.RTPTime-base-f.base, e.times[i].Sub(f.start).Seconds()*90000; math.Abs(float64(got)-want) > 2 {
				t.Errorf("report at %v says %d, want %.0f", e.times[i].Sub(f.start), got, want)
			}
		}
		if st := v.Stats().DownTracks[0]; st.Replays != 1 {
			t.Errorf("%+v", st)
		}
	})
}

// What cannot be replayed whole is not replayed: the key frame goes out twice,
// 33 ms and 3,000 ticks apart, and the viewer waits for the next one.
func TestLoneKeyFrame(t *testing.T) {
	for name, c := range map[string]struct {
		join stream.JoinOptions
		drop func(picture, packet int) bool
	}{
		"too old":     {join: stream.JoinOptions{MaxAge: 2 * time.Second}},
		"too large":   {join: stream.JoinOptions{MaxBytes: 300_000}},
		"many frames": {join: stream.JoinOptions{MaxFrames: 60}},
		"a hole":      {drop: func(picture, packet int) bool { return picture == 20 && packet == 3 }},
		"slow":        {join: stream.JoinOptions{MinRate: 5_000_000, MaxRate: 5_000_000}},
		"server full": {join: stream.JoinOptions{TotalRate: 5_000_000}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := running(t, stream.Options{Join: c.join})
			p := publish(t, r, "a", h264())
			f := newFilm(t, p, 120)
			f.drop = c.drop
			done := startFilm(f, 5*time.Second)
			time.Sleep(3 * time.Second)
			e := &eye{}
			v := watchWith(t, p, false, e)
			<-done
			synctest.Wait()
			all := e.saw()
			gapless(t, all)
			checkCounts(t, v)
			first := pictures(all)
			if len(first) < 3 || first[0].picture != 0 || first[1].picture != 0 || first[2].picture != 120 {
				t.Fatalf("%s: %+v", name, first[:min(4, len(first))])
			}
			if gap := first[1].at.Sub(first[0].at); gap < 33*time.Millisecond || gap > 70*time.Millisecond {
				t.Errorf("%s: %v apart", name, gap)
			}
			if d := first[1].timestamp - first[0].timestamp; d != 3000 {
				t.Errorf("%s: %d ticks apart", name, d)
			}
			copies := 0
			for _, s := range all {
				if s.picture == 0 && s.marker {
					copies++
				}
			}
			if st := v.Stats().DownTracks[0]; copies != 2 || st.LoneKeyFrames != 1 || st.Replays != 0 {
				t.Errorf("%s: %d copies, %+v", name, copies, st)
			}
			if d, want := first[2].timestamp-first[0].timestamp, uint32(90_000); d < want-3000 || d > want+3000 {
				t.Errorf("%s: the next key frame comes %d ticks later", name, d)
			}
		})
	}
}

// A hole that is young may still be filled: the replay goes on up to it, and
// waits for what is missing.
func TestReplayWaitsForYoungHole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 120)
		f.drop = func(picture, packet int) bool { return picture == 30 && packet == 0 }
		f.until(1020 * time.Millisecond)
		e := &eye{}
		watchWith(t, p, false, e)
		time.Sleep(50 * time.Millisecond)
		f.track.WriteRTP(p, f.lost[0])
		f.until(3 * time.Second)
		synctest.Wait()
		all := e.saw()
		gapless(t, all)
		n := 0
		for _, s := range all {
			if s.picture == 30 {
				n++
			}
		}
		if n != 9 || len(pictures(all)) != f.picture {
			t.Errorf("%d packets of the damaged picture, %d pictures", n, len(pictures(all)))
		}
	})
}

// A publisher's regular key frame is waited for when it is due; one that does
// not come after all is not.
func TestDueKeyFrameIsWaitedFor(t *testing.T) {
	for _, comes := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := running(t, stream.Options{})
			p := publish(t, r, "a", h264())
			f := newFilm(t, p, 60)
			f.until(7800 * time.Millisecond)
			if !comes {
				f.every = 1000
			}
			e := &eye{}
			watchWith(t, p, false, e)
			f.until(10 * time.Second)
			synctest.Wait()
			all := e.saw()
			gapless(t, all)
			want, at := 240, 8*time.Second
			if !comes {
				want, at = 180, 8100*time.Millisecond
			}
			if first := pictures(all)[0]; first.picture != want || first.at.Sub(f.start)-at > 50*time.Millisecond {
				t.Errorf("comes %t: began with picture %d at %v", comes, first.picture, first.at.Sub(f.start))
			}
		})
	}
}

// So is one that is a little late.
func TestLateKeyFrameIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 60)
		f.until(7990 * time.Millisecond)
		time.Sleep(time.Until(f.start.Add(8040 * time.Millisecond)))
		e := &eye{}
		watchWith(t, p, false, e)
		time.Sleep(20 * time.Millisecond)
		f.until(9 * time.Second)
		synctest.Wait()
		all := e.saw()
		gapless(t, all)
		whole(t, all)
		if first := pictures(all)[0]; first.picture != 240 {
			t.Errorf("began with picture %d", first.picture)
		}
	})
}

// A newer key frame during a replay is gone on with, where a picture ends.
func TestReplayJumpsToNewerKeyFrame(t *testing.T) {
	for later := range 10 {
		synctest.Test(t, func(t *testing.T) {
			r := running(t, stream.Options{})
			p := publish(t, r, "a", h264())
			f := newFilm(t, p, 200)
			f.until(3 * time.Second)
			time.Sleep(time.Duration(later) * time.Millisecond)
			e := &eye{}
			v := watchWith(t, p, false, e)
			f.every = 91 // the publisher answers
			f.until(5 * time.Second)
			synctest.Wait()
			all := e.saw()
			gapless(t, all)
			whole(t, all)
			checkCounts(t, v)
			first := pictures(all)
			for i, s := range first[1:] {
				if s.picture == first[i].picture+1 {
					continue
				}
				if s.picture != 91 || !s.key {
					t.Errorf("jumped to picture %d", s.picture)
				}
				if late := s.at.Sub(f.at(91)); late > 20*time.Millisecond {
					t.Errorf("jumped %v after it came", late)
				}
				return
			}
			t.Error("no jump")
		})
	}
}

// A PLI is answered from the cache on the same line, each time at half the rate,
// three times in 10 s, and not while a key frame is on its way.
func TestKeyFrameRequestIsAnsweredFromCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{Join: stream.JoinOptions{MinRate: 48_000_000}})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 290)
		f.until(1300 * time.Millisecond)
		e := &eye{}
		v := watchWith(t, p, false, e)
		d := v.DownTracks()[0]
		d.Reception(0, 100*time.Millisecond)
		f.until(1400 * time.Millisecond)
		d.RequestKeyFrame() // the replay's key frame is 100 ms old: less than 1.5 RTT
		for _, at := range []time.Duration{2 * time.Second, 4 * time.Second, 6 * time.Second, 8 * time.Second} {
			f.until(at)
			d.RequestKeyFrame()
		}
		f.until(9500 * time.Millisecond)
		synctest.Wait()
		all := e.saw()
		gapless(t, all)
		checkCounts(t, v)
		if st := v.Stats().DownTracks[0]; st.Replays != 4 {
			t.Fatalf("%+v, want the joiner's and three", st)
		}
		var starts []int
		for i, s := range all {
			if s.picture == 0 && s.packet == 0 {
				starts = append(starts, i)
			}
		}
		for i, start := range starts {
			if at := all[start].at.Sub(f.start); i > 0 && (at < time.Duration(2*i)*time.Second || at > time.Duration(2*i)*time.Second+20*time.Millisecond) {
				t.Errorf("replay %d at %v", i, at)
			}
			want := 6e6 / float64(int(1)<<i)
			var n int
			for n = start; all[n].at.Sub(all[start].at) < 60*time.Millisecond; n++ {
			}
			sum := 0
			for _, s := range all[start:n] {
				sum += s.bytes
			}
			if got := float64(sum) / 0.06; got > 1.35*want || got < 0.7*want {
				t.Errorf("replay %d at %v: %.0f bytes/s, want %.0f", i, all[start].at.Sub(f.start), got, want)
			}
		}
	})
}

// Loss slows a replay down, though never below twice the stream's rate, and what
// is asked for again comes as it was sent.
func TestLossSlowsReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 300)
		f.until(4 * time.Second)
		e := &eye{}
		v := watchWith(t, p, false, e)
		v.DownTracks()[0].Reception(20, 20*time.Millisecond)
		start := time.Now()
		f.until(4050 * time.Millisecond)
		synctest.Wait()
		sum, all := 0, e.saw()
		for _, s := range all {
			sum += s.bytes
		}
		if got, want := float64(sum)/time.Since(start).Seconds(), 1.25*float64(4*30*9*1156)/0.4/2; got > want {
			t.Errorf("%.0f bytes/s, want less than %.0f", got, want)
		}
		n := len(all)
		v.DownTracks()[0].NACK([]rtcp.NackPair{{PacketID: all[10].number}, {PacketID: all[n-1].number}})
		synctest.Wait()
		again := e.saw()[n:]
		again[0].at, again[1].at = all[10].at, all[n-1].at
		if again[0] != all[10] || again[1] != all[n-1] {
			t.Errorf("%+v, %+v", again, all[10])
		}
	})
}

// All replays together keep to the server's rate, each gets an even part, and who
// watches already loses nothing.
func TestReplaysShareTheServersRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 100_000_000
		r := running(t, stream.Options{Join: stream.JoinOptions{TotalRate: total}})
		p := publish(t, r, "a", h264())
		watching := &eye{}
		w := watchWith(t, p, false, watching)
		f := newFilm(t, p, 120)
		f.packets = 3 // 830 kbit/s
		f.until(2500 * time.Millisecond)
		start := time.Now()
		var eyes []*eye
		for range 30 {
			e := &eye{}
			eyes = append(eyes, e)
			watchWith(t, p, false, e)
		}
		f.until(6 * time.Second)
		synctest.Wait()
		window := 100 * time.Millisecond
		slots := map[int]int{}
		for _, e := range eyes {
			all := e.saw()
			gapless(t, all)
			if first := pictures(all); first[0].picture != 0 || len(first) != f.picture {
				t.Fatalf("%d pictures, the first is %d", len(first), first[0].picture)
			}
			for _, s := range all {
				if s.at.Sub(f.at(max(s.picture, 0))) > 6*time.Millisecond { // not live
					slots[int(s.at.Sub(start)/window)] += s.bytes
				}
			}
		}
		for slot, n := range slots {
			if limit := total / 8 * window.Seconds() * 1.25; float64(n) > limit {
				t.Errorf("%d bytes in slot %d, want %.0f at most", n, slot, limit)
			}
		}
		if st := w.Stats().DownTracks[0]; len(st.Drops) != 0 || len(pictures(watching.saw())) != f.picture {
			t.Errorf("who watches got %d pictures, %+v", len(pictures(watching.saw())), st)
		}
	})
}

// A viewer that is held begins later; audio does not wait.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 120)
		f.until(1 * time.Second)
		e := &eye{}
		v, err := p.Stream().AddViewer(p.Tracks())
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return e })
		v.Hold(100 * time.Millisecond)
		v.Start()
		v.DownTracks()[0].RequestKeyFrame()
		f.until(2 * time.Second)
		synctest.Wait()
		all := e.saw()
		if at := all[0].at.Sub(f.start); at < 1100*time.Millisecond || at > 1110*time.Millisecond || v.Stats().DownTracks[0].Replays != 1 {
			t.Errorf("began at %v, %+v", at, v.Stats())
		}
		gapless(t, all)
		checkCounts(t, v)
	})
}

// The caches keep to their bound: the largest gives up its group, and a joiner
// gets the key frame alone.
func TestCachesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 3 << 20
		r := running(t, stream.Options{Join: stream.JoinOptions{CacheBytes: bound}})
		var films []*film
		for i, name := range []string{"a", "b", "c"} {
			p, err := r.Publish(name, "us", []stream.Spec{h264()})
			if err != nil {
				t.Fatal(err)
			}
			f := newFilm(t, p, 270)
			f.packets = 3 + 6*i
			films = append(films, f)
		}
		for n := range 8 * 30 {
			var sum int64
			for _, f := range films {
				f.until(time.Duration(n) * pictureTime)
				sum += f.track.Stats().Cached
			}
			if sum > bound*11/10 {
				t.Fatalf("%d bytes cached after %d pictures", sum, n)
			}
		}
		e, small := &eye{}, &eye{}
		big := watchWith(t, films[2].p, false, e)
		little := watchWith(t, films[0].p, false, small)
		for _, f := range films {
			f.until(8300 * time.Millisecond)
		}
		synctest.Wait()
		if st := big.Stats().DownTracks[0]; st.LoneKeyFrames != 1 {
			t.Errorf("the largest: %+v", st)
		}
		if st := little.Stats().DownTracks[0]; st.Replays != 1 {
			t.Errorf("the smallest: %+v", st)
		}
	})
}

// narrow is an Outlet over a link of so many bytes a second behind a queue of
// 64 KiB, to a viewer that asks for what was lost each 20 ms.
type narrow struct {
	eye
	rate    float64
	level   float64
	last    time.Time
	missing map[uint16]time.Time // when it was first missed
	resent  int
	dropped int
}

func (n *narrow) Append(h *rtp.Header, payload []byte) stream.DropReason {
	n.mu.Lock()
	now, bytes := time.Now(), float64(len(payload)+56)
	n.level = max(n.level-n.rate*now.Sub(n.last).Seconds(), 0)
	n.last = now
	fits := n.level+bytes < 64<<10
	if fits {
		n.level += bytes
	} else {
		n.dropped++
	}
	switch {
	case h.SSRC > 100:
		n.resent += int(bytes)
		if fits {
			delete(n.missing, uint16(payload[0])<<8|uint16(payload[1]))
		}
	case !fits:
		n.missing[h.SequenceNumber] = now
	}
	n.mu.Unlock()
	return n.eye.Append(h, payload)
}

// On a link slower than the pace the replay slows down, and what is sent again is
// less than the group.
func TestReplayOnNarrowLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		f := newFilm(t, p, 120)
		done := startFilm(f, 8*time.Second)
		time.Sleep(3800 * time.Millisecond) // 1.2 MB
		n := &narrow{rate: 10e6 / 8, last: time.Now(), missing: map[uint16]time.Time{}}
		v := watchWith(t, p, true, n)
		v.DownTracks()[0].Reception(0, 20*time.Millisecond)
		for range 200 {
			time.Sleep(20 * time.Millisecond)
			n.mu.Lock()
			var pairs []rtcp.NackPair
			for number, since := range n.missing {
				if time.Since(since) > time.Second {
					delete(n.missing, number) // the viewer has given up
					continue
				}
				pairs = append(pairs, rtcp.NackPair{PacketID: number})
			}
			n.mu.Unlock()
			v.DownTracks()[0].NACK(pairs)
		}
		<-done
		synctest.Wait()
		st := v.Stats().DownTracks[0]
		t.Logf("%d bytes sent again, %d packets dropped, %d still missing, %+v", n.resent, n.dropped, len(n.missing), st)
		if n.resent > 1_200_000 || n.dropped == 0 || len(n.missing) > 0 {
			t.Errorf("%d bytes sent again, %d packets dropped, %d still missing", n.resent, n.dropped, len(n.missing))
		}
		gapless(t, n.saw())
	})
}
