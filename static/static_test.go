package static_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"weir/static"
)

func TestParts(t *testing.T) {
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"whep.js": true, "watch.js": true, "watch.css": true, "icon.svg": true, "vendor/uplot.js": true, "vendor/uplot.css": true,
		"watch.html": false, "notfound.html": false, "": false, "files": false, "../static.go": false, "uplot.js": false,
		"vendor": false, "vendor/": false, "files/whep.js": false, "vendor/../whep.js": false,
	} {
		if got := files.Part(name); got != want {
			t.Errorf("Part(%q) = %v", name, got)
		}
	}
}

func TestServe(t *testing.T) {
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	serve := func(method, name string, status int) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		if err := files.Serve(w, httptest.NewRequest(method, "/", http.NoBody), name, status); err != nil {
			t.Fatal(err)
		}
		return w
	}
	if w := serve("GET", "notfound.html", 404); w.Code != 404 || w.Body.Len() == 0 || w.Header().Get("ETag") != "" {
		t.Errorf("a page with a status: %d, %d bytes, ETag %q", w.Code, w.Body.Len(), w.Header().Get("ETag"))
	}
	if w := serve("HEAD", "notfound.html", 404); w.Code != 404 || w.Body.Len() != 0 {
		t.Errorf("HEAD: %d, %d bytes", w.Code, w.Body.Len())
	}
	one, other := serve("GET", "whep.js", 200), serve("GET", "watch.js", 200)
	if one.Header().Get("ETag") == other.Header().Get("ETag") || one.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("ETags %q and %q, Cache-Control %q", one.Header().Get("ETag"), other.Header().Get("ETag"), one.Header().Get("Cache-Control"))
	}
	err = files.Serve(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody), "no.js", 200)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is none: %v", err)
	}
}

// The pages' policy takes nothing inline and nothing from elsewhere; a browser would only say so in its console.
func TestPagesNeedNothingFromOutside(t *testing.T) {
	files, err := static.New()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir("files")
	if err != nil {
		t.Fatal(err)
	}
	address := regexp.MustCompile(`(?i)(?:src|href|url|from|import)\s*[=(]?\s*["'(]?\s*(?:https?:)?//[^\s"')]*`)
	inline := regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|javascript:|<script(?:\s+type="module")?\s*>|eval\(|innerHTML|insertAdjacentHTML|document\.write`)
	part := regexp.MustCompile(`"/static/([^"]+)"`)
	for _, entry := range entries {
		content, err := os.ReadFile("files/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		text := withoutComments(string(content))
		if found := address.FindString(text); found != "" {
			t.Errorf("%s needs %q", entry.Name(), found)
		}
		if found := inline.FindString(text); found != "" {
			t.Errorf("%s has %q", entry.Name(), found)
		}
		for _, match := range part.FindAllStringSubmatch(text, -1) {
			if !files.Part(match[1]) {
				t.Errorf("%s: there is no %s", entry.Name(), match[1])
			}
		}
	}
}

func withoutComments(s string) string {
	s = regexp.MustCompile(`(?s)/\*.*?\*/|<!--.*?-->`).ReplaceAllString(s, "")
	var kept []string
	for line := range strings.Lines(s) {
		if !strings.HasPrefix(strings.TrimSpace(line), "//") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
