//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

const (
	newUfrag = "restarted"
	newPwd   = "restartedrestartedrestarted"
)

// restartOf is a restart fragment for a session that nobody plays.
func restartOf(m Made) string {
	fragment := m.frag()
	fragment = strings.ReplaceAll(fragment, webrtctest.Value(fragment, "a=ice-ufrag:"), newUfrag)
	return strings.ReplaceAll(fragment, webrtctest.Value(fragment, "a=ice-pwd:"), newPwd)
}

// Section 4 of the rules: ICE restart by PATCH.
func restartRules() map[string]Check {
	return map[string]Check{
		"xx-58": func(t *testing.T, s *Server) {
			m := s.Make(t)
			reply := s.patch(t, m.URL, restartOf(m), "*")
			WantStatus(t, reply, http.StatusOK)
			if reply.MediaType() != fragmentType {
				t.Errorf("the reply is of type %q", reply.MediaType())
			}
			for prefix, least := range map[string]int{"a=ice-ufrag:": 4, "a=ice-pwd:": 22} {
				if got := webrtctest.Value(reply.Body, prefix); len(got) < least || got == webrtctest.Value(m.Body, prefix) {
					t.Errorf("%s of %d characters, or that of the answer", prefix, len(got))
				}
			}
			if len(webrtctest.Values(reply.Body, "a=candidate:")) == 0 {
				t.Error("the reply has no candidates")
			}
		},
		"xx-59": func(t *testing.T, s *Server) {
			m := s.Make(t)
			reply := s.patch(t, m.URL, restartOf(m), "*")
			WantStatus(t, reply, http.StatusOK)
			if etag := reply.Header.Get("ETag"); len(etag) < 3 || etag[0] != '"' || etag == m.ETag {
				t.Errorf("ETag is %s after %s", etag, m.ETag)
			}
		},
		"xx-60": func(t *testing.T, s *Server) {
			m := s.Make(t)
			reply := s.patch(t, m.URL, restartOf(m), "*")
			WantStatus(t, reply, http.StatusOK)
			WantStatus(t, s.patch(t, m.URL, restartOf(m), m.ETag), http.StatusPreconditionFailed)
			// A reply that was lost can be asked for again.
			again := s.patch(t, m.URL, restartOf(m), "*")
			WantStatus(t, again, http.StatusOK)
			if again.Body != reply.Body || again.Header.Get("ETag") != reply.Header.Get("ETag") {
				t.Errorf("the same restart again is answered otherwise:\n%s%s", reply.Body, again.Body)
			}
		},
		"xx-61": func(t *testing.T, s *Server) {
			m := s.Make(t)
			reply := s.patch(t, m.URL, restartOf(m), "*")
			WantStatus(t, reply, http.StatusOK)
			for _, prefix := range []string{"a=ice-lite", "a=ice-options:", "a=ice-pacing:"} {
				if got, want := webrtctest.Values(reply.Body, prefix), slices.Compact(webrtctest.Values(m.Body, prefix)); !slices.Equal(got, want) {
					t.Errorf("%s is %q, in the answer %q", prefix, got, want)
				}
			}
		},
		"xx-62": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{})
			before := p.Line()
			path, _ := p.Path()
			if _, err := p.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			webrtctest.Until(t, 2*time.Second, func() string {
				if now, _ := p.Path(); now == "" || now == path {
					return "a new way to the server, after " + path
				}
				return ""
			})
			p.More(t)
			p.Complete(t)
			if after := p.Line(); after != before {
				t.Errorf("SSRC %d after %d", after, before)
			}
			if sessions := s.Do(t, "GET", p.Session(), ""); sessions.Status != http.StatusNoContent {
				t.Errorf("the session is gone: %d", sessions.Status)
			}
		},
		"WHEP-63": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{})
			WantRefused(t, s.patch(t, p.Session(), "m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=ice-ufrag:ab\r\na=ice-pwd:short\r\n", "*"))
			p.More(t)
			WantStatus(t, s.patch(t, p.Session(), webrtctest.Fragment(p.Local()), p.ETag()), http.StatusNoContent)
		},
		"xx-106": func(t *testing.T, s *Server) {
			consentEnds(t, s, func(s *Server, p *Party) {
				reply := s.patch(t, p.Session(), restartOf(Made{Offer: p.Offer()}), "*")
				WantStatus(t, reply, http.StatusOK)
			})
		},
		"xx-107": overlappingPatches,
	}
}

// overlappingPatches sends candidates of the first ICE session and one restart
// at the same time: what comes after the restart must fail.
func overlappingPatches(t *testing.T, s *Server) {
	m := s.Make(t)
	const clients = 8
	type result struct{ began, ended, status int }
	var (
		mu      sync.Mutex
		clock   int // of requests and replies
		results []result
		wg      sync.WaitGroup
	)
	tick := func() int {
		mu.Lock()
		defer mu.Unlock()
		clock++
		return clock
	}
	patch := func(fragment, ifMatch string) result {
		began := tick()
		reply, err := s.Client.Do(t.Context(), "PATCH", m.URL, fragment, "Content-Type", fragmentType, "If-Match", ifMatch)
		if err != nil {
			t.Errorf("patch: %v", err)
			return result{}
		}
		return result{began: began, ended: tick(), status: reply.Status}
	}
	for range clients {
		wg.Go(func() {
			for range 5 {
				r := patch(m.frag(), m.ETag)
				mu.Lock()
				results = append(results, r)
				mu.Unlock()
			}
		})
	}
	restart := patch(restartOf(m), m.ETag)
	wg.Wait()
	results = append(results, patch(m.frag(), m.ETag))
	if restart.status != http.StatusOK {
		t.Fatalf("the restart was answered with %d", restart.status)
	}
	for _, r := range results {
		switch {
		case r.status != http.StatusNoContent && r.status != http.StatusPreconditionFailed:
			t.Errorf("a PATCH was answered with %d", r.status)
		case r.began > restart.ended && r.status != http.StatusPreconditionFailed:
			t.Errorf("a PATCH with the old entity-tag after the restart was answered with %d", r.status)
		case r.ended < restart.began && r.status != http.StatusNoContent:
			t.Errorf("a PATCH before the restart was answered with %d", r.status)
		}
	}
}

// consentEnds plays, does what before says, vanishes, and wants the session to
// end in time: by default 30 s after the last sign (RFC 7675 5.1), with -short a
// tenth of that.
func consentEnds(t *testing.T, shared *Server, before func(s *Server, p *Party)) {
	t.Helper()
	s, limit := shared, 35*time.Second
	if testing.Short() {
		limit = 6 * time.Second
		s = shared.New(t, Setup{Consent: 3 * time.Second})
	}
	p := s.opened(t, Way{})
	if before != nil {
		before(s, p)
	}
	p.Vanish()
	webrtctest.Until(t, limit, func() string {
		if status := s.patch(t, p.Session(), webrtctest.Fragment(p.Local()), p.ETag()).Status; status != http.StatusNotFound {
			return http.StatusText(http.StatusNotFound) + ", the session still answers a PATCH"
		}
		return ""
	})
}
