//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
)

// Section 5 of the rules: ending a session.
func endRules() map[string]Check {
	return map[string]Check{
		"xx-70": func(t *testing.T, s *Server) {
			m := s.Make(t)
			if reply := s.Do(t, "DELETE", m.URL, ""); reply.Status < 200 || reply.Status > 299 {
				t.Errorf("status %d", reply.Status)
			}
			WantStatus(t, s.Do(t, "GET", m.URL, ""), http.StatusNotFound)
		},
		"xx-71": func(t *testing.T, s *Server) { WantStatus(t, s.Do(t, "DELETE", s.Make(t).URL, ""), http.StatusOK) },
		"xx-72": func(t *testing.T, s *Server) {
			WantStatus(t, s.Do(t, "DELETE", s.Make(t).URL, "", "If-Match", `"nonsense"`), http.StatusOK)
		},
		"xx-73": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{})
			if _, err := p.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			// No packet in the third second after the reply.
			deleted := time.Now()
			webrtctest.Until(t, Soon, after(deleted, 2*time.Second))
			count := p.Count()
			webrtctest.Until(t, Soon, after(deleted, 3*time.Second))
			if p.Count() != count {
				t.Error("media still come")
			}
		},
		"xx-74": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{})
			if _, err := p.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			webrtctest.Until(t, 5*time.Second, func() string {
				if !p.Saw(webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateDisconnected) {
					return "the end of the connection, which is " + p.PeerConnection().ConnectionState().String()
				}
				return ""
			})
		},
		"xx-75": func(t *testing.T, s *Server) {
			m := s.Make(t)
			other := m.URL[:len(m.URL)-4] + strings.Map(func(r rune) rune {
				if r == '0' {
					return '1'
				}
				return '0'
			}, m.URL[len(m.URL)-4:])
			for _, target := range []string{other, s.Base + "/session/nonsense"} {
				WantStatus(t, s.patch(t, target, m.frag(), m.ETag), http.StatusNotFound)
				WantStatus(t, s.Do(t, "DELETE", target, ""), http.StatusNotFound)
			}
		},
		"xx-76": func(t *testing.T, s *Server) { wantEmpty(t, s.Do(t, "GET", s.Make(t).URL, "")) },
		"xx-08": func(t *testing.T, s *Server) { wantEmpty(t, s.Do(t, "GET", s.Endpoint(), "")) },
		"WHEP-78": func(t *testing.T, s *Server) {
			a, b := s.opened(t, Way{}), s.opened(t, Way{})
			reply, err := a.Delete(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			WantStatus(t, reply, http.StatusOK)
			b.More(t)
			b.Complete(t)
			if b.Saw(webrtc.PeerConnectionStateClosed) {
				t.Error("the other session was closed")
			}
		},
		"WHEP-79": func(t *testing.T, s *Server) { consentEnds(t, s, nil) },
		"xx-77": func(t *testing.T, s *Server) {
			a, b := s.Make(t).URL, s.Make(t).URL
			a, b = a[strings.LastIndex(a, "/")+1:], b[strings.LastIndex(b, "/")+1:]
			differ := 0
			for i := range min(len(a), len(b)) {
				if a[i] != b[i] {
					differ++
				}
			}
			if len(a) < 16 || len(b) < 16 || differ < 12 {
				t.Errorf("ids of %d and %d characters differ in %d", len(a), len(b), differ)
			}
		},
	}
}

// after says what is missing until some time has gone since.
func after(since time.Time, d time.Duration) func() string {
	return func() string {
		if rest := d - time.Since(since); rest > 0 {
			return rest.String() + " to watch"
		}
		return ""
	}
}

func wantEmpty(t *testing.T, reply *webrtctest.Reply) {
	t.Helper()
	if reply.Status != http.StatusOK && reply.Status != http.StatusNoContent || reply.Body != "" {
		t.Errorf("status %d, body %q", reply.Status, reply.Body)
	}
}
