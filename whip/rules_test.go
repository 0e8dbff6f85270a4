package whip_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

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

// What players alone ask for is proved in whep.
func TestListOfRules(t *testing.T) {
	t.Parallel()
	wishtest.CheckList(t, "../internal/wish/testdata/rules.txt", checks(), breaks(), "WHEP-", "xx-102", "QRK-06", "QRK-16")
}

// checks are all of them, by id.
func checks() map[string]wishtest.Check { return wishtest.Merge(wishtest.Rules(), ownRules()) }

// breaks are the breakers by the id of the rule that each breaks.
func breaks() map[string]wishtest.Breaker { return wishtest.Merge(wishtest.Breaks(), ownBreaks()) }

// ownRules are those that WHIP alone has.
func ownRules() map[string]wishtest.Check {
	return map[string]wishtest.Check{
		"WHIP-30": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			for _, direction := range []string{"sendonly", "sendrecv"} {
				answer := s.MakeOf(t, wishtest.Replace(t, s.Offer(t, wishtest.Way{}), "a=sendonly", "a="+direction)).Body
				if n := len(webrtctest.Values(answer, "a=recvonly")); n != 2 {
					t.Errorf("%d sections of the answer to %s are recvonly:\n%s", n, direction, answer)
				}
			}
		},
		"WHIP-40": notHalf,
		"WHIP-41": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			offer := s.Offer(t, wishtest.Way{})
			sections := webrtctest.Sections(offer)
			second := wishtest.Replace(t, sections[2], "a=mid:1", "a=mid:2")
			reply := s.Post(t, wishtest.Replace(t, offer, "BUNDLE 0 1", "BUNDLE 0 1 2")+second)
			if reply.Status != http.StatusUnprocessableEntity && reply.Status != http.StatusBadRequest {
				t.Errorf("two video sections: %d %s", reply.Status, reply.Body)
			}
		},
		"WHIP-42": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			p := s.Open(t, wishtest.Way{Offer: func(offer string) string { return strings.ReplaceAll(offer, "a=setup:actpass", "a=setup:active") }})
			if got := webrtctest.Value(p.Answer(), "a=setup:"); got != "passive" {
				t.Errorf("the answer to active is %s", got)
			}
			p.More(t)
		},
		"WHIP-43": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			if answer := s.MakeOf(t, simulcast(t)).Body; !strings.Contains(answer, "a=simulcast:") {
				t.Errorf("the simulcast is not taken:\n%s", answer)
			}
		},
		"WHIP-44": layersAnswered,
		"WHIP-73": func(t *testing.T, s *wishtest.Server) {
			t.Helper()
			p := s.Open(t, wishtest.Way{})
			p.More(t)
			if _, err := p.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			deleted := time.Now()
			wait := func(d time.Duration) {
				webrtctest.Until(t, wishtest.Soon, func() string {
					if rest := d - time.Since(deleted); rest > 0 {
						return rest.String() + " to watch"
					}
					return ""
				})
			}
			wait(2 * time.Second)
			count := p.Count()
			wait(3 * time.Second)
			if p.Count() != count {
				t.Error("the viewer still gets media")
			}
		},
	}
}

func ownBreaks() map[string]wishtest.Breaker {
	return map[string]wishtest.Breaker{
		"WHIP-30": wishtest.Answered(func(sdp string) string { return strings.ReplaceAll(sdp, "a=recvonly", "a=sendrecv") }),
		"WHIP-40": wishtest.Refused(422, 201),
		"WHIP-41": wishtest.Refused(422, 406),
		"WHIP-42": wishtest.Answered(func(sdp string) string { return strings.ReplaceAll(sdp, "a=setup:passive", "a=setup:active") }),
		"WHIP-44": wishtest.Answered(func(sdp string) string { return strings.ReplaceAll(sdp, "a=rid:m recv", "a=rid:m send") }),
		"WHIP-73": wishtest.NotEnded(),
	}
}

// notHalf offers what cannot all be served.
func notHalf(t *testing.T, s *wishtest.Server) {
	t.Helper()
	offer := s.Offer(t, wishtest.Way{})
	for name, half := range map[string]string{
		"unknown sound": wishtest.Replace(t, offer, "opus/48000", "dopus/48000"),
		"a data channel": wishtest.Replace(t, offer, "BUNDLE 0 1", "BUNDLE 0 1 2") +
			"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n",
	} {
		reply := s.Post(t, half)
		if reply.Status != http.StatusUnprocessableEntity && reply.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, reply.Status, reply.Body)
		}
	}
	for _, section := range webrtctest.Sections(s.MakeOf(t, offer).Body)[1:] {
		if strings.Fields(section)[1] == "0" {
			t.Errorf("a section was refused:\n%s", section)
		}
	}
}

// simulcast is an offer of three layers.
func simulcast(t *testing.T) string {
	t.Helper()
	offer, err := webrtctest.MakePublishOffer(t.Context(), webrtctest.PublishOptions{RIDs: []string{"h", "m", "l"}})
	if err != nil {
		t.Fatal(err)
	}
	return offer
}

func layersAnswered(t *testing.T, s *wishtest.Server) {
	t.Helper()
	section := webrtctest.Sections(s.MakeOf(t, simulcast(t)).Body)[2]
	if got := webrtctest.Values(section, "a=simulcast:"); !slices.Equal(got, []string{"recv h;m;l"}) {
		t.Errorf("simulcast lines: %q", got)
	}
	if got := webrtctest.Values(section, "a=rid:"); !slices.Equal(got, []string{"h recv", "m recv", "l recv"}) {
		t.Errorf("rid lines: %q", got)
	}
}
