//go:build e2e

package e2e_test

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// publishing is what the page at /publish shows.
type publishing struct {
	State, Curtain, Badge, Announced, Note, Figures string
	Choose, Token, Again                            bool
}

func (p publishing) has(t *testing.T, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(p.Curtain, word) {
			t.Errorf("the page says %q, not %q", p.Curtain, word)
		}
		if !strings.Contains(p.Announced, strings.SplitN(p.Curtain, "\n", 2)[0]) {
			t.Errorf("a screen reader is told %q", p.Announced)
		}
	}
}

// TestPublishCamera wants viewers to get what the page sends: the codec that was chosen there, in one session of theirs from
// beginning to end.
func TestPublishCamera(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	var got struct {
		clean
		Address string
		Codecs  map[string]struct{ API, Sessions []string }
		Figures string
	}
	run(t, "publish.mjs", "camera", server.base, server.tokens(t)["admin"]).report(t, &got)
	got.judge(t)
	if got.Address != server.base+"/publish/live" {
		t.Errorf("the address is %s", got.Address)
	}
	for _, codec := range []string{"H264", "VP8", "VP9", "AV1"} {
		if found := got.Codecs[codec]; !slices.Contains(found.API, codec) || len(found.Sessions) != 1 || found.Sessions[0] != got.Codecs["H264"].Sessions[0] {
			t.Errorf("%s: %+v", codec, found)
		}
	}
	for _, figure := range []string{"Round trip", "Held back by", "kbit/s", "Opus"} {
		if !strings.Contains(got.Figures, figure) {
			t.Errorf("the figures have no %s: %q", figure, got.Figures)
		}
	}
}

// TestPublishScreen goes from the screen to the camera without another session.
func TestPublishScreen(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	var got struct {
		clean
		Screen struct {
			Mirrored bool
			Hint     string
		}
		Same bool
		Gone publishing
	}
	run(t, "publish.mjs", "screen", server.base, server.tokens(t)["admin"]).report(t, &got)
	got.judge(t)
	if got.Screen.Mirrored || got.Screen.Hint != "detail" || !got.Same {
		t.Errorf("the screen is %+v, one session: %t", got.Screen, got.Same)
	}
	if got.Gone.has(t, "Choose what to send"); !got.Gone.Choose || got.Gone.Badge != "Live" {
		t.Errorf("%+v", got.Gone)
	}
}

// TestPublishWithoutDevices wants words, and what can be done.
func TestPublishWithoutDevices(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0", "WEIR_HTTP_HOSTS=weir.test")
	var got struct {
		clean
		Refused, Missing, Plain publishing
		Origin                  string
	}
	run(t, "publish.mjs", "devices", server.base, server.tokens(t)["admin"]).report(t, &got)
	got.judge(t)
	got.Refused.has(t, "was not allowed to use the camera or microphone", "allow camera and microphone there")
	got.Missing.has(t, "has no camera", "Plug one in")
	got.Plain.has(t, "only to pages that come by HTTPS", "http://localhost:", "unsafely-treat-insecure-origin-as-secure", got.Origin)
	if !got.Refused.Choose || !got.Missing.Choose || got.Plain.Choose {
		t.Errorf("to choose: %t, %t, %t", got.Refused.Choose, got.Missing.Choose, got.Plain.Choose)
	}
}

// TestPublishBesideOthers meets wrong tokens, and publishers of the same stream.
func TestPublishBesideOthers(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	var got struct {
		clean
		Nobody, Wrong, Foreign, Own, Taken publishing
	}
	tokens := server.tokens(t)
	run(t, "publish.mjs", "others", server.base, tokens["publish"], tokens["admin"]).report(t, &got)
	got.judge(t)
	got.Foreign.has(t, "Publish with the same token")
	got.Taken.has(t, "published again with the same token")
	if !got.Nobody.Token || !got.Wrong.Token || !got.Foreign.Again || !got.Taken.Again || got.Own.Badge != "Live" {
		t.Errorf("%+v", got)
	}
}

// TestPublishWhileServerIsGone kills the server and starts it again.
func TestPublishWhileServerIsGone(t *testing.T) {
	t.Parallel()
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("E2E_SOAK is not set")
	}
	needs(t, chromium)
	program := build(t, "0")
	server := start(t, program, "127.0.0.1:0", withAdmin)
	page := run(t, "publish.mjs", "gone", server.base, adminToken)
	page.step(t, "live")
	server.end(t, syscall.SIGKILL)
	page.proceed(t)
	page.step(t, "waiting")
	again := start(t, program, server.addr, withAdmin)
	page.proceed(t)
	var got struct {
		clean
		Waiting publishing
	}
	page.report(t, &got)
	got.judge(t)
	got.Waiting.has(t, "Trying again")
	again.logged(t, `msg="session connected"`)
}

// TestPublishFirefox publishes with Firefox's own stand-ins.
func TestPublishFirefox(t *testing.T) {
	t.Parallel()
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("E2E_SOAK is not set")
	}
	needs(t, chromium, firefox)
	server := start(t, build(t, "0"), "127.0.0.1:0")
	var got struct {
		clean
		Codecs  []string
		Figures string
	}
	run(t, "publish.mjs", "firefox", server.base, server.tokens(t)["admin"]).report(t, &got)
	got.judge(t)
	if len(got.Codecs) != 2 || !slices.Contains(got.Codecs, "audio/opus") {
		t.Errorf("a viewer plays %q", got.Codecs)
	}
}
