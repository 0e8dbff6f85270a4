//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// The rules that real clients make.
func quirkRules() map[string]Check {
	setup := func(role string) Check {
		return func(t *testing.T, s *Server) {
			p := s.Open(t, Way{Offer: func(offer string) string {
				return strings.ReplaceAll(offer, "a=setup:actpass", "a=setup:"+role)
			}})
			if got := webrtctest.Value(p.Answer(), "a=setup:"); got == role || got == "actpass" {
				t.Errorf("the answer to %s is %s", role, got)
			}
			p.More(t)
		}
	}
	return map[string]Check{
		// OBS and FFmpeg: no candidates in the offer, and no PATCH ever.
		"QRK-01": func(t *testing.T, s *Server) { s.opened(t, Way{HideCandidates: true}) },
		"QRK-02": setup("passive"),
		"QRK-03": setup("active"),
		"QRK-04": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, m.frag(), "*"), http.StatusNoContent)
		},
		"QRK-05": fragmentForms,
		"QRK-07": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, m.frag()+"a=\r\na=end-of-candidates\r\n", m.ETag), http.StatusNoContent)
		},
		"QRK-08": func(t *testing.T, s *Server) {
			s.opened(t, Way{NoVideo: true})
			s.opened(t, Way{NoAudio: true})
		},
		"QRK-09": func(t *testing.T, s *Server) {
			for _, offer := range []string{s.Offer(t, Way{}), s.Offer(t, Way{AllInterfaces: true})} {
				if answer := s.MakeOf(t, offer).Body; len(answer) >= 8192 {
					t.Errorf("an answer of %d bytes", len(answer))
				}
			}
		},
		"QRK-10": func(t *testing.T, s *Server) {
			if location := s.Make(t).Header.Get("Location"); strings.ContainsAny(location, "?#") || location[0] != '/' && !strings.HasPrefix(location, "http") || location[0] == '/' && strings.Contains(location, "http") {
				t.Errorf("Location is %q", location)
			}
		},
		"QRK-11": func(t *testing.T, s *Server) {
			answer := s.Make(t).Body
			if !strings.HasPrefix(answer, "v=0\r\n") || strings.Count(answer, "\r\n") != strings.Count(answer, "\n") || !strings.HasSuffix(answer, "\r\n") {
				t.Errorf("line ends: %q", answer)
			}
		},
		"QRK-12": func(t *testing.T, s *Server) {
			sections := webrtctest.Sections(s.Make(t).Body)
			fields := strings.Fields(webrtctest.Value(sections[1], "a=candidate:"))
			if len(fields) < 8 || !strings.EqualFold(fields[2], "udp") || fields[7] != "host" {
				t.Fatalf("the first candidate: %q", fields)
			}
			if addr, err := netip.ParseAddr(fields[4]); err != nil || !addr.Is4() {
				t.Errorf("the first candidate's address: %q", fields[4])
			}
		},
		"QRK-15": func(t *testing.T, s *Server) { wantLinks(t, s.Do(t, "OPTIONS", s.Endpoint(), ""), 2) },
		"QRK-17": func(t *testing.T, s *Server) {
			reply := s.Do(t, "OPTIONS", s.Endpoint(), "", "Origin", "https://example.net")
			wantNames(t, reply, "Access-Control-Expose-Headers", "access-control-allow-methods")
			wantNames(t, reply, "Access-Control-Allow-Methods", "options", "post", "patch", "delete")
			wantNames(t, s.preflight(t, s.Make(t).URL, "PATCH", "content-type,etag"), "Access-Control-Allow-Headers", "etag")
		},
		"QRK-18": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, m.frag(), `"*"`), http.StatusNoContent)
			WantStatus(t, s.patch(t, m.URL, restartOf(m), `"*"`), http.StatusOK)
		},
		"QRK-19": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.patch(t, m.URL, m.frag(), `"other", `+m.ETag), http.StatusNoContent)
			WantStatus(t, s.patch(t, m.URL, m.frag(), `"other", W/`+m.ETag), http.StatusPreconditionFailed)
		},
	}
}

// fragmentForms are fragments as whip-whep, Eyevinn's and Meetecho's clients
// write them.
func fragmentForms(t *testing.T, s *Server) {
	credentials := func(offer string) string {
		return "a=ice-ufrag:" + webrtctest.Value(offer, "a=ice-ufrag:") + "\r\na=ice-pwd:" + webrtctest.Value(offer, "a=ice-pwd:") + "\r\n"
	}
	for name, form := range map[string]func(offer, candidate string) string{
		"session level": func(offer, c string) string {
			return credentials(offer) + "m=video 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:" + c + "\r\n"
		},
		"media level": func(offer, c string) string {
			return "m=video 9 RTP/AVP 0\r\na=mid:0\r\n" + credentials(offer) + "a=candidate:" + c + "\r\n"
		},
		"in several": func(offer, c string) string {
			return credentials(offer) + "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:" + c + "\r\nm=audio 9 RTP/AVP 0\r\na=mid:1\r\na=candidate:" + c + "\r\n"
		},
		"component 0": func(offer, c string) string {
			return credentials(offer) + "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:" + strings.Replace(c, " 1 udp ", " 0 udp ", 1) + "\r\n"
		},
		"LF": func(offer, c string) string {
			return strings.ReplaceAll(credentials(offer)+"m=video 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:"+c+"\r\n", "\r", "")
		},
		"no credentials": func(_, c string) string { return "m=video 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:" + c + "\r\n" },
		"no m= line":     func(offer, c string) string { return credentials(offer) + "a=candidate:" + c + "\r\n" },
	} {
		t.Run(name, func(t *testing.T) {
			p := s.Open(t, Way{HideCandidates: true, IgnoreCandidates: true})
			fragment := form(p.Local(), webrtctest.Value(p.Local(), "a=candidate:"))
			WantStatus(t, s.patch(t, p.Session(), fragment, p.ETag()), http.StatusNoContent)
			p.More(t)
		})
	}
	m := s.Make(t)
	reply := s.patch(t, m.URL, "a=ice-ufrag:"+newUfrag+"\r\na=ice-pwd:"+newPwd+"\r\n", "*")
	WantStatus(t, reply, http.StatusOK)
	if !strings.Contains(reply.Body, "a=ice-ufrag:") || strings.Count(reply.Body, "\r\n") != strings.Count(reply.Body, "\n") {
		t.Errorf("the reply to a restart of two lines:\n%s", reply.Body)
	}
}
