package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"weir/api"
	"weir/internal/wish"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNewWantsItsParts(t *testing.T) {
	var whole api.Options
	newFace(t, func(o *api.Options) { whole = *o })
	for name, remove := range map[string]func(*api.Options){
		"logger":   func(o *api.Options) { o.Logger = nil },
		"whep":     func(o *api.Options) { o.WHEP = nil },
		"whip":     func(o *api.Options) { o.WHIP = nil },
		"session":  func(o *api.Options) { o.Session = nil },
		"names":    func(o *api.Options) { o.ValidName = nil },
		"sources":  func(o *api.Options) { o.Sources = nil },
		"streams":  func(o *api.Options) { o.Streams = nil },
		"sessions": func(o *api.Options) { o.Sessions = nil },
		"events":   func(o *api.Options) { o.Events = nil },
		"access":   func(o *api.Options) { o.Access = nil },
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
			if got := undescribed(h, method, target).Body; got != want {
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
		{"GET", "/static/vendor/uplot.css", 200, "text/css; charset=utf-8", "uplot"},
		{"GET", "/static/vendor", 404, "application/problem+json", ""},
		{"GET", "/static/vendor/", 404, "application/problem+json", ""},
		{"GET", "/static/vendor/../watch.css", 404, "application/problem+json", ""},
		{"GET", "/static//watch.css", 404, "application/problem+json", ""},
		{"GET", "/static/base.css", 200, "text/css; charset=utf-8", "prefers-color-scheme"},
		{"GET", "/static/icon.svg", 200, "image/svg+xml", "<svg"},
		{"GET", "/static/watch.html", 404, "application/problem+json", ""},
		{"GET", "/static/", 404, "application/problem+json", ""},
		{"GET", "/static/../api.go", 404, "application/problem+json", ""},
		{"PUT", "/static/whep.js", 405, "application/problem+json", ""},
		{"GET", "/nothing/at/all", 404, "application/problem+json", ""},
		{"POST", "/", 405, "application/problem+json", ""},
		{"GET", "/", 200, "text/html; charset=utf-8", "<html"},
		{"GET", "/streams", 200, "text/html; charset=utf-8", "<html"},
		{"GET", "/docs", 200, "text/html; charset=utf-8", "swagger-ui"},
		{"GET", "/redoc", 200, "text/html; charset=utf-8", "redoc"},
		{"GET", "/embed/test", 200, "text/html; charset=utf-8", "<video"},
		{"GET", "/embed/docs", 404, "application/problem+json", ""},
		{"GET", "/readyz", 200, "application/json", `{"status":"ready"}`},
		{"GET", "/api/v1/version", 200, "application/json", `"encoders":[]`},
		{"HEAD", "/api/v1/version", 200, "application/json", ""},
		{"GET", "/api/v1", 404, "application/problem+json", ""},
		{"GET", "/api/v1/streams/", 404, "application/problem+json", ""},
	} {
		t.Run(c.method+" "+c.target, func(t *testing.T) {
			res := do(t, h, c.method, c.target)
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

func TestNotFoundIsAPageForBrowsers(t *testing.T) {
	h, _ := newFace(t, nil)
	for _, target := range []string{"/nothing", "/watch/-x"} {
		res := do(t, h, "GET", target, "Accept", "text/html,application/xhtml+xml")
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
	for _, target := range []string{"/", "/streams", "/watch/test", "/embed/test", "/publish/test", "/nothing"} {
		header := do(t, h, "GET", target, "Accept", "text/html").Header
		policy := header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'; ", "; base-uri 'none'; ", "; script-src 'self'; ", "; style-src 'self'; ", "; connect-src 'self'; "} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: policy %q has no %q", target, policy, want)
			}
		}
		if framed := strings.HasSuffix(policy, "; frame-ancestors *"); framed != (target == "/embed/test") ||
			!framed && !strings.HasSuffix(policy, "; frame-ancestors 'none'") {
			t.Errorf("%s: policy %q: who may frame it?", target, policy)
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
		if devices := strings.Contains(header.Get("Permissions-Policy"), "camera=(self)"); devices != (target == "/publish/test") {
			t.Errorf("%s: Permissions-Policy %q", target, header.Get("Permissions-Policy"))
		}
	}
}

func TestModuleMayBeImportedByAnybody(t *testing.T) {
	h, _ := newFace(t, nil)
	res := do(t, h, "GET", "/static/whep.js", "Origin", "https://elsewhere.example")
	if got := res.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("Access-Control-Allow-Origin %q", got)
	}
	etag := res.Header.Get("ETag")
	if etag == "" {
		t.Fatal("no ETag")
	}
	if again := do(t, h, "GET", "/static/whep.js", "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked whether it changed: %d", again.StatusCode)
	}
	if page := do(t, h, "GET", "/watch/test"); page.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("a page may be read by other pages")
	}
}

func TestRequestIDIsOurs(t *testing.T) {
	h, _ := newFace(t, nil)
	seen := make(map[string]bool)
	for range 3 {
		id := do(t, h, "GET", "/healthz", "X-Request-Id", "forged").Header.Get("X-Request-Id")
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
	res := undescribed(h, "POST", "/whep/test")
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
			res := undescribed(h, "POST", "/whep/test")
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
	undescribed(h, "POST", "/whep/test")
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
			undescribed(h, c.method, c.target, "Referer", "https://hush.example/", "User-Agent", "hush", "Cookie", "hush")
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

// A route whose first segment could be a stream's name would take that stream's /{stream}/whep.
func TestReservedNamesCoverTheRoutes(t *testing.T) {
	routes := api.AllRoutes()
	if len(routes) < 30 {
		t.Fatalf("found %d routes only", len(routes))
	}
	for _, route := range routes {
		first, _, _ := strings.Cut(strings.TrimPrefix(route.Pattern, "/"), "/")
		if first != "" && first[0] != ':' && !slices.Contains(api.Reserved(), first) {
			t.Errorf("a stream may be named %q", first)
		}
	}
}
