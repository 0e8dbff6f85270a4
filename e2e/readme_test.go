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
	for block := range strings.SplitSeq(string(text), "\n```"+language+"\n") {
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
	if _, err := exec.LookPath("curl"); err != nil {
		lack(t, "curl")
	}
	server := start(t, build(t, "1"), "127.0.0.1:0")
	lines := strings.ReplaceAll(snippet(t, "sh", "curl", server), "session/testdata", root(t)+"/session/testdata")
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
		deadline := time.Now().Add(10 * time.Second)
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
