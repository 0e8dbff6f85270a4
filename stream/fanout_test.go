package stream_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// A viewer begins with a key frame and then sees every packet once, under
// consecutive numbers and with the source's timestamp steps.
func TestViewerBeginsWithKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{Workers: 2})
		p := publish(t, r, "a", h264())
		src := newSource(p, 10)
		for range 5 {
			src.write()
		}
		time.Sleep(3 * time.Second) // what is cached is not what the stream shows now
		v, rec := watch(t, p, false)
		synctest.Wait()
		if got := <-p.KeyFrameWanted(); got != p.Tracks()[0] {
			t.Errorf("key frame wanted of %v", got)
		}
		for range 20 {
			src.write()
			synctest.Wait()
		}
		got := rec.packets()
		if len(got) != 15 { // 5 to 9 are not decodable
			t.Fatalf("got %d packets, want 15", len(got))
		}
		for i, s := range got {
			want := sent{header: rtp.Header{
				Version: 2, Marker: true, PayloadType: 96, SSRC: 1,
				SequenceNumber: got[0].header.SequenceNumber + uint16(i), Timestamp: got[0].header.Timestamp + uint32(3000*i),
			}, payload: delta(uint32(10 + i))}
			if i%10 == 0 {
				want.payload = keyFrame(uint32(10 + i))
			}
			if d := cmp.Diff(want, s, cmp.AllowUnexported(sent{})); d != "" {
				t.Errorf("packet %d: %s", i, d)
			}
		}
		st := v.Stats().DownTracks[0]
		if st.Offered != 20 || st.Delivered != 15 || st.Drops["no_key_frame"] != 5 {
			t.Errorf("stats %+v", st)
		}
	})
}

// A second viewer that comes within 300 ms of a key frame starts on that one.
func TestViewerStartsOnFreshKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		src := newSource(p, 100)
		for range 3 {
			src.write()
			time.Sleep(33 * time.Millisecond)
		}
		_, rec := watch(t, p, false)
		synctest.Wait()
		if n := len(rec.packets()); n != 3 {
			t.Errorf("got %d packets, want the 3 since the key frame", n)
		}
		select {
		case <-p.KeyFrameWanted():
			t.Error("asked for a key frame that was there")
		default:
		}
	})
}

// Requests of many viewers become one in 300 ms, and come again, more rarely,
// until a key frame has begun.
func TestKeyFrameRequestsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		for range 20 {
			watch(t, p, false)
		}
		asked := 0
		end := time.After(1700 * time.Millisecond)
		for done := false; !done; {
			select {
			case <-p.KeyFrameWanted():
				asked++
			case <-end:
				done = true
			}
		}
		if asked != 4 {
			t.Errorf("asked %d times in 1.7 s, want three in 300 ms each and then one a second", asked)
		}
		newSource(p, 10).write()
		synctest.Wait()
		time.Sleep(time.Second)
		for len(p.KeyFrameWanted()) > 0 {
			<-p.KeyFrameWanted()
			asked++
		}
		if asked > 5 {
			t.Error("asked again after the key frame had begun")
		}
	})
}

// A hole keeps its number, and a late packet goes out under it.
func TestHoleKeepsItsNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		_, rec := watch(t, p, false)
		synctest.Wait()
		src := newSource(p, 100)
		src.write()
		missing := src.next()
		src.write()
		synctest.Wait()
		src.writePacket(missing)
		synctest.Wait()
		src.writePacket(missing) // twice: a duplicate
		synctest.Wait()
		got := rec.packets()
		if len(got) != 3 {
			t.Fatalf("got %d packets, want 3", len(got))
		}
		first := got[0].header.SequenceNumber
		for i, want := range []uint16{0, 2, 1} {
			if d := got[i].header.SequenceNumber - first; d != want {
				t.Errorf("packet %d has number +%d, want +%d", i, d, want)
			}
		}
		if n := p.Tracks()[0].Stats().Drops["duplicate"]; n != 1 {
			t.Errorf("%d duplicates counted, want 1", n)
		}
	})
}

// The same publisher takes its stream over; the viewer's numbers go on without
// a gap, its timestamps by the time that passed, and what the older publication
// still writes is dropped.
func TestTakeOverContinuesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		old := publish(t, r, "a", h264())
		if _, err := r.Publish("test", "b", []stream.Spec{h264()}); !errors.Is(err, stream.ErrPublished) {
			t.Fatalf("another publisher: %v", err)
		}
		_, rec := watch(t, old, false)
		synctest.Wait()
		before := newSource(old, 100)
		before.write()
		synctest.Wait()
		time.Sleep(2 * time.Second)
		p := publish(t, r, "a", h264())
		<-old.Done()
		if old.Reason() != "taken_over" {
			t.Errorf("reason %q", old.Reason())
		}
		before.write()
		src := newSource(p, 100)
		src.n = 1 // begins in the middle: not decodable
		src.write()
		src.n = 0
		src.write()
		synctest.Wait()
		got := rec.packets()
		if len(got) != 2 {
			t.Fatalf("got %d packets, want 2", len(got))
		}
		if d := got[1].header.SequenceNumber - got[0].header.SequenceNumber; d != 1 {
			t.Errorf("number +%d, want +1", d)
		}
		if d := got[1].header.Timestamp - got[0].header.Timestamp; d != 180000 {
			t.Errorf("timestamp +%d, want the 2 s that passed", d)
		}
		drops := p.Tracks()[0].Stats().Drops
		if drops["superseded"] != 1 || drops["undecodable"] != 1 {
			t.Errorf("drops %v", drops)
		}
	})
}

