//nolint:thelper // a check is a test by the id of its rule, no helper
package whep_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/session"
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
func (s *server) wantBad(t *testing.T, body, mediaType string) {
	t.Helper()
	begin := time.Now()
	wantRefused(t, s.do(t, "POST", s.endpoint, body, "Content-Type", mediaType))
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the refusal took %v", took)
	}
	s.playing(t, webrtctest.Options{})
}

// Section 11 of the rules: safety.
func safetyRules() map[string]check {
	munged := func(f func(t *testing.T, offer string) string) check {
		return func(t *testing.T, s *server) { s.wantBad(t, f(t, s.offer(t, webrtctest.Options{})), sdpType) }
	}
	return map[string]check{
		"xx-115": setUpDeadline,
		"BAD-01": func(t *testing.T, s *server) { s.wantBad(t, "", sdpType) },
		"BAD-02": func(t *testing.T, s *server) {
			offer := s.offer(t, webrtctest.Options{}) + strings.Repeat("a=x-filler:0123456789\r\n", 2<<20/23)
			wantStatus(t, s.post(t, offer), http.StatusRequestEntityTooLarge)
			s.playing(t, webrtctest.Options{})
		},
		"BAD-03": func(t *testing.T, s *server) { s.wantBad(t, binary(2000), sdpType) },
		"BAD-04": munged(func(_ *testing.T, offer string) string { return webrtctest.Sections(offer)[0] }),
		"BAD-05": munged(func(_ *testing.T, offer string) string { return webrtctest.WithoutLines(offer, "a=ice-ufrag:") }),
		"BAD-06": munged(func(_ *testing.T, offer string) string { return webrtctest.WithoutLines(offer, "a=fingerprint:") }),
		"BAD-07": func(t *testing.T, s *server) {
			s.wantBad(t, s.offer(t, webrtctest.Options{}), "text/plain; charset=utf-8")
		},
		"BAD-08": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{})
			fragment := webrtctest.WithoutLines(webrtctest.Fragment(p.Local()), "a=ice-pwd:")
			fragment = replace(t, fragment, webrtctest.Value(fragment, "a=ice-ufrag:"), newUfrag)
			if reply := s.patch(t, p.Session(), fragment, p.ETag()); reply.Status != http.StatusNoContent {
				wantRefused(t, reply)
			}
			media(t, p)
		},
		"BAD-09": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.do(t, "DELETE", m.url, ""), http.StatusOK)
			wantRefused(t, s.patch(t, m.url, m.frag(), m.etag))
		},
		"BAD-10": func(t *testing.T, s *server) {
			m := s.make(t)
			wantStatus(t, s.do(t, "DELETE", m.url, ""), http.StatusOK)
			wantRefused(t, s.do(t, "DELETE", m.url, ""))
		},
		"BAD-11": func(t *testing.T, s *server) {
			wantRefused(t, s.do(t, "PUT", s.endpoint, "x", "Content-Type", sdpType))
			wantRefused(t, s.do(t, "PUT", s.base+"/session/0123456789abcdef0123456789abcdef", "x"))
		},
		"BAD-12": tooManyCandidates,
		"BAD-13": strangeOffers,
		"BAD-14": garbageFlood,
		"BAD-15": func(t *testing.T, s *server) {
			for _, body := range []string{binary(500), "v=0\r\n", ""} {
				wantRefused(t, s.post(t, body))
			}
			s.playing(t, webrtctest.Options{})
		},
		"BAD-16": func(t *testing.T, s *server) {
			for _, direction := range []string{"inactive", "sendonly"} {
				wantRefused(t, s.post(t, replace(t, s.offer(t, webrtctest.Options{}), "a=recvonly", "a="+direction)))
			}
			s.playing(t, webrtctest.Options{})
		},
		"BAD-17": func(t *testing.T, s *server) {
			p := s.playing(t, webrtctest.Options{}) // before, during and after all of it in the same process
			strangeOffers(t, s)
			tooManyCandidates(t, s)
			media(t, p)
			complete(t, p)
		},
	}
}

