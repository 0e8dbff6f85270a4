package admission

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/wish"
)

func TestTombstones(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ts := NewTombstones(time.Minute, 3)
		for i := range 4 {
			ts.Add(fmt.Sprint(i), "taken_over")
		}
		for i, want := range []bool{false, true, true, true} { // at most three
			if got := ts.Take(fmt.Sprint(i)); got != want {
				t.Errorf("take %d: %v", i, got)
			}
		}
		if ts.Take("1") {
			t.Error("taken twice")
		}
		ts.Add("a", "taken_over")
		time.Sleep(59 * time.Second)
		ts.Add("b", "taken_over")
		ts.Sweep()
		if !ts.Take("a") {
			t.Error("forgotten too soon")
		}
		time.Sleep(time.Minute)
		if ts.Take("b") {
			t.Error("remembered too long")
		}
		if len(ts.order) != 0 || len(ts.ended) != 0 {
			t.Errorf("%d and %d remain", len(ts.order), len(ts.ended))
		}
	})
}

func TestPlacesAreGivenBack(t *testing.T) {
	l := NewLimits(10, 2, 1)
	a := netip.MustParseAddr("192.0.2.1")
	for range 3 {
		p, err := l.Reserve(a)
		if err != nil {
			t.Fatal(err)
		}
		p.Connected()
		p.Connected()
		q, err := l.Reserve(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Reserve(a); err == nil {
			t.Error("one too many")
		}
		for _, p := range []*Place{p, p, q} {
			p.Release()
		}
		p.Connected() // too late, without effect
	}
	if l.Places() != 0 || len(l.addresses) != 0 {
		t.Errorf("%d sessions, %d addresses remain", l.Places(), len(l.addresses))
	}
}

func TestRoomIsLeft(t *testing.T) {
	r := NewRoom(3, 1)
	var leave []func()
	for _, addr := range []string{"192.0.2.1", "127.0.0.1", "127.0.0.1"} { // loopback counts in all alone
		out, ok := r.Enter(netip.MustParseAddr(addr))
		if !ok {
			t.Fatalf("no room for %s", addr)
		}
		leave = append(leave, out)
	}
	if _, ok := r.Enter(netip.MustParseAddr("192.0.2.2")); ok || r.Held() != 3 {
		t.Errorf("one too many, or %d are held, want 3", r.Held())
	}
	leave[1]()
	if _, ok := r.Enter(netip.MustParseAddr("192.0.2.1")); ok {
		t.Error("a second one from one address")
	}
	leave[0]()
	leave[2]()
	if r.Held() != 0 || len(r.addresses) != 0 {
		t.Errorf("%d are held, from %d addresses", r.Held(), len(r.addresses))
	}
}

// An address may send a burst, then as fast as the rate; other addresses do not
// notice, and a refused request costs nothing.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRates(2, 3)
		take := func(addr, retryAfter string) {
			t.Helper()
			err := r.Take(netip.MustParseAddr(addr))
			refusal, refused := err.(*wish.Refusal) //nolint:errorlint // it is returned as it is
			switch {
			case refused != (retryAfter != ""):
				t.Errorf("%s: %v, want it refused: %t", addr, err, !refused)
			case refused && (refusal.Status != 429 || refusal.Code != CodeTooFast || refusal.Headers["Retry-After"] != retryAfter):
				t.Errorf("%s: %+v, want Retry-After %s", addr, refusal, retryAfter)
			}
		}
		for range 3 {
			take("2001:db8::1", "")
		}
		take("2001:db8::2", "1") // the same /64
		take("2001:db8:0:1::1", "")
		for range 10 {
			take("2001:db8::1", "1")
			take("127.0.0.1", "")
			take("::1", "")
		}
		time.Sleep(time.Second)
		take("2001:db8::1", "")
		take("2001:db8::1", "")
		take("2001:db8::1", "1")
		time.Sleep(time.Hour)
		for range 3 {
			take("2001:db8::1", "")
		}
		take("2001:db8::1", "1") // never more than a burst
	})
}

// However many addresses come, no more are remembered than may be; the one that
// has been quiet for longest is forgotten.
func TestRatesForget(t *testing.T) {
	r := NewRates(1, 1)
	r.most = 3
	addr := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }
	for n := range byte(4) {
		if err := r.Take(addr(n)); err != nil {
			t.Error(err)
		}
		if n > 0 && r.Take(addr(1)) == nil {
			t.Error("one that still sends was forgotten")
		}
	}
	if len(r.addresses) != 3 || r.recent.Len() != 3 {
		t.Errorf("%d and %d are remembered", len(r.addresses), r.recent.Len())
	}
	if err := r.Take(addr(0)); err != nil {
		t.Errorf("the oldest: %v", err)
	}
}
