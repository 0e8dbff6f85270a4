//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// The rules that real clients make.
func quirkRules() map[string]check {
	setup := func(role string) check {
		return func(t *testing.T, s *server) {
			p := s.play(t, webrtctest.Options{Offer: func(offer string) string {
				return strings.ReplaceAll(offer, "a=setup:actpass", "a=setup:"+role)
			}})
			if got := webrtctest.Value(p.Answer(), "a=setup:"); got == role || got == "actpass" {
				t.Errorf("the answer to %s is %s", role, got)
			}
			media(t, p)
		}
	}
	return map[string]check{
		// OBS and FFmpeg: no candidates in the offer, and no PATCH ever.
		"QRK-01": func(t *testing.T, s *server) { s.playing(t, webrtctest.Options{HideCandidates: true}) },
		"QRK-02": setup("passive"),
		"QRK-03": setup("active"),
		"QRK-04": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, m.frag(), "*"), http.StatusNoContent)
		},
		"QRK-05": fragmentForms,
		"QRK-06": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{Offer: withData, Answer: func(answer string) string {
				return answer[:strings.Index(answer, "m=application")] // the player never asked for it
			}})
			sections := webrtctest.Sections(p.Answer())
			if len(sections) != 4 {
				t.Fatalf("the data channel has no section:\n%s", p.Answer())
			}
			for _, prefix := range []string{"a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=setup:"} { // aiortc wants them there too
				if webrtctest.Value(sections[3], prefix) == "" && webrtctest.Value(sections[0], prefix) == "" {
					t.Errorf("no %s in the refused section:\n%s", prefix, sections[3])
				}
			}
		},
		"QRK-07": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, m.frag()+"a=\r\na=end-of-candidates\r\n", m.etag), http.StatusNoContent)
		},
		"QRK-08": func(t *testing.T, s *server) {
			s.playing(t, webrtctest.Options{NoVideo: true})
			s.playing(t, webrtctest.Options{NoAudio: true})
		},
		"QRK-09": func(t *testing.T, s *server) {
			for _, offer := range []string{s.offer(t, webrtctest.Options{}), withData(s.offer(t, webrtctest.Options{AllInterfaces: true}))} {
				if answer := s.makeOf(t, offer).Body; len(answer) >= 8192 {
					t.Errorf("an answer of %d bytes", len(answer))
				}
			}
		},
		"QRK-10": func(t *testing.T, s *server) {
			if location := s.make(t).Header.Get("Location"); strings.ContainsAny(location, "?#") || location[0] != '/' && !strings.HasPrefix(location, "http") || location[0] == '/' && strings.Contains(location, "http") {
				t.Errorf("Location is %q", location)
			}
		},
		"QRK-11": func(t *testing.T, s *server) {
			answer := s.make(t).Body
			if !strings.HasPrefix(answer, "v=0\r\n") || strings.Count(answer, "\r\n") != strings.Count(answer, "\n") || !strings.HasSuffix(answer, "\r\n") {
				t.Errorf("line ends: %q", answer)
			}
		},
		"QRK-12": func(t *testing.T, s *server) {
			sections := webrtctest.Sections(s.make(t).Body)
			fields := strings.Fields(webrtctest.Value(sections[1], "a=candidate:"))
			if len(fields) < 8 || !strings.EqualFold(fields[2], "udp") || fields[7] != "host" {
				t.Fatalf("the first candidate: %q", fields)
			}
			if addr, err := netip.ParseAddr(fields[4]); err != nil || !addr.Is4() {
				t.Errorf("the first candidate's address: %q", fields[4])
			}
		},
		"QRK-15": func(t *testing.T, s *server) { wantLinks(t, s.do(t, "OPTIONS", s.endpoint, ""), 2) },
		"QRK-16": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{Offer: func(offer string) string {
				return strings.ReplaceAll(offer, "a=recvonly", "a=sendrecv")
			}})
			if len(webrtctest.Values(p.Answer(), "a=sendonly")) != 2 {
				t.Errorf("not sendonly:\n%s", p.Answer())
			}
		},
		"QRK-17": func(t *testing.T, s *server) {
			reply := s.do(t, "OPTIONS", s.endpoint, "", "Origin", "https://example.net")
			wantNames(t, reply, "Access-Control-Expose-Headers", "access-control-allow-methods")
			wantNames(t, reply, "Access-Control-Allow-Methods", "options", "post", "patch", "delete")
			wantNames(t, s.preflight(t, s.make(t).url, "PATCH", "content-type,etag"), "Access-Control-Allow-Headers", "etag")
		},
		"QRK-18": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, m.frag(), `"*"`), http.StatusNoContent)
			wantStatus(t, s.patch(t, m.url, restartOf(m), `"*"`), http.StatusOK)
		},
		"QRK-19": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.patch(t, m.url, m.frag(), `"other", `+m.etag), http.StatusNoContent)
			wantStatus(t, s.patch(t, m.url, m.frag(), `"other", W/`+m.etag), http.StatusPreconditionFailed)
		},
	}
}

// fragmentForms are fragments as whip-whep, Eyevinn's and Meetecho's clients
// write them.
func fragmentForms(t *testing.T, s *server) {
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
			p := s.play(t, webrtctest.Options{HideCandidates: true, IgnoreCandidates: true})
			fragment := form(p.Local(), webrtctest.Value(p.Local(), "a=candidate:"))
			wantStatus(t, s.patch(t, p.Session(), fragment, p.ETag()), http.StatusNoContent)
			media(t, p)
		})
	}
	m := s.make(t)
	reply := s.patch(t, m.url, "a=ice-ufrag:"+newUfrag+"\r\na=ice-pwd:"+newPwd+"\r\n", "*")
	wantStatus(t, reply, http.StatusOK)
	if !strings.Contains(reply.Body, "a=ice-ufrag:") || strings.Count(reply.Body, "\r\n") != strings.Count(reply.Body, "\n") {
		t.Errorf("the reply to a restart of two lines:\n%s", reply.Body)
	}
}
