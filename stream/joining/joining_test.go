package joining_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/stream/cache"
	"weir/stream/joining"
)

const frameTime = time.Second / 25 // 3600 ticks

// film is a track with pictures of one packet of 1000 bytes each, 25 a second, the
// first of which is a key frame. Packets that are false are missing.
type film struct {
	track  *cache.Track
	start  time.Time
	budget *joining.Budget
	total  atomic.Int64
	next   int
}

func newFilm(tb testing.TB, rate int64, there ...bool) *film {
	tb.Helper()
	f := &film{start: time.Now()}
	spec := codec.Format{Name: codec.H264, ClockRate: 90000}
	f.track = cache.New(spec, f.start, cache.Bounds{MaxAge: time.Hour, MaxBytes: 1 << 30, MaxFrames: 1 << 20}, &f.total)
	f.track.Begin(spec, cache.ExtensionIDs{})
	f.budget = joining.NewBudget(rate, f.start)
	for _, here := range there {
		f.put(tb, here)
	}
	return f
}

func (f *film) put(tb testing.TB, here bool) {
	tb.Helper()
	payload := make([]byte, 1000)
	payload[0] = 0x41
	if f.next == 0 {
		payload[0] = 0x67
	}
	pkt := &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(f.next), Timestamp: uint32(3600 * f.next), Marker: true},
		Payload: payload,
	}
	if here && f.track.Put(f.now(), pkt) != cache.Taken {
		tb.Fatalf("picture %d is not taken", f.next)
	}
	f.next++
}

// now is when the next picture comes.
func (f *film) now() time.Time { return f.start.Add(time.Duration(f.next) * frameTime) }

func (f *film) mono() int64 { return int64(f.now().Sub(f.start)) }

func (f *film) begin(halvings int) joining.Start {
	return joining.Start{
		Track: f.track, Group: f.track.Newest(), Mono: f.mono(), Budget: f.budget,
		Rates: joining.Rates{Min: 20_000_000, Max: 50_000_000}, Halvings: halvings,
	}
}

func pictures(n int) []bool {
	all := make([]bool, n)
	for i := range all {
		all[i] = true
	}
	return all
}

// Each frame is later than the one before, none is earlier than its true
// timestamp, and the live line is reached.
func TestReplayReachesTheLiveLine(t *testing.T) {
	f := newFilm(t, 500_000_000, pictures(50)...)
	var r joining.Replay
	if !r.Start(f.begin(0)) {
		t.Fatal("not allowed")
	}
	var last uint32
	had := false
	now, cursor := f.now(), f.track.Newest().Start
	for turn := 0; ; turn++ {
		if turn == 200 {
			t.Fatalf("still at +%d after a second", cursor-r.Group().Start)
		}
		now = now.Add(joining.Tick)
		for !now.Before(f.now()) {
			f.put(t, true)
		}
		r.Earn(int64(now.Sub(f.start)), false)
		for ; cursor < r.Until(); cursor++ {
			p := f.track.Get(cursor)
			if !r.Between(p) {
				t.Fatal("a frame of one packet goes on")
			}
			if !r.Spend(now, p) {
				break
			}
			s := r.Stamp(now, p, last, had)
			if s.Live {
				r.End()
				if p.Timestamp <= last || turn < 2 {
					t.Errorf("live after %d turns, with %d behind %d", turn, p.Timestamp, last)
				}
				return
			}
			stamp := p.Timestamp + s.Later
			if s.Key == had || had && stamp <= last || int32(s.Later) < 0 {
				t.Fatalf("picture at %d: %+v behind %d", p.Timestamp, s, last)
			}
			last, had = stamp, true
			r.Sent(p)
		}
	}
}

// A group is not replayed with an old hole in it, nor where it could not catch up,
// nor beyond the server's rate, which comes back at the end.
func TestStartIsRefused(t *testing.T) {
	var r joining.Replay
	for name, c := range map[string]struct {
		film     *film
		halvings int
		want     bool
	}{
		"whole":      {newFilm(t, 500_000_000, pictures(50)...), 0, true},
		"fresh hole": {newFilm(t, 500_000_000, append(pictures(48), false, true)...), 0, true},
		"old hole":   {newFilm(t, 500_000_000, append([]bool{true, true, false}, pictures(40)...)...), 0, false},
		"halved":     {newFilm(t, 500_000_000, pictures(50)...), 6, false},
		"no rate":    {newFilm(t, 100_000, pictures(50)...), 0, false},
	} {
		if got := r.Start(c.film.begin(c.halvings)); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	f := newFilm(t, 600_000, pictures(50)...) // the stream has 0.2 million: one replay needs twice that
	var other joining.Replay
	if !r.Start(f.begin(0)) || other.Start(f.begin(0)) {
		t.Error("one at a time has the rate that it needs")
	}
	r.End()
	r.End()
	if !other.Start(f.begin(0)) {
		t.Error("the rate has not come back")
	}
}

// A key frame alone goes out twice, 33 ms and 3,000 ticks apart.
func TestLoneKeyFrame(t *testing.T) {
	f := newFilm(t, 500_000_000, pictures(5)...)
	var r joining.Replay
	if !r.StartLone(f.begin(0)) {
		t.Fatal("not allowed")
	}
	type copied struct {
		after time.Duration
		later uint32
	}
	var got []copied
	last := uint32(0)
	for after := time.Duration(0); after < 100*time.Millisecond; after += time.Millisecond {
		now := f.now().Add(after)
		mono := int64(now.Sub(f.start))
		r.Earn(mono, false)
		p, number := r.Due(mono)
		if p == nil {
			continue
		}
		if !r.Spend(now, p) || !r.Whole() || number != len(got) {
			t.Fatalf("copy %d after %v", number, after)
		}
		later := r.StampLone(now, last, number > 0)
		last = p.Timestamp + later
		got = append(got, copied{after, later})
		if r.SentLone(mono) {
			break
		}
	}
	live := uint32(5 * 3600)
	if len(got) != 2 || got[0] != (copied{0, live}) || got[1] != (copied{33 * time.Millisecond, live + 3000}) {
		t.Errorf("%v", got)
	}
}

// Three requests in ten seconds are answered, each at half the rate.
func TestRequests(t *testing.T) {
	var r joining.Requests
	now := int64(time.Hour)
	r.Forget(now)
	for i, want := range []int{1, 2, 3, 0, 0} {
		halvings, ok := r.Answer(now + int64(i)*int64(time.Second))
		if halvings != want || ok != (want > 0) {
			t.Errorf("request %d: %d halvings, %v", i, halvings, ok)
		}
	}
	if halvings, ok := r.Answer(now + int64(10*time.Second)); halvings != 3 || !ok {
		t.Errorf("after ten seconds: %d halvings, %v", halvings, ok)
	}
}
