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
