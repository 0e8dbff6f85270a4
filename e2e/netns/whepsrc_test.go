//go:build e2e

package netns_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// leastPictures of 5 s at 30 a second: GStreamer needs a moment to begin.
const leastPictures = 100

// GStreamer's whepsrc plays with nothing set but the URL, as the README writes
// it. It runs here and not on loopback, which its ICE library does not use.
func TestWhepsrcPlaysH264(t *testing.T) {
	n := newNetwork(t, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	player := buildWhepsrc(t)
	g := startGateway(t, n.server, "-addr", "192.0.2.1:8080")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := on(ctx, n.player, player, "5", readmePipeline(t, "192.0.2.1"))
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Fatalf("whepsrc: %v\n%s\n%s\n%s", err, &stdout, &stderr, g.log)
	}
	for name, least := range map[string]int{"pictures": leastPictures, "sounds": leastPictures} {
		if got := handed(stdout.String(), name); got < least {
			t.Errorf("%d %s decoded, want at least %d", got, name, least)
		}
	}
	t.Logf("decoded in 5 s: %s", strings.ReplaceAll(strings.TrimSpace(stdout.String()), "\n", ", "))
	g.logged(t, "method=DELETE", "status=200")
	g.logged(t, `msg="session ended"`, "reason=deleted")
}

// readmePipeline is the README's line for GStreamer, towards this host and with
// sinks that count what was decoded.
func readmePipeline(t *testing.T, host string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(text), "\ngst-launch-1.0 ")
	line, _, closed := strings.Cut(line, "\n```")
	if !found || !closed {
		t.Fatal("README.md has no line for gst-launch-1.0")
	}
	return strings.NewReplacer(
		"\\\n", "", "HOST", host,
		"autovideosink", "fakesink name=pictures", "autoaudiosink", "fakesink name=sounds",
	).Replace(line)
}

// handed reads how many buffers a sink got, -1 if the player does not say.
func handed(output, sink string) int {
	for line := range strings.Lines(output) {
		var name string
		var count int
		if _, err := fmt.Sscan(line, &name, &count); err == nil && name == sink {
			return count
		}
	}
	return -1
}

// buildWhepsrc returns the path of the player, built by cargo if need be.
func buildWhepsrc(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("cargo"); err != nil {
		lacking(t, "GStreamer's whepsrc is built by cargo, 1.92 or newer")
	}
	if err := exec.Command("pkg-config", "--exists", "gstreamer-webrtc-1.0", "gstreamer-sdp-1.0").Run(); err != nil {
		lacking(t, "GStreamer's development files are missing: libgstreamer-plugins-bad1.0-dev")
	}
	dir, err := filepath.Abs("../whepsrc")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("cargo", "build", "--locked", "--release", "--quiet")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("cargo cannot build whepsrc: %v: %s", err, out))
	}
	return filepath.Join(dir, "target", "release", "whepsrc")
}
