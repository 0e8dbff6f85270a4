package egress

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"weir/stream"
)

func TestRoundTrip(t *testing.T) {
	sent := time.Unix(1_700_000_000, 250_000_000)
	const ntpEpoch = 2208988800
	lsr := uint32(uint64(sent.Unix()+ntpEpoch))<<16 | uint32(0.25*65536)
	if got := roundTrip(sent.Add(150*time.Millisecond), lsr, 65536/10); got < 49*time.Millisecond || got > 51*time.Millisecond {
		t.Errorf("round trip %v, want 50ms", got)
	}
	for _, c := range []struct{ lsr, delay uint32 }{{0, 5}, {lsr, 1 << 30}, {lsr + 1<<20, 0}} {
		if got := roundTrip(sent, c.lsr, c.delay); got != 0 {
			t.Errorf("%v: %v", c, got)
		}
	}
}

// What a player says it lost has a sign: packets that came twice make it less than
// nothing (RFC 3550 6.4.1).
func TestReceptionHasASign(t *testing.T) {
	f := &feedback{track: &trackLocal{ssrc: 7, down: &stream.DownTrack{}}}
	for said, want := range map[uint32]int32{0xfffffe: -2, 0x800000: -1 << 23, 0x7fffff: 1<<23 - 1, 5: 5} {
		f.handle(&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{
			{SSRC: 7, TotalLost: said, FractionLost: 3, Jitter: 9}, {SSRC: 8, TotalLost: 100, FractionLost: 100, Jitter: 100},
		}})
		if got := f.lost.Load(); got != want || f.fraction.Load() != 3 || f.jitter.Load() != 9 {
			t.Errorf("%06x: lost %d, want %d; fraction %d, jitter %d", said, got, want, f.fraction.Load(), f.jitter.Load())
		}
	}
}
