package whep_test

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRules proves the rules one by one. With WEIR_BREAK set to a rule's id the
// server breaks that rule, and its check must fail: see TestBrokenRules.
func TestRules(t *testing.T) {
	t.Parallel()
	wishtest.Run(t, newServer(t, serverOptions{broken: wishtest.Broken()}).shared(), checks())
}

func TestListOfRules(t *testing.T) {
	t.Parallel()
	wishtest.CheckList(t, "../internal/wish/testdata/rules.txt", checks(), breaks(), "WHIP-")
}

// checks are all of them, by id.
func checks() map[string]wishtest.Check { return wishtest.Merge(wishtest.Rules(), ownRules()) }

// breaks are the breakers by the id of the rule that each breaks.
func breaks() map[string]wishtest.Breaker { return wishtest.Merge(wishtest.Breaks(), ownBreaks()) }

// ownRules are those that WHEP alone has.
func ownRules() map[string]wishtest.Check {
	return map[string]wishtest.Check{
		"WHEP-09": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			reply := s.Do(t, "HEAD", s.Endpoint(), "")
			wishtest.WantStatus(t, reply, http.StatusOK)
			if reply.MediaType() != sdpType || reply.Body != "" {
				t.Errorf("type %q, body %q", reply.MediaType(), reply.Body)
			}
		},
		"WHEP-20": notLive,
		"WHEP-30": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			for _, direction := range []string{"recvonly", "sendrecv"} {
				answer := s.MakeOf(t, wishtest.Replace(t, s.Offer(t, wishtest.Way{}), "a=recvonly", "a="+direction)).Body
				if n := len(webrtctest.Values(answer, "a=sendonly")); n != 2 {
					t.Errorf("%d sections of the answer to %s are sendonly:\n%s", n, direction, answer)
				}
			}
		},
		"WHEP-38": oneStream,
		"xx-102": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			m := s.MakeOf(t, withData(s.Offer(t, wishtest.Way{})))
			sections := webrtctest.Sections(m.Body)
			if len(sections) != 4 || !strings.HasPrefix(sections[3], "m=application 0 ") || webrtctest.Value(sections[3], "a=mid:") != "2" {
				t.Errorf("the data channel is not refused in its section:\n%s", m.Body)
			}
		},
		"QRK-06": dataChannel,
		"QRK-16": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			p := s.Open(t, wishtest.Way{Offer: func(offer string) string { return strings.ReplaceAll(offer, "a=recvonly", "a=sendrecv") }})
			p.More(t)
			if len(webrtctest.Values(p.Answer(), "a=sendonly")) != 2 {
				t.Errorf("not sendonly:\n%s", p.Answer())
			}
		},
	}
}

func ownBreaks() map[string]wishtest.Breaker {
	return map[string]wishtest.Breaker{
		"WHEP-20": wishtest.Refused(409, 404),
		"WHEP-30": wishtest.Answered(func(sdp string) string { return strings.ReplaceAll(sdp, "a=sendonly", "a=sendrecv") }),
		"WHEP-38": wishtest.Answered(func(sdp string) string { return strings.Replace(sdp, "a=msid:", "a=msid:x", 1) }),
	}
}

func notLive(t *testing.T, s *wishtest.Server) {
	t.Helper()
	offer := s.Offer(t, wishtest.Way{})
	var bodies []string
	for _, name := range []string{"nobody", "no-one.else"} {
		reply := s.Do(t, "POST", s.Base+"/whep/"+name, offer, "Content-Type", sdpType)
		wishtest.WantStatus(t, reply, http.StatusConflict)
		if seconds, err := strconv.Atoi(reply.Header.Get("Retry-After")); err != nil || seconds < 1 {
			t.Errorf("Retry-After is %q", reply.Header.Get("Retry-After"))
		}
		bodies = append(bodies, strings.ReplaceAll(reply.Body, reply.Header.Get("X-Request-Id"), ""))
	}
	if bodies[0] != bodies[1] {
		t.Errorf("the replies tell two streams apart:\n%s%s", bodies[0], bodies[1])
	}
}

func oneStream(t *testing.T, s *wishtest.Server) {
	t.Helper()
	streams := map[string]bool{}
	for _, section := range webrtctest.Sections(s.Make(t).Body)[1:] {
		msids := webrtctest.Values(section, "a=msid:")
		if len(msids) != 1 || len(strings.Fields(msids[0])) != 2 {
			t.Fatalf("msid lines: %q", msids)
		}
		streams[strings.Fields(msids[0])[0]] = true
	}
	if len(streams) != 1 {
		t.Errorf("MediaStreams: %v", slices.Collect(maps.Keys(streams)))
	}
}

func dataChannel(t *testing.T, s *wishtest.Server) {
	t.Helper()
	p := s.Open(t, wishtest.Way{Offer: withData, Answer: func(answer string) string {
		return answer[:strings.Index(answer, "m=application")] // the player never asked for it
	}})
	p.More(t)
	sections := webrtctest.Sections(p.Answer())
	if len(sections) != 4 {
		t.Fatalf("the data channel has no section:\n%s", p.Answer())
	}
	for _, prefix := range []string{"a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=setup:"} { // aiortc wants them there too
		if webrtctest.Value(sections[3], prefix) == "" && webrtctest.Value(sections[0], prefix) == "" {
			t.Errorf("no %s in the refused section:\n%s", prefix, sections[3])
		}
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
