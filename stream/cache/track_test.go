package cache_test

import (
	"encoding/hex"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/stream/cache"
)

var h264 = codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}

// source writes to a track, at times of its own.
type source struct {
	tb    testing.TB
	track *cache.Track
	total atomic.Int64
	now   time.Time
	head  uint64 // of the empty track
}

func newSource(tb testing.TB, f codec.Format) *source {
	tb.Helper()
	s := &source{tb: tb, now: time.Now()}
	s.track = cache.New(f, s.now, cache.Bounds{MaxAge: time.Hour, MaxBytes: 1 << 30, MaxFrames: 1 << 20}, &s.total)
	s.head = s.track.Head()
	s.track.Begin(f, cache.ExtensionIDs{})
	return s
}

// put writes a picture of one packet and wants it to fare so.
func (s *source) put(want cache.Outcome, seq uint16, timestamp uint32, payload ...byte) {
	s.tb.Helper()
	got := s.track.Put(s.now, &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: timestamp, Marker: true},
		Payload: payload,
	})
	if got != want {
		s.tb.Fatalf("number %d: outcome %d, want %d", seq, got, want)
	}
}

// held are the packets in the cache, from the first index on; nil: a hole.
func (s *source) held() (all []*cache.Packet) {
	for i := s.head; i < s.track.Head(); i++ {
		all = append(all, s.track.Get(i))
	}
	return all
}

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// Key frames that lack parameter sets get them, once, under an index of their
// own; the source's numbers go on around it, and a late or repeated packet still
// finds its place.
func TestParameterSetsArePutIn(t *testing.T) {
	f := h264
	f.Fmtp += ";sprop-parameter-sets=Z0LAH9kAUAW7ARAAAAMAEAAAAwMg8YMkgA==,aMuDyyA="
	s := newSource(t, f)
	if got := s.track.Format().Profile(); got != "constrained-baseline" {
		t.Errorf("declared profile %q", got)
	}
	spsHigh := unhex(t, "67640028acd94078044fde0220000003002000000643e2c5b2c0") // 1920×1080, as x264 makes them
	ppsHigh := unhex(t, "68fba3cb22c0")
	s.put(cache.Taken, 10, 0, 0x65, 0x88, 1)           // lacks them
	s.put(cache.Taken, 11, 0, 0x65, 0x08, 2)           // its second slice
	s.put(cache.Taken, 12, 3000, 0x41, 0x9a, 3)        //
	s.put(cache.Taken, 14, 9000, 0x41, 0x9a, 5)        // 13 is missing
	s.put(cache.Taken, 15, 12000, 0x06, 5, 1, 1, 0x80) // SEI
	s.put(cache.Taken, 16, 12000, 0x65, 0x88, 7)       // lacks them too
	s.put(cache.Taken, 13, 6000, 0x41, 0x9a, 4)        // late
	s.put(cache.Duplicate, 12, 3000, 0x41, 0x9a, 3)
	s.put(cache.Taken, 17, 15000, spsHigh...)
	s.put(cache.Taken, 18, 15000, ppsHigh...)
	s.put(cache.Taken, 19, 15000, 0x65, 0x88, 8) // has them
	s.put(cache.Taken, 20, 18000, 0x65, 0x88, 9) // lacks them: the newest are put in
	type row struct {
		Timestamp   uint32
		Marker      bool
		First, Last byte
		Late        uint64
	}
	want := []row{
		{0, false, 0x78, 0x20, 0},
		{0, true, 0x65, 1, 0},
		{0, true, 0x65, 2, 0},
		{3000, true, 0x41, 3, 0},
		{6000, true, 0x41, 4, 1},
		{9000, true, 0x41, 5, 0},
		{12000, true, 0x06, 0x80, 0},
		{12000, false, 0x78, 0x20, 0},
		{12000, true, 0x65, 7, 0},
		{15000, true, 0x67, 0xc0, 0},
		{15000, true, 0x68, 0xc0, 0},
		{15000, true, 0x65, 8, 0},
		{18000, false, 0x78, 0xc0, 0},
		{18000, true, 0x65, 9, 0},
	}
	var got []row
	for _, p := range s.held() {
		got = append(got, row{p.Timestamp, p.Marker, p.Payload[0], p.Payload[len(p.Payload)-1], p.Late})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(cache.SetsCount{Inserted: 3}, s.track.Sets()); d != "" {
		t.Error(d)
	}
	if g := s.track.Newest(); s.track.KeyFrames() != 4 || g.Start != s.head+12 || g.Timestamp != 18000 {
		t.Errorf("%d key frames, the newest at +%d", s.track.KeyFrames(), g.Start-s.head)
	}
	if got := s.track.Format(); got.Profile() != "high" || codec.Params(got.Fmtp)["packetization-mode"] != "1" {
		t.Errorf("real format %s", got)
	}
	if n := s.track.LateHead(); n != 1 || s.track.Late(0) != s.head+4 {
		t.Errorf("%d late packets, the first at +%d", n, s.track.Late(0)-s.head)
	}
}

// What lies before a source's first packet is another's: a number from there
// finds no place, even where a hole is.
func TestOldHolesStay(t *testing.T) {
	s := newSource(t, h264)
	s.put(cache.Undecodable, 1, 0, 0x41, 0x9a)
	s.put(cache.Taken, 10, 0, 0x67, 0x42, 0xc0, 0x1f)
	s.put(cache.Taken, 12, 6000, 0x41, 0x9a)
	s.track.Begin(h264, cache.ExtensionIDs{})
	if s.track.Live() || s.track.Newest() != nil {
		t.Error("live, and another source has begun")
	}
	s.put(cache.Undecodable, 999, 500, 0x41, 0x9a)
	s.now = s.now.Add(time.Second)
	s.put(cache.Taken, 1000, 500, 0x67, 0x42, 0xc0, 0x1f)
	s.put(cache.Late, 998, 500, 0x41, 0x9a)
	got := s.held()
	if len(got) != 4 || got[1] != nil || got[3].Timestamp != got[2].Timestamp+90_000 {
		t.Errorf("held %v", got)
	}
	s.put(cache.Late, 20_000, 0, 0x41, 0x9a) // far away: proved by the next one
	s.put(cache.Undecodable, 20_001, 3000, 0x41, 0x9a)
	s.put(cache.Taken, 20_002, 6000, 0x67, 0x42, 0xc0, 0x1f)
	if got = s.held(); len(got) != 5 || !s.track.Live() {
		t.Errorf("held %v", got)
	}
}

// An index is written once, even where its packet is gone, and where the ring has
// grown since.
func TestIndexIsWrittenOnce(t *testing.T) {
	s := newSource(t, h264)
	s.track.Shrink() // nothing is there to give up
	key := []byte{0x67, 0x42, 0xc0, 0x1f}
	for n := range uint16(1600) {
		s.put(cache.Taken, n, 3000*uint32(n), key...)
		if n < 1000 { // slow enough for 512 packets to be kept, then at once: more are
			s.now = s.now.Add(3 * time.Millisecond)
		}
	}
	for n := uint16(1599); n < 1600; n-- { // backwards: two in sequence would prove another source
		want := cache.Duplicate
		if s.track.Get(s.head+uint64(n)) == nil {
			want = cache.Late
		}
		s.put(want, n, 0, key...)
	}
	if s.track.Get(s.head+600) != nil || s.track.Get(s.head+1000) == nil {
		t.Errorf("the tail is at +%d", s.track.Tail()-s.head)
	}
	if n := s.track.Size(); n <= 0 || n != s.total.Load() {
		t.Errorf("%d bytes, all together %d", n, s.total.Load())
	}
	s.track.Release()
	s.track.Shrink()
	if s.total.Load() != 0 {
		t.Errorf("%d bytes of a track that was released", s.total.Load())
	}
}
