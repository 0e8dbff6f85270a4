//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// frag is a candidate fragment of a session that nobody plays.
func (m Made) frag() string { return webrtctest.Fragment(m.Offer) }

// Section 3 of the rules: PATCH with candidates.
func trickleRules() map[string]Check {
	return map[string]Check{
		"xx-65": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, m.frag(), m.ETag), http.StatusNoContent)
		},
		"xx-66": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, restartOf(m), "*"), http.StatusOK)
		},
		"xx-50": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantRefused(t, s.Do(t, "PATCH", m.URL, m.frag(), "Content-Type", "text/plain", "If-Match", m.ETag))
		},
		"xx-51": func(t *testing.T, s *Server) {
			m := s.Make(t)
			reply := s.Do(t, "PATCH", m.URL, m.frag(), "Content-Type", "text/plain", "If-Match", m.ETag)
			WantStatus(t, reply, http.StatusUnsupportedMediaType)
			if got := reply.Header.Get("Accept-Patch"); got != fragmentType {
				t.Errorf("Accept-Patch is %q", got)
			}
		},
		"xx-52": func(t *testing.T, s *Server) {
			m := s.Make(t)
			for _, body := range []string{"\x00\x01\xff\xfe", "plain words", "m=\r\n", ""} {
				WantStatus(t, s.patch(t, m.URL, body, m.ETag), http.StatusBadRequest)
			}
			WantStatus(t, s.patch(t, m.URL, m.frag(), m.ETag), http.StatusNoContent)
		},
		"xx-53": func(t *testing.T, s *Server) {
			a, b := s.Make(t), s.Make(t)
			for _, m := range []Made{a, b} {
				if len(m.ETag) < 3 || m.ETag[0] != '"' || m.ETag[len(m.ETag)-1] != '"' || m.ETag == `"*"` {
					t.Errorf("ETag is %s", m.ETag)
				}
			}
			if a.ETag == b.ETag {
				t.Error("two sessions have the same entity-tag")
			}
		},
		"xx-54": func(t *testing.T, s *Server) {
			m := s.Make(t)
			reply := s.patch(t, m.URL, m.frag(), m.ETag)
			WantStatus(t, reply, http.StatusNoContent)
			if reply.Header.Get("ETag") != "" || reply.Body != "" {
				t.Errorf("ETag %q, body %q", reply.Header.Get("ETag"), reply.Body)
			}
		},
		"xx-55": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, m.frag(), ""), http.StatusPreconditionRequired)
		},
		"xx-56": func(t *testing.T, s *Server) {
			m := s.Make(t)
			for _, tag := range []string{`"nonsense"`, "W/" + m.ETag} {
				WantStatus(t, s.patch(t, m.URL, m.frag(), tag), http.StatusPreconditionFailed)
			}
		},
		"xx-57": func(t *testing.T, s *Server) {
			p := s.Open(t, Way{HideCandidates: true, IgnoreCandidates: true})
			lines := []string{
				"a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
				"a=candidate:2 1 quic 1518280446 192.0.2.1 9 typ host",
				"a=candidate:3 1 udp 1518280445 0b2c1c1e-5b5e-4d3f-8c3f-6d3f6ad5b1a0.local 9 typ host",
				"a=candidate:4 1 udp 1518280444 no-such-host.invalid 9 typ host",
				"a=candidate:5 1 udp 1518280443 fe80::1 9 typ host",
			}
			for _, candidate := range webrtctest.Values(p.Local(), "a=candidate:") {
				lines = append(lines, "a=candidate:"+candidate)
			}
			fragment := webrtctest.WithoutCandidates(webrtctest.Fragment(p.Local())) + strings.Join(lines, "\r\n") + "\r\n"
			WantStatus(t, s.patch(t, p.Session(), fragment, p.ETag()), http.StatusNoContent)
			p.More(t)
		},
		"WHEP-81": func(t *testing.T, s *Server) { s.opened(t, Way{Trickle: true}) },
		"WHEP-69": func(t *testing.T, s *Server) {
			s.opened(t, Way{Trickle: true, IgnoreCandidates: true})
		},
		"xx-67": func(t *testing.T, s *Server) {
			if got := s.Do(t, "OPTIONS", s.Make(t).URL, "").Header.Get("Accept-Patch"); got != fragmentType {
				t.Errorf("Accept-Patch is %q", got)
			}
		},
		"xx-68": func(t *testing.T, s *Server) {
			m := s.Make(t)
			for _, fields := range [][]string{{"Content-Type", sdpType}, {"Content-Type", sdpType, "If-Match", m.ETag}} {
				WantStatus(t, s.Do(t, "PATCH", m.URL, m.Offer, fields...), http.StatusUnprocessableEntity)
			}
		},
		"xx-105": func(t *testing.T, s *Server) {
			p := s.Open(t, Way{HideCandidates: true, IgnoreCandidates: true})
			candidate := webrtctest.Value(p.Local(), "a=candidate:")
			fragment := "a=x-unknown:1\r\n" +
				"a=ICE-Ufrag:" + webrtctest.Value(p.Local(), "a=ice-ufrag:") + "\r\n" +
				"a=Ice-PWD:" + webrtctest.Value(p.Local(), "a=ice-pwd:") + "\r\n" +
				"m=video nonsense beyond the medium\r\na=x-other\r\na=mid:0\r\na=Candidate:" + candidate + "\r\n"
			WantStatus(t, s.patch(t, p.Session(), fragment, p.ETag()), http.StatusNoContent)
			p.More(t)
		},
	}
}
