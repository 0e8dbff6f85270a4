//go:build e2e

package e2e_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestFileByPage uploads a film by the page at /, starts it there, watches it, ends it and deletes it; see TestFilmInPage for
// what a film can be made to do.
func TestFileByPage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		lack(t, "ffmpeg")
	}
	film := filepath.Join(t.TempDir(), "film.mkv")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=20", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20",
		"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "libopus", film).CombinedOutput()
	if err != nil {
		t.Fatalf("make a film: %v\n%s", err, out)
	}
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_MEDIA_DIR="+t.TempDir())
	if !offers(t, server, "file") {
		t.Fatal("this build has no source file")
	}
	var got struct {
		Ranges   []string
		Found    string
		Moving   int
		Troubles []string
	}
	run(t, "filestart.mjs", server.base, adminToken, film).report(t, &got)
	// The second part breaks off and comes again: the first does not.
	first := func(r string) bool { return strings.HasPrefix(r, "bytes 0-") }
	if len(got.Ranges) < 3 || !first(got.Ranges[0]) || slices.ContainsFunc(got.Ranges[1:], first) {
		t.Errorf("parts %q", got.Ranges)
	}
	for _, fact := range []string{"0:20", "320 × 180", "30 fps", "H.264", "Opus", "every 1.0 s"} {
		if !strings.Contains(got.Found, fact) {
			t.Errorf("the report lacks %s: %s", fact, got.Found)
		}
	}
	if got.Moving < 5 {
		t.Errorf("%d pictures in a second", got.Moving)
	}
	if len(got.Troubles) > 0 {
		t.Errorf("the page: %q", got.Troubles)
	}
}

// offers says whether a kind of source can be started.
func offers(t *testing.T, server *process, kind string) bool {
	t.Helper()
	available, known := kindsOf(t, server)[kind]
	return known && available
}

// has says whether there is a kind of source, be it that it cannot run here.
func has(t *testing.T, server *process, kind string) bool {
	t.Helper()
	_, known := kindsOf(t, server)[kind]
	return known
}

// kindsOf says of each kind of source whether it can run here.
func kindsOf(t *testing.T, server *process) map[string]bool {
	t.Helper()
	var answer struct {
		Sources []struct {
			Name      string
			Available bool
		}
	}
	if status := server.control(t, http.MethodGet, "sources", "", &answer); status != http.StatusOK {
		t.Fatalf("the kinds of source: %d", status)
	}
	kinds := map[string]bool{}
	for _, one := range answer.Sources {
		kinds[one.Name] = one.Available
	}
	return kinds
}
