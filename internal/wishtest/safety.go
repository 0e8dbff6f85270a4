//nolint:thelper // a check is a test by the id of its rule, no helper
package wishtest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// binary is the same junk each time.
func binary(n int) string {
	junk := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(junk.Uint32())
	}
	return string(b)
}

// wantBad wants a 4xx within 5 s, and a good viewer afterwards.
func (s *Server) wantBad(t *testing.T, body, mediaType string) {
	t.Helper()
	begin := time.Now()
	WantRefused(t, s.Do(t, "POST", s.Endpoint(), body, s.fields("Content-Type", mediaType)...))
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	s.opened(t, Way{})
}

// Section 11 of the rules: safety.
func safetyRules() map[string]Check {
	munged := func(f func(t *testing.T, offer string) string) Check {
		return func(t *testing.T, s *Server) { s.wantBad(t, f(t, s.Offer(t, Way{})), sdpType) }
	}
	return map[string]Check{
		"xx-115": func(t *testing.T, s *Server) {
			setUpDeadline(t, s)
			rates(t, s)
		},
		"BAD-01": func(t *testing.T, s *Server) { s.wantBad(t, "", sdpType) },
		"BAD-02": func(t *testing.T, s *Server) {
			offer := s.Offer(t, Way{}) + strings.Repeat("a=x-filler:0123456789\r\n", 2<<20/23)
			WantStatus(t, s.Post(t, offer), http.StatusRequestEntityTooLarge)
			s.opened(t, Way{})
		},
		"BAD-03": func(t *testing.T, s *Server) { s.wantBad(t, binary(2000), sdpType) },
		"BAD-04": munged(func(_ *testing.T, offer string) string { return webrtctest.Sections(offer)[0] }),
		"BAD-05": munged(func(_ *testing.T, offer string) string { return webrtctest.WithoutLines(offer, "a=ice-ufrag:") }),
		"BAD-06": munged(func(_ *testing.T, offer string) string { return webrtctest.WithoutLines(offer, "a=fingerprint:") }),
		"BAD-07": func(t *testing.T, s *Server) {
			s.wantBad(t, s.Offer(t, Way{}), "text/plain; charset=utf-8")
		},
		"BAD-08": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{})
			fragment := webrtctest.WithoutLines(webrtctest.Fragment(p.Local()), "a=ice-pwd:")
			fragment = Replace(t, fragment, webrtctest.Value(fragment, "a=ice-ufrag:"), newUfrag)
			if reply := s.patch(t, p.Session(), fragment, p.ETag()); reply.Status != http.StatusNoContent {
				WantRefused(t, reply)
			}
			p.More(t)
		},
		"BAD-09": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.Do(t, "DELETE", m.URL, ""), http.StatusOK)
			WantRefused(t, s.patch(t, m.URL, m.frag(), m.ETag))
			s.opened(t, Way{})
		},
		"BAD-10": func(t *testing.T, s *Server) {
			m := s.Make(t)
			WantStatus(t, s.Do(t, "DELETE", m.URL, ""), http.StatusOK)
			WantRefused(t, s.Do(t, "DELETE", m.URL, ""))
			s.opened(t, Way{})
		},
		"BAD-11": func(t *testing.T, s *Server) {
			WantRefused(t, s.Do(t, "PUT", s.Endpoint(), "x", "Content-Type", sdpType))
			WantRefused(t, s.Do(t, "PUT", s.Base+nobody, "x"))
			s.opened(t, Way{})
		},
		"BAD-12": tooManyCandidates,
		"BAD-13": strangeOffers,
		"BAD-14": garbageFlood,
		"BAD-15": func(t *testing.T, s *Server) {
			for _, body := range []string{binary(500), "v=0\r\n", ""} {
				WantRefused(t, s.Post(t, body))
			}
			s.opened(t, Way{})
		},
		"BAD-16": func(t *testing.T, s *Server) {
			for _, direction := range s.forbidden() {
				WantRefused(t, s.Post(t, Replace(t, s.Offer(t, Way{}), "a="+s.Direction, "a="+direction)))
			}
			s.opened(t, Way{})
		},
		"BAD-17": func(t *testing.T, s *Server) {
			p := s.opened(t, Way{}) // before, during and after all of it in the same process
			strangeOffers(t, s)
			tooManyCandidates(t, s)
			p.More(t)
			p.Complete(t)
		},
	}
}

// setUpDeadline wants a session that never gets to DTLS to be dropped Soon.
func setUpDeadline(t *testing.T, shared *Server) {
	s := shared.New(t, Setup{SetupTimeout: time.Second})
	m := s.Make(t)
	webrtctest.Until(t, Soon, func() string {
		if s.Do(t, "GET", m.URL, "").Status != http.StatusNotFound {
			return "the end of a session that never connects"
		}
		return ""
	})
}

// nobody is the path of a session that is not there.
const nobody = "/session/0123456789abcdef0123456789abcdef"