// Sender reports come once a second, and tell the wall time of the timestamps.
func TestSenderReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264(), opus())
		_, rec := watch(t, p, false)
		src := newSource(p, 30)
		start := time.Now()
		p.Tracks()[0].SetClock(p, start, src.time)
		for range 100 {
			src.write()
			time.Sleep(100 * time.Millisecond)
		}
		synctest.Wait()
		rec.mu.Lock()
		defer rec.mu.Unlock()
		if n := len(rec.reports); n < 9 || n > 11 {
			t.Errorf("%d reports in 10 s", n)
		}
		base := rec.sent[0].header.Timestamp
		for _, sr := range rec.reports {
			passed := time.Duration(float64(sr.RTPTime-base) / 90000 * float64(time.Second))
			wall := time.Unix(int64(sr.NTPTime>>32)-2208988800, int64((sr.NTPTime&0xffffffff)*1e9>>32))
			if d := wall.Sub(start.Add(passed)); d.Abs() > time.Millisecond {
				t.Errorf("report at %v is off by %v", passed, d)
			}
		}
	})
}

// A NACK is answered from the track's cache, on the stream of its own where
// that was negotiated (RFC 4588 4) and else as it was.
func TestNACK(t *testing.T) {
	for _, rtx := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r := running(t, stream.Options{})
			p := publish(t, r, "a", h264())
			v, rec := watch(t, p, rtx)
			src := newSource(p, 100)
			for range 40 {
				src.write()
				synctest.Wait()
			}
			first := rec.packets()[7]
			n := first.header.SequenceNumber
			v.DownTracks()[0].NACK([]rtcp.NackPair{{PacketID: n}, {PacketID: n - 1000}})
			synctest.Wait()
			again := rec.packets()[40]
			want := sent{first.header, first.payload}
			if rtx {
				want.header.SSRC, want.header.PayloadType, want.header.SequenceNumber = 101, 106, again.header.SequenceNumber
				want.payload = append([]byte{byte(n >> 8), byte(n)}, first.payload...)
			}
			if d := cmp.Diff(want, again, cmp.AllowUnexported(sent{})); d != "" {
				t.Errorf("rtx %t: %s", rtx, d)
			}
			st := v.Stats().DownTracks[0]
			if st.Resent != 1 || st.Unanswered != 1 {
				t.Errorf("rtx %t: stats %+v", rtx, st)
			}
		})
	}
}

// A track is in demand from AddViewer on and for the grace time after the last
// viewer; a viewer that comes back within it starts nothing anew.
func TestDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		demand := p.Tracks()[0].Demand()
		if <-demand {
			t.Error("in demand before any viewer")
		}
		v, _ := watch(t, p, false)
		if !<-demand {
			t.Error("not in demand")
		}
		v.Close()
		time.Sleep(4 * time.Second)
		w, _ := watch(t, p, false)
		time.Sleep(10 * time.Second)
		select {
		case on := <-demand:
			t.Errorf("demand told %t while somebody watched", on)
		default:
		}
		start := time.Now()
		w.Close()
		if <-demand || time.Since(start) != 5*time.Second {
			t.Errorf("demand ended after %v, want 5s", time.Since(start))
		}
	})
}

// A stream's demand begins and ends with its viewers, through publications; a
// newer reader ends an older one.
func TestStreamDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264(), vp8())
		demand := p.Stream().Demand()
		want := func(on bool) {
			t.Helper()
			synctest.Wait()
			select {
			case got := <-demand:
				if got != on {
					t.Errorf("told %t", got)
				}
			default:
				t.Error("told nothing")
			}
		}
		silent := func() {
			t.Helper()
			synctest.Wait()
			select {
			case got := <-demand:
				t.Errorf("told %t", got)
			default:
			}
		}
		want(false)
		v, _ := watch(t, p, false)
		want(true)
		w, _ := watch(t, p, false)
		v.Close()
		silent()
		p = publish(t, r, "a", vp8())
		silent()
		older := demand
		demand = p.Stream().Demand()
		want(true)
		if <-older {
			t.Error("the older reader is told true")
		}
		w.Close()
		want(false)
		select {
		case on := <-older:
			t.Errorf("the older reader is told %t", on)
		default:
		}
	})
}

// A stream that nobody feeds and nobody watches is forgotten; one with viewers
// is not, and its tracks go on when somebody feeds it again.
func TestStreamLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := running(t, stream.Options{})
		p := publish(t, r, "a", h264())
		v, rec := watch(t, p, false)
		p.Close("stopped")
		if s, ok := r.Find("test"); !ok || len(s.Tracks()) != 0 {
			t.Fatal("a watched stream was forgotten, or has tracks without a publication")
		}
		if _, err := p.Stream().AddViewer(p.Tracks()); !errors.Is(err, stream.ErrNotLive) {
			t.Errorf("viewer of an ended stream: %v", err)
		}
		p = publish(t, r, "b", h264())
		newSource(p, 10).write()
		synctest.Wait()
		if n := len(rec.packets()); n != 1 {
			t.Errorf("got %d packets after the second publication, want 1", n)
		}
		p.Close("stopped")
		v.Close()
		if _, ok := r.Find("test"); ok {
			t.Error("an idle stream is still there")
		}
	})
}

func TestValidName(t *testing.T) {
	r := stream.New(stream.Options{Reserved: []string{"whep"}, Refused: func(name string) bool { return name == "secret" }})
	for name, want := range map[string]bool{
		"test": true, "A-b_c.9": true, "": false, ".x": false, "-x": false, "whep": false, "secret": false, "Whep": true, "a/b": false, "ä": false,
		"a123456789012345678901234567890123456789012345678901234567890123":  true,
		"a1234567890123456789012345678901234567890123456789012345678901234": false,
	} {
		if got := r.ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %t", name, got)
		}
	}
}
