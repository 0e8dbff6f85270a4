package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/relay"
)

// hostile serves a WHEP endpoint that does what it should not.
func hostile(t *testing.T, handler http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Start()
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

// failsFor waits until a pull from a server has failed for a reason.
func failsFor(t *testing.T, n *node, url, reason string) {
	t.Helper()
	n.pull(t, "copy", url, "a-token-nobody-else-may-see")
	n.reason(t, "copy", reason)
	if err := n.sources.Stop(t.Context(), "copy"); err != nil {
		t.Error(err)
	}
	if strings.Contains(n.logs.String(), "a-token-nobody-else-may-see") {
		t.Error("the token is logged")
	}
}

func sdp(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", "/session/1")
	w.WriteHeader(http.StatusCreated)
}

func TestHostileServers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve  http.HandlerFunc
		reason string
	}{
		"endless body": {func(w http.ResponseWriter, r *http.Request) {
			sdp(w)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "too long"},
		"endless refusal": {func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat("secret ", 1<<16)); err != nil {
					return
				}
			}
		}, "no room at present (503)"},
		"long header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("a", 1<<20))
			sdp(w)
		}, "cannot be reached, or breaks off"},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) {
			sdp(w)
			_, _ = io.WriteString(w, "v=0\r\n\x00\xff garbage")
		}, "the answer cannot be used: sdp_malformed"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusCreated)
		}, "no session description"},
		"200": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, "answers 200"},
		"no Location": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/sdp")
			w.WriteHeader(http.StatusCreated)
		}, "no address of the session"},
		"Location elsewhere": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/sdp")
			w.Header().Set("Location", "http://169.254.169.254/latest/meta-data/")
			w.WriteHeader(http.StatusCreated)
		}, "no address of the session, or one that is not allowed"},
		"counter-offer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/sdp")
			w.WriteHeader(http.StatusNotAcceptable)
			_, _ = io.WriteString(w, "v=0\r\n")
		}, "makes one of its own, which is not supported (406)"},
		"redirect loop": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		}, "redirects without an end"},
		"redirect to loopback": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.2:1/whep/x", http.StatusTemporaryRedirect)
		}, "not allowed"},
		"redirect to metadata": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
		}, "not allowed"},
		"redirect to a file": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "not allowed"},
		"redirect that makes a GET": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
		}, "answers 303"},
		"breaks off": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "breaks off"},
		"lies about a problem": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"code":"<script>alert(1)</script>"}`)
		}, "not published at present, or by another (409)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t, nodeOptions{})
			url := hostile(t, c.serve)
			failsFor(t, n, url+"/whep/x", c.reason)
			if text := n.logs.String(); strings.Contains(text, "<script") || strings.Contains(text, "secret ") {
				t.Error("what the server writes is repeated")
			}
		})
	}
}

// A slow server holds nothing up: the source can be stopped at once.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	n := newNode(t, nodeOptions{})
	var asked atomic.Bool
	url := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		sdp(w)
		for {
			if _, err := io.WriteString(w, "v"); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			asked.Store(true)
			select {
			case <-r.Context().Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	n.pull(t, "copy", url+"/whep/x", "")
	webrtctest.Until(t, soon, func() string {
		if !asked.Load() {
			return "a request"
		}
		return ""
	})
	began := time.Now()
	if err := n.sources.Stop(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	webrtctest.InTime(t, "the stop", time.Since(began), time.Second)
}

// The token goes to the server that it was given for, and to no other.
func TestTokenStays(t *testing.T) {
	t.Parallel()
	origin, edge := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
	origin.feed(t, "live")
	var first atomic.Pointer[string]
	url := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		got := r.Header.Get("Authorization")
		first.Store(&got)
		http.Redirect(w, r, origin.whep("live"), http.StatusTemporaryRedirect)
	})
	edge.pull(t, "copy", url+"/whep/x", "a-token-for-the-first")
	player := edge.play(t, "copy")
	comes(t, player, 20)
	if got := first.Load(); got == nil || *got != "Bearer a-token-for-the-first" {
		t.Errorf("the first got %v", got)
	}
	if err := edge.sources.Stop(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	for _, request := range origin.requests("") {
		if strings.Contains(request, "a-token") {
			t.Errorf("the second got %s", request)
		}
	}
	if len(origin.requests("DELETE")) != 1 {
		t.Error("the session at the second was not deleted")
	}
}

// names answers each question for an address with the next of a list, so that a
// name is public when it is looked at and loopback when it is dialled.
func names(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for i := 0; ; {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			const header, typeAndClass = 12, 4
			end := header + bytes.IndexByte(b[header:n], 0) + 1 + typeAndClass // of the one question
			if end > n {
				continue
			}
			reply := slices.Clone(b[:end])
			copy(reply[2:header], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) // an answer, of one question and nothing
			if reply[end-3] == 1 {                                            // it is for an IPv4 address
				addr := netip.MustParseAddr(answers[min(i, len(answers)-1)]).As4()
				reply[7] = 1
				reply = append(append(reply, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), addr[:]...)
				i++
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	address := conn.LocalAddr().String()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address)
	}}
}

// A name that is allowed and stands for loopback is not, whatever it stood for
// before.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url := hostile(t, func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusTeapot) })
	_, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	for name, answers := range map[string][]string{
		"at once":   {"127.0.0.1"},
		"later":     {"93.184.216.34", "127.0.0.1"},
		"metadata":  {"93.184.216.34", "169.254.169.254"},
		"a private": {"10.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			resolver := names(t, answers...)
			n := newNode(t, nodeOptions{hosts: []string{"rebound.example.org:*"}, change: func(o *relay.Options) { *o = o.WithResolver(resolver) }})
			failsFor(t, n, fmt.Sprintf("http://rebound.example.org:%s/whep/x", port), "address of this machine or of a private network")
		})
	}
	if asked.Load() > 0 {
		t.Error("the server was asked")
	}
	resolver := names(t, "127.0.0.1")
	n := newNode(t, nodeOptions{hosts: []string{"rebound.example.org:*", "127.0.0.1:*"}, change: func(o *relay.Options) { *o = o.WithResolver(resolver) }})
	failsFor(t, n, fmt.Sprintf("http://rebound.example.org:%s/whep/x", port), "418")
}

// The environment's proxy is not asked.
func TestNoProxy(t *testing.T) {
	var asked atomic.Int32
	proxy := hostile(t, func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusTeapot) })
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	n := newNode(t, nodeOptions{hosts: []string{"192.0.2.77:9"}})
	n.pull(t, "copy", "http://192.0.2.77:9/whep/x", "")
	if err := n.sources.Stop(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	if asked.Load() > 0 {
		t.Error("the proxy was asked")
	}
}

// A server that refuses and breaks off for as long as it is asked leaves nothing
// behind.
func TestNothingIsLeft(t *testing.T) {
	n := newNode(t, nodeOptions{})
	url := hostile(t, func(w http.ResponseWriter, _ *http.Request) { sdp(w); _, _ = io.WriteString(w, "v=0\r\n") })
	before := 0
	for i := range 20 {
		failsFor(t, n, url+"/whep/x", "sdp_malformed")
		if i == 4 {
			before = runtime.NumGoroutine()
		}
	}
	webrtctest.Until(t, soon, func() string {
		if after := runtime.NumGoroutine(); after > before+5 {
			return fmt.Sprintf("the end of %d goroutines", after-before)
		}
		return ""
	})
	if sessions := n.sessions.Sessions(); len(sessions) != 0 {
		t.Errorf("%d sessions are left", len(sessions))
	}
}

// A server that holds what is asked for, until its streams are live, holds up nothing
// else that is asked of it.
func TestHeldPulls(t *testing.T) {
	t.Parallel()
	const pulls = 70
	var held atomic.Int64
	all := make(chan struct{}, 1)
	url := hostile(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if held.Add(1) == pulls {
			all <- struct{}{}
		}
		<-r.Context().Done()
		held.Add(-1)
	})
	n := newNode(t, nodeOptions{})
	for i := range pulls {
		n.pull(t, fmt.Sprint("held", i), url+"/whep/"+fmt.Sprint(i), "")
	}
	select {
	case <-all:
	case <-time.After(time.Minute):
		t.Fatalf("%d of %d are held", held.Load(), pulls)
	}
}
