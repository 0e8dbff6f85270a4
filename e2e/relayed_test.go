//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// configured is a configuration file that holds these streams.
func configured(t *testing.T, streams string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "streams.yaml")
	if err := os.WriteFile(path, []byte("streams:\n"+streams), 0o600); err != nil {
		t.Fatal(err)
	}
	return "WEIR_CONFIG=" + path
}

// What one server pushes to another, and a third pulls from there, has its left and its right in the end.
func TestStereoIsRelayed(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	const secret = "publish-token-of-the-relay"
	program := build(t, "1")
	middle := start(t, program, "127.0.0.1:0", withAdmin, "WEIR_PUBLISH_TOKEN="+secret, small(t))
	start(t, program, "127.0.0.1:0", "WEIR_RELAY_HOSTS="+middle.addr, configured(t, fmt.Sprintf(
		"  test:\n    source: pattern\n    params: {width: 640, height: 360}\n    pushes: [{url: %q, token: %q}]\n", middle.base+"/whip/lobby", secret)))
	webrtctest.Until(t, patience, func() string {
		var streams struct {
			Streams []struct {
				Name string
				Live bool
			}
		}
		ask(t, middle.base+"/api/v1/streams", "", &streams)
		for _, s := range streams.Streams {
			if s.Name == "lobby" && s.Live {
				return ""
			}
		}
		return "the stream that is pushed"
	})
	last := start(t, program, "127.0.0.1:0", "WEIR_RELAY_HOSTS="+middle.addr, configured(t, fmt.Sprintf(
		"  test:\n    source: whep\n    params: {url: %q}\n", middle.base+"/whep/lobby")))
	if answer := watch(t, last, webrtctest.Options{NoVideo: true}).Answer(); !strings.Contains(answer, "sprop-stereo=1") {
		t.Errorf("players are not told that there are two channels:\n%s", answer)
	}
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		var got chromiumPlayed
		run(t.T, "h264.mjs", last.base, "60").report(t.T, &got)
		got.hasCodec(t, "audio/opus")
		judgeTones(t, got.Tones)
	})
}
