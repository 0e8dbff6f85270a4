package sequence_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/stream/cache"
	"weir/stream/sequence"
)

// track is one of so many packets, under timestamps 0, 1000, …; their payload is
// their number. It returns the index of the first.
func track(tb testing.TB, packets int) (t *cache.Track, first uint64) {
	tb.Helper()
	var total atomic.Int64
	spec, start := codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}, time.Now()
	t = cache.New(spec, start, cache.Bounds{}, &total)
	t.Begin(spec, cache.ExtensionIDs{})
	first = t.Head()
	for n := range packets {
		pkt := &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(n), Timestamp: uint32(1000 * n)}, Payload: []byte{byte(n)}}
		if t.Put(start, pkt) != cache.Taken {
			tb.Fatalf("packet %d is not taken", n)
		}
	}
	return t, first
}

// A number tells its packet and its header for as long as its breakpoint is
// remembered, whatever became of the line since.
func TestNumbersKeepTheirPackets(t *testing.T) {
	video, first := track(t, 10)
	other, second := track(t, 10)
	own := []*cache.Packet{{Payload: []byte{100}}, {Payload: []byte{101}}}
	var l sequence.Line
	l.Begin(sequence.Names{SSRC: 7})
	type sent struct {
		n      uint64
		header rtp.Header
		p      *cache.Packet
	}
	var all []sent
	take := func(b *sequence.Breakpoint, n uint64) {
		t.Helper()
		p := b.Packet(n)
		if p == nil {
			t.Fatalf("nothing stands under number %d", n)
		}
		var h rtp.Header
		l.Header(&h, b, n, p)
		if len(all) > 0 && n != all[len(all)-1].n+1 {
			t.Fatalf("number %d behind %d", n, all[len(all)-1].n)
		}
		all = append(all, sent{n, h, p})
	}
	if l.Begun() {
		t.Error("begun, and never cut")
	}
	l.Cut(sequence.Breakpoint{Track: video, Index: first + 2, Offset: 50, PayloadType: 96}, 1)
	l.Cut(sequence.Breakpoint{Track: video, Index: first + 3, Offset: 60, PayloadType: 97}, 1) // in its place
	take(l.Take(first + 3))
	take(l.Take(first + 4))
	l.Cut(sequence.Breakpoint{Track: video, Own: own, Offset: 70, PayloadType: 97}, 2)
	take(l.TakeOwn())
	take(l.TakeOwn())
	l.Cut(sequence.Breakpoint{Track: other, Index: second, Offset: 80, PayloadType: 98}, 3)
	for i := range uint64(3) {
		take(l.Take(second + i))
	}
	for i, want := range []struct {
		payloadType, payload uint8
		timestamp            uint32
	}{{97, 3, 3060}, {97, 4, 4060}, {97, 100, 70}, {97, 101, 70}, {98, 0, 80}, {98, 1, 1080}, {98, 2, 2080}} {
		h, p := all[i].header, all[i].p
		if h.PayloadType != want.payloadType || p.Payload[0] != want.payload || h.Timestamp != want.timestamp || h.SSRC != 7 {
			t.Errorf("packet %d: %+v, %v, want %+v", i, h, p.Payload, want)
		}
		b, n := l.Find(uint16(all[i].n))
		if b == nil || n != all[i].n || b.Packet(n) != p {
			t.Fatalf("packet %d: number %d is not found", i, all[i].n)
		}
		var again rtp.Header
		l.Header(&again, b, n, p)
		if again.PayloadType != h.PayloadType || again.Timestamp != h.Timestamp || again.SequenceNumber != h.SequenceNumber {
			t.Errorf("packet %d: %+v, was %+v", i, again, h)
		}
	}
	if b, n := l.Place(video, first+4); b == nil || n != all[1].n {
		t.Errorf("packet 1 stands under %d, want %d", n, all[1].n)
	}
	if b, n := l.Place(video, first+5); b != nil {
		t.Errorf("a packet that was never sent stands under %d", n)
	}
	if b, n := l.Find(uint16(all[6].n + 1)); b != nil {
		t.Errorf("number %d is found, and none has had it", n)
	}
	l.Cut(sequence.Breakpoint{Track: video, Index: first}, int64(5*time.Second))
	take(l.Take(first))
	if b, _ := l.Find(uint16(all[0].n)); b != nil {
		t.Error("a number is found long after its breakpoint")
	}
}

