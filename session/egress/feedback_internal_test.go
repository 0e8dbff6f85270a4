package egress

import (
	"testing"
	"time"
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
