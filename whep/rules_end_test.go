//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
)

// Section 5 of the rules: ending a session.
func endRules() map[string]check {
	return map[string]check{
		"xx-70": func(t *testing.T, s *server) {
			m := s.make(t)
			if reply := s.do(t, "DELETE", m.url, ""); reply.Status < 200 || reply.Status > 299 {
				t.Errorf("status %d", reply.Status)
			}
			wantStatus(t, s.do(t, "GET", m.url, ""), http.StatusNotFound)
		},
		"xx-71": func(t *testing.T, s *server) { wantStatus(t, s.do(t, "DELETE", s.make(t).url, ""), http.StatusOK) },
		"xx-72": func(t *testing.T, s *server) {
			wantStatus(t, s.do(t, "DELETE", s.make(t).url, "", "If-Match", `"nonsense"`), http.StatusOK)
		},
		"xx-73": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{})
			if _, err := p.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			// No packet in the third second after the reply.
			deleted := time.Now()
			webrtctest.Until(t, soon, after(deleted, 2*time.Second))
			video, audio := p.Video(), p.Audio()
			webrtctest.Until(t, soon, after(deleted, 3*time.Second))
			if p.Video() != video || p.Audio() != audio {
				t.Error("media still come")
			}
		},
		"xx-74": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{})
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
		"xx-75": func(t *testing.T, s *server) {
			m := s.make(t)
			other := m.url[:len(m.url)-4] + strings.Map(func(r rune) rune {
				if r == '0' {
					return '1'
				}
				return '0'
			}, m.url[len(m.url)-4:])
			for _, target := range []string{other, s.base + "/session/nonsense"} {
				wantStatus(t, s.patch(t, target, m.frag(), m.etag), http.StatusNotFound)
				wantStatus(t, s.do(t, "DELETE", target, ""), http.StatusNotFound)
			}
		},
		"xx-76": func(t *testing.T, s *server) { wantEmpty(t, s.do(t, "GET", s.make(t).url, "")) },
		"xx-08": func(t *testing.T, s *server) { wantEmpty(t, s.do(t, "GET", s.endpoint, "")) },
		"WHEP-78": func(t *testing.T, s *server) {
			a, b := s.playing(t, webrtctest.Options{}), s.playing(t, webrtctest.Options{})
			reply, err := a.Delete(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			wantStatus(t, reply, http.StatusOK)
			media(t, b)
			complete(t, b)
			if b.Saw(webrtc.PeerConnectionStateClosed) {
				t.Error("the other session was closed")
			}
		},
		"WHEP-79": func(t *testing.T, s *server) { consentEnds(t, s, nil) },
		"xx-77": func(t *testing.T, s *server) {
			a, b := s.make(t).url, s.make(t).url
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
