//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"net/http"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// frag is a candidate fragment of a session that nobody plays.
func (m made) frag() string { return webrtctest.Fragment(m.offer) }

// Section 3 of the rules: PATCH with candidates.
func trickleRules() map[string]check {
	return map[string]check{
		"xx-65": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, m.frag(), m.etag), http.StatusNoContent)
		},
		"xx-66": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, restartOf(m), "*"), http.StatusOK)
		},
		"xx-50": func(t *testing.T, s *server) {
			m := s.make(t)
			wantRefused(t, s.do(t, "PATCH", m.url, m.frag(), "Content-Type", "text/plain", "If-Match", m.etag))
		},
		"xx-51": func(t *testing.T, s *server) {
			m := s.make(t)
			reply := s.do(t, "PATCH", m.url, m.frag(), "Content-Type", "text/plain", "If-Match", m.etag)
			wantStatus(t, reply, http.StatusUnsupportedMediaType)
			if got := reply.Header.Get("Accept-Patch"); got != fragmentType {
				t.Errorf("Accept-Patch is %q", got)
			}
		},
		"xx-52": func(t *testing.T, s *server) {
			m := s.make(t)
			for _, body := range []string{"\x00\x01\xff\xfe", "plain words", "m=\r\n", ""} {
				wantStatus(t, s.patch(t, m.url, body, m.etag), http.StatusBadRequest)
			}
			wantStatus(t, s.patch(t, m.url, m.frag(), m.etag), http.StatusNoContent)
		},
		"xx-53": func(t *testing.T, s *server) {
			a, b := s.make(t), s.make(t)
			for _, m := range []made{a, b} {
				if len(m.etag) < 3 || m.etag[0] != '"' || m.etag[len(m.etag)-1] != '"' || m.etag == `"*"` {
					t.Errorf("ETag is %s", m.etag)
				}
			}
			if a.etag == b.etag {
				t.Error("two sessions have the same entity-tag")
			}
		},
		"xx-54": func(t *testing.T, s *server) {
			m := s.make(t)
			reply := s.patch(t, m.url, m.frag(), m.etag)
			wantStatus(t, reply, http.StatusNoContent)
			if reply.Header.Get("ETag") != "" || reply.Body != "" {
				t.Errorf("ETag %q, body %q", reply.Header.Get("ETag"), reply.Body)
			}
		},
		"xx-55": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, m.frag(), ""), http.StatusPreconditionRequired)
		},
		"xx-56": func(t *testing.T, s *server) {
			m := s.make(t)
			for _, tag := range []string{`"nonsense"`, "W/" + m.etag} {
				wantStatus(t, s.patch(t, m.url, m.frag(), tag), http.StatusPreconditionFailed)
			}
		},
		"xx-57": func(t *testing.T, s *server) {
			p := s.play(t, webrtctest.Options{HideCandidates: true, IgnoreCandidates: true})
			fragment := webrtctest.WithoutCandidates(webrtctest.Fragment(p.Local())) + strings.Join([]string{
				"a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
				"a=candidate:2 1 quic 1518280446 192.0.2.1 9 typ host",
				"a=candidate:3 1 udp 1518280445 0b2c1c1e-5b5e-4d3f-8c3f-6d3f6ad5b1a0.local 9 typ host",
				"a=candidate:4 1 udp 1518280444 no-such-host.invalid 9 typ host",
				"a=candidate:5 1 udp 1518280443 fe80::1 9 typ host", "",
			}, "\r\n")
			for _, candidate := range webrtctest.Values(p.Local(), "a=candidate:") {
				fragment += "a=candidate:" + candidate + "\r\n"
			}
			wantStatus(t, s.patch(t, p.Session(), fragment, p.ETag()), http.StatusNoContent)
			media(t, p)
		},
		"WHEP-81": func(t *testing.T, s *server) { media(t, s.play(t, webrtctest.Options{Trickle: true})) },
		"WHEP-69": func(t *testing.T, s *server) {
			media(t, s.play(t, webrtctest.Options{Trickle: true, IgnoreCandidates: true}))
		},
		"xx-67": func(t *testing.T, s *server) {
			if got := s.do(t, "OPTIONS", s.make(t).url, "").Header.Get("Accept-Patch"); got != fragmentType {
				t.Errorf("Accept-Patch is %q", got)
			}
		},
		"xx-68": func(t *testing.T, s *server) {
			m := s.make(t)
			for _, fields := range [][]string{{"Content-Type", sdpType}, {"Content-Type", sdpType, "If-Match", m.etag}} {
				wantStatus(t, s.do(t, "PATCH", m.url, m.offer, fields...), http.StatusUnprocessableEntity)
			}
		},
		"xx-105": func(t *testing.T, s *server) {
			p := s.play(t, webrtctest.Options{HideCandidates: true, IgnoreCandidates: true})
			candidate := webrtctest.Value(p.Local(), "a=candidate:")
			fragment := "a=x-unknown:1\r\n" +
				"a=ICE-Ufrag:" + webrtctest.Value(p.Local(), "a=ice-ufrag:") + "\r\n" +
				"a=Ice-PWD:" + webrtctest.Value(p.Local(), "a=ice-pwd:") + "\r\n" +
				"m=video nonsense beyond the medium\r\na=x-other\r\na=mid:0\r\na=Candidate:" + candidate + "\r\n"
			wantStatus(t, s.patch(t, p.Session(), fragment, p.ETag()), http.StatusNoContent)
			media(t, p)
		},
	}
}
