//go:build e2e

package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// withPattern is a media folder with the test pattern as a film: ten seconds whose pictures tell their number.
func withPattern(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	clip, err := os.ReadFile("../publisher/clip/clip.ivf")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "pattern.ivf"), clip, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

type playbackSeen struct {
	Position int `json:"position_ms"`
	Duration int `json:"duration_ms"`
	Paused   bool
}

// TestFilmInPage plays a film on demand by the page at /, and reads in its pictures whether they obey.
func TestFilmInPage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_MEDIA_DIR="+withPattern(t))
	var got struct {
		clean
		Paused playbackSeen
		Still  struct{ Told int }
		Place  string
		Sought struct {
			playbackSeen
			Told int
			Page string
		}
		Resumed struct {
			Told, At []int
			Page     string
		}
		Ended struct {
			playbackSeen
			State, Curtain, Start string
		}
		Unwatched string
		Runs      int
	}
	run(t, "sources.mjs", "film", server.base, adminToken).report(t, &got)
	got.judge(t)
	t.Logf("%+v", got)
	if !strings.HasPrefix(got.Place, "0:0") {
		t.Errorf("the page says %s", got.Place)
	}
	if !got.Paused.Paused || got.Paused.Duration != 10_000 || got.Sought.Position != 5000 || !got.Sought.Paused || got.Sought.Page != "0:05 of 0:10" {
		t.Errorf("paused %+v, then %+v", got.Paused, got.Sought)
	}
	late := 1 << 30 // at least: a busy machine asks the second of the two later
	for n, at := range got.Resumed.At {
		late = min(late, at-got.Resumed.Told[n])
	}
	if late < -100 || late > 600 {
		t.Errorf("the picture tells %d ms, the server %d ms", got.Resumed.Told, got.Resumed.At)
	}
	if got.Ended.Position != 10_000 || !strings.Contains(got.Ended.Start, "Start again") || got.Unwatched != "unwatched" || got.Runs < 2 {
		t.Errorf("%+v", got)
	}
}

// A refusal is what the page says beside a field.
type refusalSeen struct{ Words, Focused, Invalid string }

// TestPushInPage pushes a stream to another server by the page at /streams.
func TestPushInPage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	const secret = "publish-token-of-the-other-server"
	other := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_PUBLISH_TOKEN="+secret)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_RELAY_HOSTS="+other.addr, small(t))
	var got struct {
		clean
		Wrong []refusalSeen
		Live  string
		Kept  bool
		Shows struct {
			State string
			List  int
		}
		Left int
	}
	run(t, "sources.mjs", "push", server.base, adminToken, other.base, secret).report(t, &got)
	got.judge(t)
	t.Logf("%+v", got)
	for _, r := range got.Wrong {
		if r.Invalid != "true" || r.Focused != "url" {
			t.Errorf("%+v", r)
		}
	}
	if got.Kept || got.Shows.State != "live" || got.Shows.List != 1 || got.Left != 0 {
		t.Errorf("%+v", got)
	}
}

// TestPullInPage plays a stream from another server by the page at /.
func TestPullInPage(t *testing.T) {
	t.Parallel()
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("is much like the others: only when E2E_SOAK is set")
	}
	needs(t, chromium)
	other := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, small(t))
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_RELAY_HOSTS="+other.addr, small(t))
	var got struct {
		clean
		Wrong    []refusalSeen
		Counters string
	}
	run(t, "sources.mjs", "pull", server.base, adminToken, other.base).report(t, &got)
	got.judge(t)
	t.Logf("%+v", got)
	for _, r := range got.Wrong {
		if r.Invalid != "true" || r.Focused != "param-url" {
			t.Errorf("%+v", r)
		}
	}
	if strings.Contains(got.Counters, "encoder") || !regexp.MustCompile(`H264\s+[\d  ]+packets`).MatchString(got.Counters) {
		t.Errorf("counters %q", got.Counters)
	}
}

// TestFFmpegInPage starts what FFmpeg makes by the page at /, and what it may not open.
func TestFFmpegInPage(t *testing.T) {
	t.Parallel()
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("is much like the others: only when E2E_SOAK is set")
	}
	needs(t, chromium, "ffmpeg")
	dir := withPattern(t)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_MEDIA_DIR="+dir)
	var got struct {
		clean
		Missing, Counters string
		Wrong             []refusalSeen
		States            []string
	}
	page := run(t, "sources.mjs", "ffmpeg", server.base, adminToken)
	page.step(t, "listed")
	if err := os.Remove(filepath.Join(dir, "pattern.ivf")); err != nil {
		t.Fatal(err)
	}
	page.proceed(t)
	page.report(t, &got)
	got.judge(t)
	t.Logf("%+v", got)
	if slices.ContainsFunc(got.Wrong, func(r refusalSeen) bool { return r.Focused != "param-input" }) || got.Missing == "" || !slices.Contains(got.States, "Starting") {
		t.Errorf("%q, %+v, %q", got.Missing, got.Wrong, got.States)
	}
}

// TestFixturesAreTheAPIs holds the answers that pages are shown in the place of the API's to its description, as api.http and
// the tests of package api hold the API's own.
func TestFixturesAreTheAPIs(t *testing.T) {
	t.Parallel()
	needs(t)
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin)
	var answers map[string]any
	run(t, "shapes.mjs", server.base, adminToken).report(t, &answers)
	schemas := loadAPI(t).document.Components.Schemas
	for _, name := range []string{"FileList", "DeviceList", "PushList", "Stream"} {
		if err := schemas[name].Value.VisitJSON(answers[name], openapi3.VisitAsResponse(), openapi3.MultiErrors()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kind := range []string{"file", "camera", "ffmpeg", "whep"} { // which withSources takes from the server
		if !has(t, server, kind) {
			t.Errorf("the server tells of no source %s", kind)
		}
	}
}