// setUpDeadline wants a session that never gets to DTLS to be dropped soon.
func setUpDeadline(t *testing.T, shared *server) {
	s := newServer(t, serverOptions{broken: shared.broken, session: session.Options{SetupTimeout: time.Second}})
	m := s.make(t)
	webrtctest.Until(t, soon, func() string {
		if s.do(t, "GET", m.url, "").Status != http.StatusNotFound {
			return "the end of a session that never connects"
		}
		return ""
	})
}

func tooManyCandidates(t *testing.T, s *server) {
	p := s.playing(t, webrtctest.Options{})
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
	wantStatus(t, s.do(t, "GET", p.Session(), ""), http.StatusNoContent)
	media(t, p)
}

func strangeOffers(t *testing.T, s *server) {
	offer := s.offer(t, webrtctest.Options{})
	for name, body := range map[string]string{
		"port of 20 digits": replace(t, offer, "m=audio 9 ", "m=audio 12345678901234567890 "),
		"NUL":               replace(t, offer, "a=mid:0", "a=mid:\x00"),
		"a 1 MB line":       offer + "a=x:" + strings.Repeat("x", 1<<20) + "\r\n",
		"a 100 kB line":     offer + "a=x:" + strings.Repeat("x", 100<<10) + "\r\n",
		"10 000 m= lines":   offer + strings.Repeat("m=audio 9 x 0\r\n", 10_000),
		"5 000 m= lines":    offer + strings.Repeat("m=audio 9 x 0\r\n", 5_000),
		"unknown protocol":  replace(t, offer, "UDP/TLS/RTP/SAVPF", "UDP/NO/SUCH/THING"),
		"no common codec":   replace(t, replace(t, replace(t, offer, "H264/", "H261/"), "VP8/", "VP7/"), "opus/", "dopus/"),
		"bad fingerprint":   replace(t, offer, "a=fingerprint:sha-256 ", "a=fingerprint:sha-256 ZZ:"),
	} {
		begin := time.Now()
		reply := s.post(t, body)
		if reply.Status >= 500 || time.Since(begin) > 5*time.Second {
			t.Errorf("%s: status %d after %v", name, reply.Status, time.Since(begin))
		}
		if reply.Status == http.StatusCreated {
			s.do(t, "DELETE", s.resolve(t, reply.Header.Get("Location")), "")
		}
	}
	s.playing(t, webrtctest.Options{})
}

// garbageFlood posts garbage 200 times at once while somebody plays.
func garbageFlood(t *testing.T, s *server) {
	p := s.playing(t, webrtctest.Options{})
	before := p.Video()
	offer := s.offer(t, webrtctest.Options{})
	bodies := []string{"", "garbage", binary(3000), offer[:strings.Index(offer, "\nm=")+6], webrtctest.WithoutLines(offer, "a=ice-pwd:"), strings.Repeat("m=audio 9 x 0\r\n", 1000)}
	const posts = 200
	var wg sync.WaitGroup
	for i := range posts {
		wg.Go(func() {
			client := webrtctest.NewClient()
			defer client.Close()
			reply, err := client.Do(t.Context(), "POST", s.endpoint, bodies[i%len(bodies)], "Content-Type", sdpType)
			switch {
			case err != nil:
				t.Errorf("post: %v", err)
			case reply.Status >= 500 && (reply.Status != http.StatusServiceUnavailable || reply.Header.Get("Retry-After") == ""), reply.Status < 400:
				t.Errorf("status %d", reply.Status)
			}
		})
	}
	wg.Wait()
	media(t, p)
	complete(t, p)
	if after := p.Video(); after.SSRC != before.SSRC {
		t.Error("the stream has changed")
	}
	s.playing(t, webrtctest.Options{})
}