// A hole keeps its number; what comes into a replayed frame once the next one was
// stamped stays out.
func TestHoles(t *testing.T) {
	audio, first := track(t, 10)
	var l sequence.Line
	l.Begin(sequence.Names{})
	l.Cut(sequence.Breakpoint{Track: audio, Index: first}, 0)
	_, n := l.Take(first)
	_, later := l.Take(first + 3)
	if later != n+3 {
		t.Errorf("number +%d, want +3", later-n)
	}
	l.Cut(sequence.Breakpoint{Track: audio, Index: first + 4, Replayed: true, Frame: 4000}, 0)
	b, n := l.Take(first + 4)
	if b.Packet(n) == nil || b.Packet(n+1) != nil {
		t.Error("one frame stands under a breakpoint of a replay")
	}
}

// At most so many breakpoints are remembered, and one that is given up is told.
func TestBreakpointsAreBounded(t *testing.T) {
	audio, first := track(t, 1)
	var l sequence.Line
	l.Begin(sequence.Names{})
	var start, n uint64
	for i := range 1025 {
		if forgotten := l.Cut(sequence.Breakpoint{Track: audio, Index: first}, 0); forgotten != (i == 1024) {
			t.Fatalf("cut %d: forgotten %v", i, forgotten)
		}
		if _, n = l.Take(first); i == 0 {
			start = n
		}
	}
	if b, _ := l.Find(uint16(start)); b != nil {
		t.Error("the first is still there")
	}
	if b, _ := l.Find(uint16(start + 1)); b == nil {
		t.Error("the second is gone")
	}
	l.Prune(int64(3 * time.Second))
	if b, _ := l.Find(uint16(n)); b == nil {
		t.Error("the last is gone")
	}
	if b, _ := l.Find(uint16(n - 1)); b != nil {
		t.Error("an old one is not pruned")
	}
}

// What is sent again goes as RFC 4588 has it, each time under another number, or as
// it was.
func TestRepeat(t *testing.T) {
	audio, first := track(t, 3)
	for _, rtx := range []bool{true, false} {
		var l sequence.Line
		names := sequence.Names{SSRC: 1}
		if rtx {
			names.RTXSSRC = 2
		}
		l.Begin(names)
		l.Cut(sequence.Breakpoint{Track: audio, Index: first, PayloadType: 96, RTXPayloadType: 97}, 0)
		b, n := l.Take(first + 2)
		p := b.Packet(n)
		var h, one, two rtp.Header
		var scratch []byte
		l.Header(&h, b, n, p)
		payload := bytes.Clone(l.Repeat(&one, &scratch, b, n, p))
		l.Repeat(&two, &scratch, b, n, p)
		if !rtx {
			if !bytes.Equal(payload, p.Payload) || one.SequenceNumber != h.SequenceNumber || one.SSRC != 1 || one.PayloadType != 96 {
				t.Errorf("%+v, was %+v", one, h)
			}
			continue
		}
		if want := []byte{byte(n >> 8), byte(n), 2}; !bytes.Equal(payload, want) {
			t.Errorf("payload %x, want %x", payload, want)
		}
		if one.SSRC != 2 || one.PayloadType != 97 || one.Timestamp != h.Timestamp || two.SequenceNumber != one.SequenceNumber+1 {
			t.Errorf("%+v and %+v, was %+v", one, two, h)
		}
	}
}

func TestRepeats(t *testing.T) {
	var r sequence.Repeats
	for n := range uint16(300) {
		if got := r.Ask(n); got != (n < sequence.Room) {
			t.Fatalf("number %d: room %v", n, got)
		}
	}
	for n := range uint16(sequence.Room) {
		if got, ok := r.Next(); got != n || !ok {
			t.Fatalf("number %d, %v, want %d", got, ok, n)
		}
	}
	if _, ok := r.Next(); ok {
		t.Error("a number that nobody asked for")
	}
	now := int64(time.Hour)
	r.Begin(now)
	if !r.Affords(now, 64<<10, 1_000_000) || r.Affords(now, 64<<10+1, 1_000_000) {
		t.Error("64 KiB are allowed at once")
	}
	r.Spend(64 << 10)
	if r.Affords(now, 1, 1_000_000) || !r.Affords(now+int64(time.Second), 500_000, 1_000_000) || r.Affords(now+int64(time.Second), 500_001, 1_000_000) {
		t.Error("half a second of the rate is allowed after a second")
	}
	for i, c := range []struct {
		after, roundTrip time.Duration
		again            bool
	}{{0, 0, false}, {29 * time.Millisecond, 0, true}, {30 * time.Millisecond, 0, false}, {100 * time.Millisecond, 80 * time.Millisecond, true}} {
		if got := r.Again(9, now+int64(c.after), int64(c.roundTrip)); got != c.again {
			t.Errorf("request %d: again %v", i, got)
		}
	}
}
