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
	player := buildPipeline(t)
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

// GStreamer's whipsink publishes as the README writes it, and its whepsrc plays
// that. There is no sound: gst-launch links the pad that comes first to the
// branch that stands first, which is the picture's.
func TestWhipsinkPublishes(t *testing.T) {
	n := newNetwork(t, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	pipeline := buildPipeline(t)
	g := startGateway(t, n.server, "-addr", "192.0.2.1:8080")

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	whipsink := strings.NewReplacer("HOST", "192.0.2.1", "TOKEN", token).Replace(readmeLine(t, "whipsink"))
	publisher := on(ctx, n.player, pipeline, "16", whipsink)
	var said bytes.Buffer
	publisher.Stdout, publisher.Stderr = &said, &said
	if err := publisher.Start(); err != nil {
		t.Fatal(err)
	}
	g.logged(t, `msg="session connected"`, "stream=lobby")
	whepsrc, _, _ := strings.Cut(readmePipeline(t, "192.0.2.1"), "whep. ! application/x-rtp,media=audio")
	c := on(ctx, n.player, pipeline, "6", strings.Replace(whepsrc, "/whep/test", "/whep/lobby", 1))
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Run(); err != nil {
		t.Errorf("play: %v\n%s\n%s\n%s", err, &stdout, &stderr, g.log)
	}
	if err := publisher.Wait(); err != nil {
		t.Errorf("publish: %v\n%s\n%s", err, &said, g.log)
	}
	if got := handed(stdout.String(), "pictures"); got < leastPictures {
		t.Errorf("%d pictures decoded, want at least %d\n%s", got, leastPictures, g.log)
	}
	t.Logf("decoded in 6 s: %s", strings.TrimSpace(stdout.String()))
	g.logged(t, "method=DELETE", "status=200")
}

// readmePipeline is the README's line for GStreamer, towards this host and with
// sinks that count what was decoded.
func readmePipeline(t *testing.T, host string) string {
	t.Helper()
	return strings.NewReplacer(
		"HOST", host, "autovideosink", "fakesink name=pictures", "autoaudiosink", "fakesink name=sounds",
	).Replace(readmeLine(t, "whepsrc"))
}

// readmeLine is the README's line for gst-launch-1.0 that begins with an element.
func readmeLine(t *testing.T, element string) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(text), "\ngst-launch-1.0 "+element+" ")
	line, _, closed := strings.Cut(line, "\n```")
	if !found || !closed {
		t.Fatalf("README.md has no line for gst-launch-1.0 with %s", element)
	}
	return element + " " + strings.ReplaceAll(line, "\\\n", "")
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

// buildPipeline returns the path of the program that runs GStreamer's elements,
// built by cargo if need be.
func buildPipeline(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("cargo"); err != nil {
		lacking(t, "GStreamer's elements are built by cargo, 1.92 or newer")
	}
	if err := exec.Command("pkg-config", "--exists", "gstreamer-webrtc-1.0", "gstreamer-sdp-1.0").Run(); err != nil {
		lacking(t, "GStreamer's development files are missing: libgstreamer-plugins-bad1.0-dev")
	}
	dir, err := filepath.Abs("../gstreamer")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("cargo", "build", "--locked", "--release", "--quiet")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("cargo cannot build the pipeline: %v: %s", err, out))
	}
	return filepath.Join(dir, "target", "release", "pipeline")
}
