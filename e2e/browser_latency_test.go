//go:build e2e && linux

package e2e_test

import (
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestLatencyFollowsTheNetwork puts 120 ms between server and player: what the page measures moves by as much.
func TestLatencyFollowsTheNetwork(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("takes one minute or more: only when E2E_SOAK is set")
	}
	needs(t, chromium)
	const added, tolerance = 120, 30 // milliseconds
	server, address := startOnTerminal(t, build(t, "1"), "127.0.0.1:0", filepath.Join(t.TempDir(), "state"))
	between := newRelay(t, netip.MustParseAddrPort(server.addr))
	type reading struct{ Own, Overlay, Uncertainty float64 }
	var wrong string
	for range 3 { // a machine that is too busy for the player proves nothing about the page
		var before, after reading
		between.delay.Store(0)
		page := run(t, "home.mjs", "chromium", "delayed", address, fmt.Sprintf("127.0.0.1:%d", between.port))
		page.report(t, &before)
		between.delay.Store(int64(added * time.Millisecond))
		page.proceed(t)
		page.report(t, &after)
		var got clean
		page.report(t, &got)
		got.judge(t)
		t.Logf("%.0f ± %.0f ms, with %d ms more %.0f ± %.0f ms; the test reads %.0f and %.0f ms",
			before.Overlay, before.Uncertainty, added, after.Overlay, after.Uncertainty, before.Own, after.Own)
		wrong = ""
		for _, one := range []reading{before, after} {
			if math.Abs(one.Overlay-one.Own) > tolerance {
				wrong = fmt.Sprintf("the overlay says %.0f ms, the test reads %.0f ms", one.Overlay, one.Own)
			}
		}
		if moved := after.Overlay - before.Overlay; math.Abs(moved-added) > tolerance {
			wrong = fmt.Sprintf("%d ms of delay move the latency by %.0f ms", added, moved)
		}
		if wrong == "" {
			return
		}
	}
	t.Error(wrong)
}
