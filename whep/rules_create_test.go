//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"weir/internal/webrtctest"
	"weir/session"
)

// Section 1 of the rules: making a session.
func createRules() map[string]check {
	return map[string]check{
		"xx-01": func(t *testing.T, s *server) {
			for _, endpoint := range []string{s.endpoint, s.base + "/test/whep"} {
				reply := s.do(t, "POST", endpoint, s.offer(t, webrtctest.Options{}), "Content-Type", sdpType)
				wantStatus(t, reply, http.StatusCreated)
			}
		},
		"xx-02": func(t *testing.T, s *server) {
			if got := s.make(t).MediaType(); got != sdpType {
				t.Errorf("the answer is of type %q", got)
			}
		},
		"xx-03": func(t *testing.T, s *server) {
			m := s.make(t)
			if m.Header.Get("Location") == "" || m.url == s.endpoint {
				t.Fatalf("Location is %q", m.Header.Get("Location"))
			}
			wantStatus(t, s.do(t, "GET", m.url, ""), http.StatusNoContent)
		},
		"xx-04": sameSections,
		"xx-05": func(t *testing.T, s *server) {
			for _, mediaType := range []string{"text/plain", "application/json", "application/sdpx"} {
				wantRefused(t, s.do(t, "POST", s.endpoint, s.offer(t, webrtctest.Options{}), "Content-Type", mediaType))
			}
		},
		"xx-06": func(t *testing.T, s *server) {
			for _, fields := range [][]string{{"Content-Type", "text/plain"}, {}} {
				reply := s.do(t, "POST", s.endpoint, s.offer(t, webrtctest.Options{}), fields...)
				wantStatus(t, reply, http.StatusUnsupportedMediaType)
				if reply.MediaType() == sdpType || reply.Header.Get("Accept-Post") != sdpType {
					t.Errorf("the reply is of type %q, Accept-Post is %q", reply.MediaType(), reply.Header.Get("Accept-Post"))
				}
			}
		},
		"xx-07": malformedOffers,
		"xx-21": func(t *testing.T, s *server) {
			if reply := s.post(t, s.offer(t, webrtctest.Options{})); reply.Status == http.StatusMovedPermanently || reply.Status == http.StatusFound {
				t.Errorf("status %d", reply.Status)
			}
		},
		"xx-22": func(t *testing.T, s *server) {
			for _, direction := range []string{"inactive", "sendonly"} {
				wantRefused(t, s.post(t, replace(t, s.offer(t, webrtctest.Options{}), "a=recvonly", "a="+direction)))
			}
			media(t, s.play(t, webrtctest.Options{}))
		},
		"xx-25": func(t *testing.T, s *server) {
			if reply := s.post(t, "these are no words of SDP"); reply.MediaType() != problemType || !strings.Contains(reply.Body, `"error":`) {
				t.Errorf("%s: %s", reply.MediaType(), reply.Body)
			}
		},
		"xx-101": func(t *testing.T, s *server) {
			full := newServer(t, serverOptions{broken: s.broken, session: session.Options{MaxSessions: 1}})
			m := full.make(t)
			reply := full.post(t, m.offer)
			wantStatus(t, reply, http.StatusServiceUnavailable)
			if seconds, err := strconv.Atoi(reply.Header.Get("Retry-After")); err != nil || seconds < 1 {
				t.Errorf("Retry-After is %q", reply.Header.Get("Retry-After"))
			}
			wantStatus(t, full.do(t, "DELETE", m.url, ""), http.StatusOK)
			full.makeOf(t, m.offer)
		},
		"WHEP-20": func(t *testing.T, s *server) {
			offer := s.offer(t, webrtctest.Options{})
			var bodies []string
			for _, name := range []string{"nobody", "no-one.else"} {
				reply := s.do(t, "POST", s.base+"/whep/"+name, offer, "Content-Type", sdpType)
				wantStatus(t, reply, http.StatusConflict)
				if seconds, err := strconv.Atoi(reply.Header.Get("Retry-After")); err != nil || seconds < 1 {
					t.Errorf("Retry-After is %q", reply.Header.Get("Retry-After"))
				}
				body := strings.ReplaceAll(reply.Body, reply.Header.Get("X-Request-Id"), "")
				bodies = append(bodies, body)
			}
			if bodies[0] != bodies[1] {
				t.Errorf("the replies tell two streams apart:\n%s%s", bodies[0], bodies[1])
			}
		},
		"xx-102": func(t *testing.T, s *server) {
			m := s.makeOf(t, withData(s.offer(t, webrtctest.Options{})))
			sections := webrtctest.Sections(m.Body)
			if len(sections) != 4 || !strings.HasPrefix(sections[3], "m=application 0 ") {
				t.Errorf("the data channel is not refused in its section:\n%s", m.Body)
			}
		},
	}
}

func sameSections(t *testing.T, s *server) {
	for name, offer := range map[string]string{
		"video first": s.offer(t, webrtctest.Options{}),
		"audio first": s.offer(t, webrtctest.Options{AudioFirst: true}),
		"data":        withData(s.offer(t, webrtctest.Options{})),
	} {
		answer := s.makeOf(t, offer).Body
		asked, given := webrtctest.Sections(offer)[1:], webrtctest.Sections(answer)[1:]
		if len(asked) != len(given) {
			t.Fatalf("%s: %d sections in the answer to %d", name, len(given), len(asked))
		}
		for i := range asked {
			kind, _, _ := strings.Cut(asked[i], " ")
			if !strings.HasPrefix(given[i], kind+" ") || webrtctest.Value(given[i], "a=mid:") != webrtctest.Value(asked[i], "a=mid:") {
				t.Errorf("%s: section %d is not that of the offer:\n%s", name, i, given[i])
			}
		}
	}
}

func malformedOffers(t *testing.T, s *server) {
	offer := s.offer(t, webrtctest.Options{})
	for name, body := range map[string]string{
		"plain words":       "I would like to see something, please.",
		"cut in an m= line": offer[:strings.Index(offer, "\nm=")+6],
		"JSON":              `{"type":"offer","sdp":"v=0"}`,
	} {
		reply := s.post(t, body)
		if reply.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, reply.Status)
		}
	}
	reply := s.post(t, replace(t, replace(t, offer, "H264/90000", "H266/90000"), "VP8/90000", "VP7/90000"))
	if reply.Status != http.StatusCreated && reply.Status != http.StatusUnprocessableEntity {
		t.Errorf("no common video codec: status %d", reply.Status)
	}
}

// withData adds a data channel to an offer.
func withData(offer string) string {
	first := webrtctest.Sections(offer)[1]
	offer = strings.Replace(offer, "a=group:BUNDLE 0 1", "a=group:BUNDLE 0 1 2", 1)
	offer += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n"
	for _, prefix := range []string{"a=ice-ufrag:", "a=ice-pwd:", "a=setup:", "a=fingerprint:"} {
		for _, value := range webrtctest.Values(first, prefix) {
			offer += prefix + value + "\r\n"
		}
	}
	return offer + "a=mid:2\r\na=sctp-port:5000\r\n"
}
