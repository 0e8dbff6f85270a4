package session_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"weir/session"
)

// A browser that hides its addresses behind names is reached by them where that is
// asked for: here the gateway alone can begin, for the player is told of none of
// its addresses.
func TestLocalNames(t *testing.T) {
	g := newGateway(t, session.Options{MDNS: true})
	o := playerOptions{settings: func(e *webrtc.SettingEngine) {
		e.SetIncludeLoopbackCandidate(false)
		e.SetICEMulticastDNSMode(ice.MulticastDNSModeQueryAndGather)
	}}
	p := newPlayer(t, o)
	offer := p.offer(t, o, false)
	candidates := values(offer, "a=candidate:")
	hidden := func(c string) bool { return strings.Contains(c, ".local ") }
	if len(candidates) == 0 || !slices.ContainsFunc(candidates, hidden) {
		t.Skip("this machine has no interface for multicast")
	}
	s, answer, err := g.Egress(t.Context(), g.request(offer))
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, without(answer, "a=candidate:", "a=end-of-candidates"))
	p.plays(t)
	if got := s.Stats().Candidates[1]; !strings.HasSuffix(got, ".local host") {
		t.Errorf("the player is at %q", got)
	}
}