// rates floods a server from addresses that a proxy in front of it names, each with
// one method, and wants it to say that this is too much: to them alone, of what
// changes something alone, and only as long as they go on.
func rates(t *testing.T, shared *Server) {
	s := shared.New(t, Setup{Rate: 1, Burst: 5})
	from := func(addr, method string) *webrtctest.Reply {
		target, fields := s.Base+nobody, []string{"X-Forwarded-For", addr}
		if method == "POST" {
			target, fields = s.Endpoint(), s.fields(append(fields, "Content-Type", sdpType)...)
		}
		return s.Do(t, method, target, "", fields...)
	}
	for addr, method := range map[string]string{"203.0.113.1": "POST", "203.0.113.2": "PATCH", "2001:db8::3": "DELETE"} {
		var last *webrtctest.Reply
		webrtctest.Until(t, Soon, func() string {
			if last = from(addr, method); last.Status != http.StatusTooManyRequests {
				return "a refusal for too many " + method
			}
			return ""
		})
		wait, err := strconv.Atoi(last.Header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 60 || last.Header.Get("Content-Type") != problemType || !strings.Contains(last.Body, `"remedy":"`) {
			t.Errorf("%s: not said well: %v %s", method, last.Header, last.Body)
		}
		for _, free := range []string{"GET", "HEAD", "OPTIONS"} {
			if reply := from(addr, free); reply.Status == http.StatusTooManyRequests {
				t.Errorf("%s: refused for too many %s", free, method)
			}
		}
		if reply := from("203.0.113.9", method); reply.Status == http.StatusTooManyRequests {
			t.Errorf("%s: refused to another address", method)
		}
		webrtctest.Until(t, Soon, func() string {
			if from(addr, method).Status == http.StatusTooManyRequests {
				return "the end of the refusals of " + method
			}
			return ""
		})
	}
	s.opened(t, Way{})
}

func tooManyCandidates(t *testing.T, s *Server) {
	p := s.opened(t, Way{})
	for _, n := range []int{101, 20_000} {
		var fragment strings.Builder
		fragment.WriteString(webrtctest.Fragment(p.Local()))
		for i := range n {
			fmt.Fprintf(&fragment, "a=candidate:%d 1 udp 2130706431 192.0.2.%d %d typ host\r\n", i+10, i%250+1, 1024+i)
		}
		begin := time.Now()
		reply := s.patch(t, p.Session(), fragment.String(), p.ETag())
		if reply.Status >= 500 || time.Since(begin) > 5*time.Second {
			t.Errorf("%d candidates: status %d after %v", n, reply.Status, time.Since(begin))
		}
	}
	WantStatus(t, s.Do(t, "GET", p.Session(), ""), http.StatusNoContent)
	p.More(t)
}

func strangeOffers(t *testing.T, s *Server) {
	offer := s.Offer(t, Way{})
	for name, body := range map[string]string{
		"port of 20 digits": Replace(t, offer, "m=audio 9 ", "m=audio 12345678901234567890 "),
		"NUL":               Replace(t, offer, "a=mid:0", "a=mid:\x00"),
		"a 1 MB line":       offer + "a=x:" + strings.Repeat("x", 1<<20) + "\r\n",
		"a 100 kB line":     offer + "a=x:" + strings.Repeat("x", 100<<10) + "\r\n",
		"10 000 m= lines":   offer + strings.Repeat("m=audio 9 x 0\r\n", 10_000),
		"5 000 m= lines":    offer + strings.Repeat("m=audio 9 x 0\r\n", 5_000),
		"unknown protocol":  Replace(t, offer, "UDP/TLS/RTP/SAVPF", "UDP/NO/SUCH/THING"),
		"no common codec":   Replace(t, Replace(t, Replace(t, offer, "H264/", "H261/"), "VP8/", "VP7/"), "opus/", "dopus/"),
		"bad fingerprint":   Replace(t, offer, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 ZZ:"),
	} {
		begin := time.Now()
		reply := s.Post(t, body)
		if reply.Status >= 500 || time.Since(begin) > 5*time.Second {
			t.Errorf("%s: status %d after %v", name, reply.Status, time.Since(begin))
		}
		if reply.Status == http.StatusCreated {
			s.Do(t, "DELETE", s.resolve(t, reply.Header.Get("Location")), "")
		}
	}
	s.opened(t, Way{})
}

// garbageFlood posts garbage 200 times at once while somebody plays.
func garbageFlood(t *testing.T, s *Server) {
	p := s.opened(t, Way{})
	before := p.Line()
	offer := s.Offer(t, Way{})
	bodies := []string{"", "garbage", binary(3000), offer[:strings.Index(offer, "\nm=")+6], webrtctest.WithoutLines(offer, "a=ice-pwd:"), strings.Repeat("m=audio 9 x 0\r\n", 1000)}
	const posts = 200
	var wg sync.WaitGroup
	for i := range posts {
		wg.Go(func() {
			client := webrtctest.NewClient()
			defer client.Close()
			reply, err := client.Do(t.Context(), "POST", s.Endpoint(), bodies[i%len(bodies)], s.fields("Content-Type", sdpType)...)
			switch {
			case err != nil:
				t.Errorf("post: %v", err)
			case reply.Status >= 500 && (reply.Status != http.StatusServiceUnavailable || reply.Header.Get("Retry-After") == ""), reply.Status < 400:
				t.Errorf("status %d", reply.Status)
			}
		})
	}
	wg.Wait()
	p.More(t)
	p.Complete(t)
	if p.Line() != before {
		t.Error("the stream has changed")
	}
	s.opened(t, Way{})
}
