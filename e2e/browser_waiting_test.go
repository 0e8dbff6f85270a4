//go:build e2e

package e2e_test

import (
	"os"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// A viewer who comes before the publisher sees its picture within 500 ms of its first key frame, whatever the stream's
// policy: the time is from the publisher's connection, which comes before that. See slack.
func TestViewerComesFirst(t *testing.T) {
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_STREAMS_WAITING_ROOM=held=hold,slated=slate")
	waits := []struct{ what, says string }{
		{"watch/refused/H264", "Nobody publishes “refused” yet"},
		{"watch/held/VP8", "Nobody publishes “held” yet"},
		{"watch/slated/VP8/card", ""},
	}
	if os.Getenv("E2E_SOAK") != "" {
		waits = append(waits, []struct{ what, says string }{
			{"watch/slated/H264/card", ""},
			{"embed/refused/VP8", ""},
			{"embed/held/H264", ""},
			{"watch/refused/VP8", "Nobody publishes “refused” yet"},
			{"embed/slated/VP8/card", ""},
		}...)
	}
	args := []string{server.base, adminToken}
	for _, w := range waits {
		args = append(args, w.what)
	}
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		script := run(t.T, "waiting.mjs", args...)
		for _, w := range waits {
			var got struct {
				Said    string
				Picture float64 // milliseconds
			}
			script.report(t.T, &got)
			took := time.Duration(got.Picture) * time.Millisecond
			t.Logf("%s: the picture comes %v after the publisher has connected", w.what, took)
			if got.Picture > slack()*500 {
				t.Errorf("%s: the picture comes after %v", w.what, took)
			}
			if w.says != "" {
				said{Curtain: got.Said}.has(t, w.says, "It begins here by itself")
			}
		}
	})
}
