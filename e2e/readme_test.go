//go:build e2e

package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// snippet returns the README's fenced block in that language which holds word,
// made to reach this server.
func snippet(t *testing.T, language, word string, server *process) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(text), "\n```"+language+"\n")[1:] {
		block, _, _ = strings.Cut(block, "\n```")
		if strings.Contains(block, word) {
			return strings.ReplaceAll(block, "127.0.0.1:8080", server.addr)
		}
	}
	t.Fatalf("README.md has no block in %s with %q", language, word)
	return ""
}

// The module works in a page of another origin as the README writes it.
func TestReadmePage(t *testing.T) {
	t.Parallel()
	needs(t, chromium)
	server := start(t, build(t, "1"), "127.0.0.1:0")
	page := "<!doctype html>\n" + snippet(t, "html", "whep.js", server)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(page)) // the browser is judged by what it shows
	}))
	t.Cleanup(elsewhere.Close)
	var got struct{ Width, Height int }
	run(t, "readme.mjs", elsewhere.URL).report(t, &got)
	if got.Width != 1280 || got.Height != 720 {
		t.Errorf("the page plays %dx%d", got.Width, got.Height)
	}
}

// The lines for curl do what the README says of them.
func TestReadmeCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		lack(t, "curl")
	}
	server := start(t, build(t, "1"), "127.0.0.1:0")
	lines := strings.ReplaceAll(snippet(t, "sh", "curl", server), "session/negotiate/testdata", root(t)+"/session/negotiate/testdata")
	c := exec.CommandContext(t.Context(), "bash", "-euc", lines)
	c.Dir = t.TempDir()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"v=0", "a=sendonly", "a=candidate:", "HTTP/1.1 200 OK"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	server.logged(t, `msg="session ended".*reason=deleted`)
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// shell runs lines of the README in a new folder in which bin/weir and the
// recorded offers are, with the state of a server.
func shell(t *testing.T, lines, state string) string {
	t.Helper()
	dir := t.TempDir()
	for name, target := range map[string]string{"session": root(t) + "/session", "bin/weir": build(t, "1")} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", lines)
	c.Dir, c.Env = dir, append(os.Environ(), "WEIR_STATE_DIR="+state)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// The lines that control a server do so, with the token that they read.
func TestReadmeControl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		lack(t, "curl")
	}
	state := t.TempDir()
	server := start(t, build(t, "1"), "127.0.0.1:0", "WEIR_STATE_DIR="+state)
	out := shell(t, snippet(t, "sh", "/api/v1/explain", server), state)
	for _, want := range []string{
		`"name":"lobby"`, `"width":640`, `"sessions":[`, `"status":201`, `"code":"created"`, "HTTP/1.1 204 No Content",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// A token made by the README's lines closes public streams to those without,
// and the last line opens them again, while the server runs.
func TestReadmeTokens(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	server := start(t, build(t, "1"), "127.0.0.1:0", "WEIR_STATE_DIR="+state)
	lines := strings.Split(strings.TrimSpace(snippet(t, "sh", "weir token add", server)), "\n")
	if len(lines) != 3 {
		t.Fatalf("want three lines, one to add, one to change, one to take away: %q", lines)
	}
	out := shell(t, lines[0]+"\n"+lines[1], state)
	if n := strings.Count(out, "weir_"); n != 2 {
		t.Errorf("%d secrets in %d bytes, want 2", n, len(out))
	}
	for _, c := range []struct {
		line string
		want int
	}{{"bin/weir token list", http.StatusUnauthorized}, {lines[2], http.StatusUnsupportedMediaType}} {
		shell(t, c.line, state)
		deadline := time.Now().Add(patience)
		for got := 0; got != c.want; {
			res, err := http.Post(server.base+"/whep/test", "text/plain", strings.NewReader("no offer"))
			if err != nil {
				t.Fatal(err)
			}
			if got = res.StatusCode; got != c.want && time.Now().After(deadline) {
				t.Fatalf("after %q a player without a token gets %d, want %d", c.line, got, c.want)
			}
			_ = res.Body.Close() // nothing of it is read
		}
	}
}

// The lines that start a source start it: of a file that curl has brought, a network camera, another server's stream. A
// push is another server's stream soon, and without a camera the line for one says so.
func TestReadmeSources(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		lack(t, "curl")
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		lack(t, "ffmpeg")
	}
	program := build(t, "0")
	camera, other := newCamera(t, "me", "…"), start(t, program, "127.0.0.1:0", withAdmin)
	inputs := "WEIR_FFMPEG_INPUTS=lavfi,rtsp://camera.lan"
	server := start(t, program, "127.0.0.1:0", withAdmin, "WEIR_MEDIA_DIR="+t.TempDir(), "WEIR_RELAY_HOSTS=127.0.0.1:*",
		strings.Replace(inputs, "camera.lan", camera.addr(), 1))
	// lines are what a block begins with, and its requests.
	lines := func(word string) []string {
		return strings.Split(strings.NewReplacer("camera.lan/live", camera.addr()+"/cam", "https://OTHER", other.base, "OTHERS", adminToken).
			Replace(snippet(t, "sh", word, server)), "curl ")
	}
	request := func(line string) string {
		t.Helper()
		return shell(t, "T='Authorization: Bearer "+adminToken+"'\ncurl "+line, t.TempDir())
	}
	begin := func(s *process, stream string) {
		t.Helper()
		if code := s.control(t, http.MethodPost, "streams/"+stream, `{"source": "clip"}`, nil); code != http.StatusCreated {
			t.Fatalf("%s: status %d", stream, code)
		}
	}
	live := func(s *process, stream string) {
		t.Helper()
		var got struct {
			Live   bool
			Tracks []struct{ Packets int }
		}
		for deadline := time.Now().Add(patience); !got.Live || len(got.Tracks) == 0 || got.Tracks[0].Packets == 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s: %+v", stream, got)
			}
			s.control(t, http.MethodGet, "streams/"+stream, "", &got)
		}
	}

	devices := lines("api/v1/devices")
	if out := request(devices[1]) + request(devices[2]); !strings.Contains(out, `"devices":[`) || !strings.Contains(out, `"source_unavailable"`) {
		t.Errorf("without a camera: %s", out)
	}

	files := lines("WEIR_MEDIA_DIR")
	if !strings.HasPrefix(files[0], "mkdir -p ~/Videos && WEIR_MEDIA_DIR=~/Videos ") {
		t.Errorf("the server is started by %q", files[0])
	}
	request(strings.Replace(files[1], "-T ", "-T "+root(t)+"/", 1))
	request(files[2])
	live(server, "film")

	door := lines("WEIR_FFMPEG_INPUTS")
	if !strings.HasPrefix(door[0], inputs+" ") {
		t.Errorf("the server is started by %q, not with %s", door[0], inputs)
	}
	request(door[1])
	live(server, "door")

	begin(server, "lobby")
	begin(other, "lobby")
	relays := lines("pushes")
	request(relays[1])
	live(server, "copy")
	for s, stream := range map[*process]string{server: "copy", other: "lobby"} {
		if code := s.control(t, http.MethodDelete, "streams/"+stream, "", nil); code != http.StatusNoContent {
			t.Errorf("%s: status %d", stream, code)
		}
	}
	request(relays[2])
	live(other, "lobby")
}
