package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"weir/api"
	"weir/internal/wish"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// resource is a Resource made of a function.
type resource func(w http.ResponseWriter, r *http.Request) error

func (f resource) Serve(w http.ResponseWriter, r *http.Request) error { return f(w, r) }

// echo answers with what it was handed.
func echo(kind string) resource {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, kind+" "+r.Method+" "+r.PathValue("stream")+r.PathValue("secret"))
		return err
	}
}

// record collects log lines.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *record) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *record) lines(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range strings.Lines(l.b.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

func validName(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`).MatchString(name)
}

func newFace(t *testing.T, change func(*api.Options)) (http.Handler, *record) {
	t.Helper()
	log := new(record)
	o := api.Options{
		Logger:    slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		WHEP:      echo("whep"),
		Session:   echo("session"),
		ValidName: validName,
		SessionID: func(secret string) (string, bool) { return "id-of-it", secret == "5ec4e7" },
	}
	if change != nil {
		change(&o)
	}
	h, err := api.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h, log
}

// answer is a response that was read to its end.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
}

func do(h http.Handler, method, target string, fields ...string) answer {
	r := httptest.NewRequest(method, target, http.NoBody)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{StatusCode: w.Code, Header: w.Header(), Body: w.Body.String()}
}

func TestNewWantsItsParts(t *testing.T) {
	whole := api.Options{
		Logger: slog.New(slog.DiscardHandler), WHEP: echo(""), Session: echo(""), ValidName: validName,
	}
	for name, remove := range map[string]func(*api.Options){
		"logger":  func(o *api.Options) { o.Logger = nil },
		"whep":    func(o *api.Options) { o.WHEP = nil },
		"session": func(o *api.Options) { o.Session = nil },
		"names":   func(o *api.Options) { o.ValidName = nil },
	} {
		t.Run(name, func(t *testing.T) {
			o := whole
			remove(&o)
			if h, err := api.New(o); err == nil || h != nil {
				t.Errorf("New = %v, %v; want an error", h, err)
			}
		})
	}
}

func TestResourcesAreHandedEveryMethod(t *testing.T) {
	h, _ := newFace(t, nil)
	for _, method := range []string{
		"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "PROPFIND", "BREW", "get",
	} {
		for target, want := range map[string]string{
			"/whep/test":      "whep " + method + " test",
			"/test/whep":      "whep " + method + " test",
			"/session/5ec4e7": "session " + method + " 5ec4e7",
		} {
			if got := do(h, method, target).Body; got != want {
				t.Errorf("%s %s: %q, want %q", method, target, got, want)
			}
		}
	}
}

func TestRoutes(t *testing.T) {
	h, _ := newFace(t, nil)
	long := strings.Repeat("a", 65)
	for _, c := range []struct {
		method, target string
		status         int
		contentType    string
		contains       string
	}{
		{"GET", "/healthz", 200, "application/json", `{"status":"ok"}`},
		{"HEAD", "/healthz", 200, "application/json", ""},
		{"POST", "/healthz", 405, "application/problem+json", `"method_not_allowed"`},
		{"BREW", "/healthz", 405, "application/problem+json", "BREW"},
		{"OPTIONS", "/healthz", 204, "", ""},
		{"GET", "/watch/test", 200, "text/html; charset=utf-8", "<video"},
		{"GET", "/watch/Nobody-is.here_yet", 200, "text/html; charset=utf-8", "<video"},
		{"POST", "/watch/test", 405, "application/problem+json", ""},
		{"GET", "/watch/-x", 404, "application/problem+json", `"not_found"`},
		{"GET", "/watch/a%2Fb", 404, "application/problem+json", ""},
		{"GET", "/watch/" + long, 404, "application/problem+json", ""},
		{"GET", "/watch/", 404, "application/problem+json", ""},
		{"GET", "/watch", 404, "application/problem+json", ""},
		{"GET", "/watch/test/", 404, "application/problem+json", ""},
		{"GET", "/static/whep.js", 200, "text/javascript; charset=utf-8", "export class WHEPPlayer"},
		{"GET", "/static/watch.css", 200, "text/css; charset=utf-8", "prefers-color-scheme"},
		{"GET", "/static/icon.svg", 200, "image/svg+xml", "<svg"},
		{"GET", "/static/watch.html", 404, "application/problem+json", ""},
		{"GET", "/static/", 404, "application/problem+json", ""},
		{"GET", "/static/../api.go", 404, "application/problem+json", ""},
		{"PUT", "/static/whep.js", 405, "application/problem+json", ""},
		{"GET", "/nothing/at/all", 404, "application/problem+json", ""},
		{"POST", "/", 405, "application/problem+json", ""},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			res := do(h, c.method, c.target)
			body := res.Body
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
			if got := res.Header.Get("Content-Type"); got != c.contentType {
				t.Errorf("type %q, want %q", got, c.contentType)
			}
			if !strings.Contains(body, c.contains) {
				t.Errorf("body %q has no %q", body, c.contains)
			}
			if c.status == http.StatusMethodNotAllowed || c.method == "OPTIONS" {
				if got, want := res.Header.Get("Allow"), "GET, HEAD, OPTIONS"; got != want {
					t.Errorf("Allow %q, want %q", got, want)
				}
			}
		})
	}
}

func TestHome(t *testing.T) {
	for home, want := range map[string]string{"": "/watch/test", "/watch/lobby": "/watch/lobby"} {
		h, _ := newFace(t, func(o *api.Options) { o.Home = home })
		res := do(h, "GET", "/")
		if res.StatusCode != http.StatusTemporaryRedirect || res.Header.Get("Location") != want {
			t.Errorf("home %q: %d to %q, want 307 to %q", home, res.StatusCode, res.Header.Get("Location"), want)
		}
	}
}

func TestNotFoundIsAPageForBrowsers(t *testing.T) {
	h, _ := newFace(t, nil)
	for _, target := range []string{"/nothing", "/watch/-x"} {
		res := do(h, "GET", target, "Accept", "text/html,application/xhtml+xml")
		if res.StatusCode != http.StatusNotFound || !strings.Contains(res.Body, "<h1>") {
			t.Errorf("%s: %d, no page", target, res.StatusCode)
		}
		if res.Header.Get("Vary") != "Accept" {
			t.Errorf("%s: Vary %q", target, res.Header.Get("Vary"))
		}
	}
}

func TestPagesAreProtected(t *testing.T) {
	h, _ := newFace(t, nil)
	for _, target := range []string{"/watch/test", "/nothing"} {
		header := do(h, "GET", target, "Accept", "text/html").Header
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "script-src 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q has no %q", target, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
			t.Errorf("%s: policy %q lets in too much", target, policy)
		}
		if got := header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("%s: X-Content-Type-Options %q", target, got)
		}
		if got := header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", target, got)
		}
	}
}

func TestModuleMayBeImportedByAnybody(t *testing.T) {
	h, _ := newFace(t, nil)
	res := do(h, "GET", "/static/whep.js", "Origin", "https://elsewhere.example")
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
	etag := res.Header.Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	if again := do(h, "GET", "/static/whep.js", "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked whether it changed: %d", again.StatusCode)
	}
	if page := do(h, "GET", "/watch/test"); page.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page may be read by other pages")
	}
}

func TestRequestIDIsOurs(t *testing.T) {
	h, _ := newFace(t, nil)
	seen := make(map[string]bool)
	for range 3 {
		id := do(h, "GET", "/healthz", "X-Request-Id", "forged").Header.Get("X-Request-Id")
		if len(id) != 36 || seen[id] {
			t.Errorf("request id %q", id)
		}
		seen[id] = true
	}
}

func TestRefusalIsWrittenAsItIs(t *testing.T) {
	h, _ := newFace(t, func(o *api.Options) {
		o.WHEP = resource(func(http.ResponseWriter, *http.Request) error {
			return &wish.Refusal{
				Status: 409, Code: "stream_not_live", Detail: "Nobody publishes it.", Headers: map[string]string{"Retry-After": "2"},
			}
		})
	})
	res := do(h, "POST", "/whep/test")
	var got struct{ Code, Detail, Request string }
	if err := json.Unmarshal([]byte(res.Body), &got); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusConflict || res.Header.Get("Retry-After") != "2" || got.Code != "stream_not_live" {
		t.Errorf("%d %v %+v", res.StatusCode, res.Header, got)
	}
	if got.Request != res.Header.Get("X-Request-Id") {
		t.Errorf("request %q in the body, %q in the header", got.Request, res.Header.Get("X-Request-Id"))
	}
}

func TestErrorsDetailsGoToTheLogAlone(t *testing.T) {
	for name, serve := range map[string]resource{
		"error": func(http.ResponseWriter, *http.Request) error { return errors.New("the inner matter") },
		"panic": func(http.ResponseWriter, *http.Request) error { panic("the inner matter") },
	} {
		t.Run(name, func(t *testing.T) {
			h, log := newFace(t, func(o *api.Options) { o.WHEP = serve })
			res := do(h, "POST", "/whep/test")
			body := res.Body
			if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%d %s", res.StatusCode, res.Header.Get("Content-Type"))
			}
			if strings.Contains(body, "inner") {
				t.Errorf("the client reads %q", body)
			}
			line := log.lines(t)[0]
			cause, _ := line["err"].(string)
			if line["level"] != "ERROR" || !strings.Contains(cause, "the inner matter") ||
				line["request"] != res.Header.Get("X-Request-Id") {
				t.Errorf("logged %v", line)
			}
		})
	}
}

func TestPanicInMidAnswerClosesTheConnection(t *testing.T) {
	h, _ := newFace(t, func(o *api.Options) {
		o.WHEP = resource(func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = io.WriteString(w, "half")
			panic("no more")
		})
	})
	defer func() {
		if err, ok := recover().(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("panic was %v", err)
		}
	}()
	do(h, "POST", "/whep/test")
	t.Error("half an answer went out as a whole one")
}

func TestClientThatLeavesIsNoError(t *testing.T) {
	h, log := newFace(t, func(o *api.Options) {
		o.WHEP = resource(func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() })
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, "POST", "/whep/test", http.NoBody))
	if got := log.lines(t)[0]["level"]; got != "INFO" {
		t.Errorf("level %v", got)
	}
}

func TestAccessLog(t *testing.T) {
	made := resource(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Location", "/session/5ec4e7")
		w.WriteHeader(http.StatusCreated)
		_, err := io.WriteString(w, "v=0")
		return err
	})
	refused := resource(func(http.ResponseWriter, *http.Request) error {
		return &wish.Refusal{Status: 422, Code: "no_common_codec"}
	})
	for _, c := range []struct {
		name, method, target string
		whep                 resource
		want                 map[string]any
	}{
		{"made", "POST", "/whep/test?token=hush", made, map[string]any{
			"level": "INFO", "method": "POST", "path": "/whep/:stream", "status": 201.0, "bytes": 3.0, "stream": "test", "session": "id-of-it",
		}},
		{"refused", "POST", "/test/whep", refused, map[string]any{
			"level": "INFO", "method": "POST", "path": "/:stream/whep", "status": 422.0, "stream": "test", "reason": "no_common_codec",
		}},
		{"session", "DELETE", "/session/5ec4e7", made, map[string]any{
			"level": "INFO", "method": "DELETE", "path": "/session/:secret", "status": 200.0, "session": "id-of-it",
		}},
		{"no name", "GET", "/watch/%3Chush%3E", made, map[string]any{
			"level": "INFO", "method": "GET", "path": "/watch/:stream", "status": 404.0, "reason": "not_found",
		}},
		{"monitor", "GET", "/healthz", made, map[string]any{
			"level": "DEBUG", "method": "GET", "path": "/healthz", "status": 200.0,
		}},
		{"odd method", "HUSH", "/", made, map[string]any{
			"level": "INFO", "method": "other", "path": "/", "status": 405.0, "reason": "method_not_allowed",
		}},
		{"nowhere", "GET", "/hush/hush/hush", made, map[string]any{"level": "INFO", "method": "GET", "path": "", "status": 404.0, "reason": "not_found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ended := false
			h, log := newFace(t, func(o *api.Options) {
				o.WHEP = c.whep
				o.Session = resource(func(http.ResponseWriter, *http.Request) error {
					ended = true
					return nil
				})
				o.SessionID = func(secret string) (string, bool) { return "id-of-it", secret == "5ec4e7" && !ended }
			})
			do(h, c.method, c.target, "Referer", "https://hush.example/", "User-Agent", "hush", "Cookie", "hush")
			got := log.lines(t)
			if len(got) != 1 {
				t.Fatalf("%d lines: %v", len(got), got)
			}
			for key := range got[0] {
				_, asked := c.want[key]
				always := key == "method" || key == "path" || key == "status" || key == "level" || key == "stream" || key == "session" || key == "reason"
				if !asked && !always {
					delete(got[0], key)
				}
			}
			if diff := cmp.Diff(c.want, got[0]); diff != "" {
				t.Error(diff)
			}
			for _, secret := range []string{"5ec4e7", "hush", "HUSH"} {
				if strings.Contains(log.b.String(), secret) {
					t.Errorf("%q is in the log: %s", secret, log.b.String())
				}
			}
		})
	}
}

// TestReservedNamesCoverTheRoutes reads the routes from the source: a route whose first segment could be a stream's
// name would take that stream's /{stream}/whep.
func TestReservedNamesCoverTheRoutes(t *testing.T) {
	source, err := os.ReadFile("api.go")
	if err != nil {
		t.Fatal(err)
	}
	reserved := make(map[string]bool)
	for _, name := range api.Reserved() {
		reserved[name] = true
	}
	routes := regexp.MustCompile(`engine\.Any\("/([^:/"]+)`).FindAllStringSubmatch(string(source), -1)
	if len(routes) < 5 {
		t.Fatalf("found %d routes only", len(routes))
	}
	for _, route := range routes {
		if !reserved[route[1]] {
			t.Errorf("a stream may be named %q", route[1])
		}
	}
}
