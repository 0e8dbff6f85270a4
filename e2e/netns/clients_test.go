//go:build e2e

package netns_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// clients says that a test needs the larger of GStreamer's two plugins, which
// takes minutes to build.
func clients(t *testing.T) string {
	t.Helper()
	if !soak() {
		t.Skip("only with E2E_SOAK=1")
	}
	return buildPipeline(t, "clients")
}

// GStreamer's whipclientsink publishes as the README writes it.
func TestWhipclientsinkPublishes(t *testing.T) {
	publishes(t, clients(t), "whipclientsink", "VP8")
}

// GStreamer's whepclientsrc plays as the README writes it.
func TestWhepclientsrcPlays(t *testing.T) {
	player := clients(t)
	n := newNetwork(t, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	g := startGateway(t, n.server, "-addr", "192.0.2.1:8080")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	line := strings.NewReplacer(
		"HOST", "192.0.2.1", "autovideosink", "fakesink name=pictures", "autoaudiosink", "fakesink name=sounds",
	).Replace(readmeLine(t, "whepclientsrc"))
	c := on(ctx, n.player, player, "12", line)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("whepclientsrc: %v\n%s\n%s\n%s", err, &stdout, &stderr, g.log)
	}
	for name, least := range map[string]int{"pictures": 200, "sounds": 200} {
		if got := handed(stdout.String(), name); got < least {
			t.Errorf("%d %s decoded, want at least %d\n%s", got, name, least, &stderr)
		}
	}
	t.Logf("decoded in 12 s: %s", strings.ReplaceAll(strings.TrimSpace(stdout.String()), "\n", ", "))
	g.logged(t, "method=DELETE", "status=200")
	g.logged(t, `msg="session ended"`, "reason=deleted")
}
