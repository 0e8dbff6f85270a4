package cache_test

import (
	"testing"

	"weir/stream/cache"
)

var keyUnit, deltaUnit = []byte{0x67, 0x42, 0xc0, 0x1f}, []byte{0x41, 0x9a}

// A hole that nothing will fill takes one index, however long it is: who reads on
// is through it at once. What comes from inside or before it is late.
func TestLongHoleIsOneIndex(t *testing.T) {
	s := newSource(t, h264)
	s.put(cache.Taken, 10, 0, keyUnit...)
	s.put(cache.Taken, 12, 0, deltaUnit...)
	s.put(cache.Taken, 12+512, 0, deltaUnit...) // is waited for
	if got := s.track.Head() - s.head; got != 515 {
		t.Errorf("head at +%d, want all numbers up to it", got)
	}
	s.put(cache.Taken, 100, 0, deltaUnit...)
	for n := range uint16(100) {
		seq, head := 12+512+2999*(n+1), s.track.Head()
		s.put(cache.Taken, seq, 0, deltaUnit...)
		if got := s.track.Head() - head; got != 2 || s.track.Get(head) != nil || s.track.Get(head+1) == nil {
			t.Fatalf("hole %d took %d indexes", n, got-1)
		}
		s.put(cache.Late, seq-1, 0, deltaUnit...)
		s.put(cache.Late, seq-2998, 0, deltaUnit...)
		s.put(cache.Late, seq-2999, 0, deltaUnit...)
	}
}

// A number that is further off than packets are lost, forwards or backwards, says
// nothing until the next one follows it (RFC 3550 A.1).
func TestFarJumpIsProved(t *testing.T) {
	for name, to := range map[string]uint16{"forwards": 4001 + 3001, "backwards": 4000 - 3001, "far": 4000 + 1<<15} {
		t.Run(name, func(t *testing.T) {
			s := newSource(t, h264)
			s.put(cache.Taken, 0, 0, keyUnit...)
			for n := uint16(1); n <= 4000; n++ { // all at once: all are kept
				s.put(cache.Taken, n, 0, deltaUnit...)
			}
			head := s.track.Head()
			if to == 4000-3001 && s.track.Tail() > s.head+uint64(to) {
				t.Fatal("the cache is too short for this test")
			}
			s.put(cache.Late, to, 0, keyUnit...)
			s.put(cache.Taken, 4001, 0, deltaUnit...) // the source goes on
			s.put(cache.Late, to+1, 0, keyUnit...)    // proves nothing any more
			s.put(cache.Undecodable, to+2, 0, deltaUnit...)
			s.put(cache.Taken, to+3, 0, keyUnit...)
			if got := s.track.Head() - head; got != 2 {
				t.Errorf("took %d indexes, want 2", got)
			}
		})
	}
}
