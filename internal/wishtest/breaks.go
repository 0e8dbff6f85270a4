package wishtest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Breaker puts something around a server that breaks one rule.
type Breaker = func(http.Handler) http.Handler

// A reply is what a Breaker may change before it is sent.
type reply struct {
	status int
	header http.Header
	body   string
}

type matcher func(r *http.Request) bool

// to matches a method at endpoints or at sessions.
func to(method, place string) matcher {
	return func(r *http.Request) bool {
		return r.Method == method && strings.HasPrefix(r.URL.Path, "/session/") == (place == "session")
	}
}

// change changes the replies to some requests.
func change(match matcher, f func(r *http.Request, p *reply)) Breaker {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !match(r) {
				next.ServeHTTP(w, r)
				return
			}
			kept, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(kept))
			recorder := httptest.NewRecorder()
			next.ServeHTTP(recorder, r)
			p := &reply{status: recorder.Code, header: recorder.Header(), body: recorder.Body.String()}
			r.Body = io.NopCloser(bytes.NewReader(kept))
			f(r, p)
			maps.Copy(w.Header(), p.header)
			w.WriteHeader(p.status)
			if p.status != http.StatusNoContent {
				_, _ = io.WriteString(w, p.body)
			}
		})
	}
}

// prepare changes some requests before they are served; false serves them not at
// all but answers 200.
func prepare(match matcher, f func(r *http.Request) bool) Breaker {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if match(r) && !f(r) {
				w.WriteHeader(http.StatusOK)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// status answers some requests with another status.
func status(match matcher, code int) Breaker {
	return change(match, func(_ *http.Request, p *reply) { p.status = code })
}

// statusOf does so only with replies of one status.
func statusOf(match matcher, from, code int) Breaker {
	return change(match, func(_ *http.Request, p *reply) {
		if p.status == from {
			p.status = code
		}
	})
}

// answer changes the SDP answers.
func answer(f func(sdp string) string) Breaker {
	return change(to("POST", "endpoint"), func(_ *http.Request, p *reply) {
		if p.status == http.StatusCreated {
			p.body = f(p.body)
		}
	})
}

func answerSwap(from, with string) Breaker {
	return answer(func(sdp string) string { return strings.ReplaceAll(sdp, from, with) })
}

func answerMatch(pattern, with string) Breaker {
	form := regexp.MustCompile(pattern)
	return answer(func(sdp string) string { return form.ReplaceAllString(sdp, with) })
}

// header sets a field of all replies to some requests, "" removes it.
func header(match matcher, name, value string) Breaker {
	return change(match, func(_ *http.Request, p *reply) {
		p.header.Del(name)
		if value != "" {
			p.header.Set(name, value)
		}
	})
}

// restarted changes the replies to restarts.
func restarted(f func(r *http.Request, p *reply)) Breaker {
	return change(to("PATCH", "session"), func(r *http.Request, p *reply) {
		if p.status == http.StatusOK {
			f(r, p)
		}
	})
}

// anyTag makes a server that asks for no entity-tag.
func anyTag(r *http.Request) bool {
	r.Header.Set("If-Match", "*")
	return true
}

// Unbroken stands where an id could: the server works as the broken ones do, but
// nothing is changed.
const Unbroken = "unbroken"

// Break puts the breaker of a rule around a server, one of others or of Breaks.
// It fails the test where there is none.
func Break(t *testing.T, id string, server http.Handler, others map[string]Breaker) http.Handler {
	t.Helper()
	switch id {
	case "":
		return server
	case Unbroken:
		return change(func(*http.Request) bool { return true }, func(*http.Request, *reply) {})(server)
	}
	b, ok := others[id]
	if !ok {
		b, ok = Breaks()[id]
	}
	if !ok {
		t.Fatalf("nothing breaks %s", id)
	}
	return b(server)
}

// Breaks are the breakers of Rules, by the id of the rule that each breaks.
func Breaks() map[string]Breaker {
	all := map[string]Breaker{}
	for _, section := range []map[string]Breaker{breakCreate(), breakAnswer(), breakPatch(), breakEnd(), breakAccess(), breakSafety()} {
		maps.Copy(all, section)
	}
	return all
}

func breakCreate() map[string]Breaker {
	post := to("POST", "endpoint")
	return map[string]Breaker{
		"xx-01": statusOf(post, 201, 200),
		"xx-02": header(post, "Content-Type", "text/plain"),
		"xx-03": header(post, "Location", ""),
		"xx-04": answerMatch(`a=mid:1\r\n`, "a=mid:7\r\n"),
		"xx-05": prepare(post, func(r *http.Request) bool { r.Header.Set("Content-Type", sdpType); return true }),
		"xx-06": statusOf(post, 415, 400),
		"xx-07": statusOf(post, 400, 500),
		"xx-21": status(post, 302),
		"xx-08": status(to("GET", "endpoint"), 405),
		"xx-10": status(to("OPTIONS", "endpoint"), 401),
		"xx-11": header(to("OPTIONS", "endpoint"), "Access-Control-Allow-Headers", "*"),
		"xx-14": header(to("OPTIONS", "session"), "Access-Control-Allow-Headers", "content-type"),
		"xx-15": header(to("PUT", "endpoint"), "Allow", ""),
		"xx-18": change(to("POST", "endpoint"), func(_ *http.Request, p *reply) {
			for i, link := range p.header["Link"] {
				p.header["Link"][i] = strings.Replace(link, `; username="user"`, "", 1)
			}
		}),
	}
}

func breakAnswer() map[string]Breaker {
	return map[string]Breaker{
		"xx-31": answerMatch(`a=group:BUNDLE 0 1`, "a=group:BUNDLE 0"),
		"xx-32": answerSwap("a=rtcp-mux\r\n", ""),
		"xx-34": answerMatch(`a=setup:\w+`, "a=setup:actpass"),
		"xx-35": answerMatch(`a=ice-ufrag:...\S*`, "a=ice-ufrag:abc"),
		"xx-36": answerMatch(`a=candidate:.*\r\n`, ""),
		"xx-39": answerMatch(`(m=video .*)\r\n`, "$1 127\r\n"),
		"xx-104": answer(func(sdp string) string {
			return regexp.MustCompile(`(?s)(m=.*m=\w+) \d+ `).ReplaceAllString(sdp, "$1 0 ")
		}),
	}
}

func breakPatch() map[string]Breaker {
	patch := to("PATCH", "session")
	return map[string]Breaker{
		"xx-50": prepare(patch, func(r *http.Request) bool { r.Header.Set("Content-Type", fragmentType); return true }),
		"xx-51": header(patch, "Accept-Patch", ""),
		"xx-52": statusOf(patch, 400, 204),
		"xx-53": change(to("POST", "endpoint"), func(_ *http.Request, p *reply) {
			p.header.Set("ETag", "W/"+p.header.Get("ETag"))
		}),
		"xx-54":   header(patch, "ETag", `"one"`),
		"xx-55":   prepare(patch, anyTag),
		"xx-56":   prepare(patch, anyTag),
		"xx-57":   refuseFragment("tcptype", 400),
		"WHEP-81": status(patch, 422),
		"xx-68":   statusOf(patch, 422, 204),
		"xx-105":  refuseFragment("nonsense", 400),
		"xx-58":   restarted(func(_ *http.Request, p *reply) { p.status, p.body = 204, "" }),
		"xx-59":   restarted(func(_ *http.Request, p *reply) { p.header.Set("ETag", "W/"+p.header.Get("ETag")) }),
		"xx-60":   prepare(patch, anyTag),
		"xx-61": restarted(func(_ *http.Request, p *reply) {
			p.body = regexp.MustCompile(`a=ice-options:.*\r\n`).ReplaceAllString(p.body, "a=ice-lite\r\n")
		}),
		"xx-62": restarted(func(_ *http.Request, p *reply) {
			p.body = regexp.MustCompile(`a=ice-pwd:\S+`).ReplaceAllString(p.body, "a=ice-pwd:wrongwrongwrongwrongwrong")
		}),
		"WHEP-63": statusOf(patch, 422, 200),
		"xx-106":  statusOf(patch, 404, 204),
		"xx-107":  prepare(patch, anyTag),
	}
}

// refuseFragment refuses fragments with some word in them.
func refuseFragment(word string, code int) Breaker {
	return change(to("PATCH", "session"), func(r *http.Request, p *reply) {
		if body, err := io.ReadAll(r.Body); err == nil && strings.Contains(string(body), word) {
			p.status, p.body = code, ""
		}
	})
}

func breakEnd() map[string]Breaker {
	del := to("DELETE", "session")
	return map[string]Breaker{
		"xx-70": prepare(del, func(*http.Request) bool { return false }),
		"xx-72": change(del, func(r *http.Request, p *reply) {
			if r.Header.Get("If-Match") != "" {
				p.status = 412
			}
		}),
		"xx-73":   prepare(del, func(*http.Request) bool { return false }),
		"xx-75":   statusOf(del, 404, 200),
		"xx-76":   status(to("GET", "session"), 405),
		"WHEP-78": endAll,
		"WHEP-79": statusOf(to("PATCH", "session"), 404, 204),
	}
}

// endAll ends all sessions when one is ended.
func endAll(next http.Handler) http.Handler {
	var (
		mu       sync.Mutex
		sessions []string
	)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		mu.Lock()
		defer mu.Unlock()
		if location := w.Header().Get("Location"); location != "" {
			sessions = append(sessions, location)
		}
		if r.Method == http.MethodDelete {
			for _, session := range sessions {
				again := r.Clone(r.Context())
				again.URL.Path, again.RequestURI = session, session
				next.ServeHTTP(httptest.NewRecorder(), again)
			}
		}
	})
}

