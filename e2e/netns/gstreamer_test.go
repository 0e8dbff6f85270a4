//go:build e2e

package netns_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// leastPictures of 5 s at 30 a second: GStreamer needs a moment to begin.
const leastPictures = 100

// GStreamer's whepsrc plays with nothing set but the URL, as the README writes
// it. It runs here and not on loopback, which its ICE library does not use.
func TestWhepsrcPlaysH264(t *testing.T) {
	t.Parallel()
	player := buildPipeline(t)
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		n := newNetwork(t.T, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
		g := startGateway(t.T, n.server, "-addr", "192.0.2.1:8080")
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c := on(ctx, n.player, player, "5", readmePipeline(t.T, "192.0.2.1"))
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
	})
}

// GStreamer's whipsink publishes as the README writes it.
func TestWhipsinkPublishes(t *testing.T) {
	t.Parallel()
	publishes(t, buildPipeline(t), "whipsink", "H264")
}

// publishes lets GStreamer publish as the README writes it, with a sound where
// that has none, and wants a viewer to get nearly every picture for some seconds.
func publishes(t *testing.T, pipeline, element, codec string) {
	t.Helper()
	webrtctest.Tries(t, func(t *webrtctest.Attempt) { publishesOnce(t, pipeline, element, codec) })
}

func publishesOnce(t *webrtctest.Attempt, pipeline, element, codec string) {
	t.Helper()
	n := newNetwork(t.T, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	g := startGateway(t.T, n.server, "-addr", "192.0.2.1:8080")
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	line := strings.NewReplacer("HOST", "192.0.2.1", "TOKEN", token).Replace(readmeLine(t.T, element))
	publisher := on(ctx, n.player, pipeline, "100", line)
	input, err := publisher.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	publisher.Stdout, publisher.Stderr = &said, &said
	if err := publisher.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			cancel()
			_ = publisher.Wait()
			t.Logf("%s says:\n%s", element, &said)
		}
	}()
	g.logged(t, `msg="session connected"`, "stream=lobby")
	viewer := peer{URL: "http://192.0.2.1:8080/whep/lobby", Viewers: 1}.run(t.T, n.player)
	viewer.said("connected")
	time.Sleep(long(6*time.Second, 10*time.Second))
	got := viewer.end().Viewers[0]
	sent, whole := len(got.Frames)+got.Video.Missing, 0
	for _, f := range got.Frames {
		if f.Marker {
			whole++
		}
	}
	t.Logf("%d pictures of %d, %d packets of sound, %d packets missing", whole, sent, got.Audio.Packets, got.Video.Missing)
	seconds := int(long(6*time.Second, 10*time.Second).Seconds())
	if sent < 25*seconds || float64(whole) < 0.98*float64(sent) || got.Audio.Packets < 45*seconds || got.Audio.Missing > seconds {
		t.Errorf("video %+v, audio %+v\n%s", got.Video, got.Audio, g.log)
	}
	if got.Video.Codec != codec {
		t.Errorf("it sends %s, want %s", got.Video.Codec, codec)
	}
	if soak() {
		chromiumPlays(t.T, n, "lobby")
	}
	if _, err := input.Write([]byte("\n")); err != nil {
		t.Error(err)
	}
	if err := publisher.Wait(); err != nil {
		t.Errorf("publish: %v\n%s\n%s", err, &said, g.log)
	}
	g.logged(t, "method=DELETE", "status=200")
}

// chromiumPlays wants Chromium on the player's host to decode nearly all of 30
// pictures a second for ten seconds. Where the machine was too busy to decode
// what came without a loss it looks again: that proves nothing about the server.
func chromiumPlays(t *testing.T, n *network, stream string) {
	t.Helper()
	const least = 0.98 * 30
	got := inChromium(t, n, stream)
	for range 2 {
		if got.Rate >= least || got.Viewer.Lost > 0 {
			break
		}
		t.Log("the machine is busy: once more")
		got = inChromium(t, n, stream)
	}
	if got.Rate < least || got.Viewer.Samples < 9*48000 {
		t.Errorf("Chromium decodes %.1f pictures a second, and %.0f samples", got.Rate, got.Viewer.Samples)
	}
}

// watched is what Chromium says of ten seconds.
type watched struct {
	Rate    float64 // pictures a second
	Picture float64 // milliseconds from opening the page
	Freezes int
	Viewer  struct {
		Codecs                 []string
		Lost, KeyFrames, Width int
		Samples                float64
	}
}

// inChromium plays a stream in Chromium on the player's host.
func inChromium(t *testing.T, n *network, stream string) (got watched) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		lacking(t, "Chromium is run by node")
	}
	c := on(t.Context(), n.player, node, "../page/watching.mjs", "http://192.0.2.1:8080", stream, "10")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("Chromium: %v: %s", err, &stderr)
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("Chromium: %+v", got)
	return got
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
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "\\\n", ""), "\n")
	if !found {
		t.Fatalf("README.md has no line for gst-launch-1.0 with %s", element)
	}
	return element + " " + line
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
// built by cargo if need be, with some of its features.
func buildPipeline(t *testing.T, features ...string) string {
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
	build := exec.Command("cargo", "build", "--locked", "--release", "--quiet", "--features", strings.Join(features, ","))
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		lacking(t, fmt.Sprintf("cargo cannot build the pipeline: %v: %s", err, out))
	}
	return filepath.Join(dir, "target", "release", "pipeline")
}
