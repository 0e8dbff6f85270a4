//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// forbidden are the directions that a client's sections cannot have.
func (s *Server) forbidden() []string {
	if s.Direction == "recvonly" {
		return []string{"inactive", "sendonly"}
	}
	return []string{"inactive", "recvonly"}
}

// Section 1 of the rules: making a session.
func createRules() map[string]Check {
	return map[string]Check{
		"xx-01": func(t *testing.T, s *Server) {
			for _, endpoint := range []string{s.Endpoint(), s.Other()} {
				reply := s.Do(t, "POST", endpoint, s.Offer(t, Way{}), s.fields("Content-Type", sdpType)...)
				WantStatus(t, reply, http.StatusCreated)
			}
		},
		"xx-02": func(t *testing.T, s *Server) {
			if got := s.Make(t).MediaType(); got != sdpType {
				t.Errorf("the answer is of type %q", got)
			}
		},
		"xx-03": func(t *testing.T, s *Server) {
			m := s.Make(t)
			if m.Header.Get("Location") == "" || !strings.Contains(m.URL, "/session/") {
				t.Fatalf("Location is %q", m.Header.Get("Location"))
			}
			WantStatus(t, s.Do(t, "GET", m.URL, ""), http.StatusNoContent)
		},
		"xx-04": sameSections,
		"xx-05": func(t *testing.T, s *Server) {
			for _, mediaType := range []string{"text/plain", "application/json", "application/sdpx"} {
				WantRefused(t, s.Do(t, "POST", s.Endpoint(), s.Offer(t, Way{}), s.fields("Content-Type", mediaType)...))
			}
		},
		"xx-06": func(t *testing.T, s *Server) {
			for _, fields := range [][]string{{"Content-Type", "text/plain"}, {}} {
				reply := s.Do(t, "POST", s.Endpoint(), s.Offer(t, Way{}), s.fields(fields...)...)
				WantStatus(t, reply, http.StatusUnsupportedMediaType)
				if reply.MediaType() == sdpType || reply.Header.Get("Accept-Post") != sdpType {
					t.Errorf("the reply is of type %q, Accept-Post is %q", reply.MediaType(), reply.Header.Get("Accept-Post"))
				}
			}
		},
		"xx-07": malformedOffers,
		"xx-21": func(t *testing.T, s *Server) {
			if reply := s.Post(t, s.Offer(t, Way{})); reply.Status == http.StatusMovedPermanently || reply.Status == http.StatusFound {
				t.Errorf("status %d", reply.Status)
			}
		},
		"xx-22": func(t *testing.T, s *Server) {
			for _, direction := range s.forbidden() {
				WantRefused(t, s.Post(t, Replace(t, s.Offer(t, Way{}), "a="+s.Direction, "a="+direction)))
			}
			s.opened(t, Way{})
		},
		"xx-25": func(t *testing.T, s *Server) {
			if reply := s.Post(t, "these are no words of SDP"); reply.MediaType() != problemType || !strings.Contains(reply.Body, `"error":`) {
				t.Errorf("%s: %s", reply.MediaType(), reply.Body)
			}
		},
		"xx-101": func(t *testing.T, s *Server) {
			full := s.New(t, Setup{MaxSessions: 1})
			m := full.Make(t)
			reply := full.Post(t, m.Offer)
			WantStatus(t, reply, http.StatusServiceUnavailable)
			if seconds, err := strconv.Atoi(reply.Header.Get("Retry-After")); err != nil || seconds < 1 {
				t.Errorf("Retry-After is %q", reply.Header.Get("Retry-After"))
			}
			WantStatus(t, full.Do(t, "DELETE", m.URL, ""), http.StatusOK)
			full.MakeOf(t, m.Offer)
		},
	}
}

func sameSections(t *testing.T, s *Server) {
	for name, offer := range map[string]string{
		"as it comes": s.Offer(t, Way{}),
		"reversed":    s.Offer(t, Way{Reversed: true}),
	} {
		answer := s.MakeOf(t, offer).Body
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

func malformedOffers(t *testing.T, s *Server) {
	offer := s.Offer(t, Way{})
	for name, body := range map[string]string{
		"plain words":       "I would like to see something, please.",
		"cut in an m= line": offer[:strings.Index(offer, "\nm=")+6],
		"JSON":              `{"type":"offer","sdp":"v=0"}`,
	} {
		reply := s.Post(t, body)
		if reply.Status != http.StatusBadRequest {
			t.Errorf("%s: status %d, want 400", name, reply.Status)
		}
	}
	reply := s.Post(t, Replace(t, Replace(t, offer, "H264/90000", "H266/90000"), "VP8/90000", "VP7/90000"))
	if reply.Status != http.StatusCreated && reply.Status != http.StatusUnprocessableEntity {
		t.Errorf("no common video codec: status %d", reply.Status)
	}
}