func breakSafety() map[string]Breaker {
	post, patch, del := to("POST", "endpoint"), to("PATCH", "session"), to("DELETE", "session")
	all := map[string]Breaker{
		"BAD-08": refuseFragment(newUfrag, 500),
		"BAD-09": statusOf(patch, 404, 204),
		"BAD-10": statusOf(del, 404, 200),
		"BAD-11": status(to("PUT", "session"), 200),
		"BAD-12": statusOf(patch, 413, 500),
		"BAD-13": change(post, func(_ *http.Request, p *reply) {
			if p.status == 413 {
				p.status = 500
			}
		}),
		"BAD-14": statusOf(post, 400, 503), // without Retry-After
		"xx-115": change(func(*http.Request) bool { return true }, func(_ *http.Request, p *reply) {
			if p.status == 429 {
				p.status = 404
			}
		}),
		"BAD-16": change(post, func(_ *http.Request, p *reply) {
			if p.status == 400 || p.status == 422 {
				p.status = 201
			}
		}),
		"BAD-17": statusOf(patch, 422, 500),
	}
	for _, n := range []int{1, 3, 4, 5, 6, 15} {
		all["BAD-"+strconv.Itoa(100 + n)[1:]] = change(post, func(_ *http.Request, p *reply) {
			if p.status == 400 || p.status == 422 {
				p.status = 500
			}
		})
	}
	all["BAD-02"] = statusOf(post, 413, 500)
	all["BAD-07"] = statusOf(post, 415, 500)
	return all
}

// Merge joins maps of checks or breakers; later ones win.
func Merge[V any](several ...map[string]V) map[string]V {
	all := map[string]V{}
	for _, m := range several {
		maps.Copy(all, m)
	}
	return all
}

// Answered breaks a rule by changing the answers that a server gives.
func Answered(f func(sdp string) string) Breaker { return answer(f) }

// Refused breaks a rule by refusing POSTs with another status.
func Refused(from, code int) Breaker { return statusOf(to("POST", "endpoint"), from, code) }

// Looked breaks a rule by answering a method at the endpoint with another
// status.
func Looked(method string, code int) Breaker { return status(to(method, "endpoint"), code) }

// NotEnded breaks a rule by ending no session.
func NotEnded() Breaker {
	return prepare(to("DELETE", "session"), func(*http.Request) bool { return false })
}
