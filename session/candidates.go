package session

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/pion/webrtc/v4"

	"weir/internal/udp"
	"weir/session/negotiate"
)

// gather begins a new collection of candidates.
func (s *Session) gather() *gathering {
	g := &gathering{complete: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gathering = g
	return g
}

// awaitCandidates waits until all of this end's candidates are there, for which
// sdp is pion's own description.
func (s *Session) awaitCandidates(ctx context.Context, g *gathering, sdp string) error {
	select {
	case <-g.complete:
	case <-s.stop:
		return refuseNoSession(s.Reason())
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// From the SDP: pion's own getter is not safe while its transport starts.
	s.ice.ufrag, s.ice.pwd = firstAttribute(sdp, "ice-ufrag"), firstAttribute(sdp, "ice-pwd")
	s.ice.local = localCandidates(g.candidates, s.route.addresses())
	if len(s.ice.local) == 0 {
		return refuseNoAddress()
	}
	return nil
}

// gathering collects our candidates of one ICE generation.
type gathering struct {
	// guarded by Session.mu
	candidates []webrtc.ICECandidate
	finished   bool

	complete chan struct{} // closed when candidates has all
}

// gathered is pion's callback for each candidate. That it is called with nil at
// the end says nothing: pion repeats that, and may do so when the next generation
// gathers already.
func (s *Session) gathered(c *webrtc.ICECandidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.gathering; c != nil && g != nil && !g.finished {
		g.candidates = append(g.candidates, *c)
	}
}

// gathers is pion's callback for the state of gathering, which is complete once
// in each generation, after its candidates.
func (s *Session) gathers(state webrtc.ICEGatheringState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.gathering; state == webrtc.ICEGatheringStateComplete && g != nil && !g.finished {
		g.finished = true
		close(g.complete)
	}
}

// localCandidates writes the gathered candidates in the order of addresses
// (RFC 8839 5.1), without the extensions that pion adds.
func localCandidates(gathered []webrtc.ICECandidate, order []udp.Address) []string {
	rank := func(c webrtc.ICECandidate) int {
		addr, err := netip.ParseAddr(c.Address)
		if i := slices.IndexFunc(order, func(h udp.Address) bool { return h.Addr == addr }); err == nil && i >= 0 {
			return i
		}
		return len(order)
	}
	slices.SortStableFunc(gathered, func(a, b webrtc.ICECandidate) int { return cmp.Compare(rank(a), rank(b)) })
	lines := make([]string, 0, len(gathered))
	for _, c := range gathered {
		lines = append(lines, fmt.Sprintf("candidate:%s %d udp %d %s %d typ %s",
			c.Foundation, c.Component, c.Priority, c.Address, c.Port, c.Typ))
	}
	return lines
}

// usable are the candidates that can be tried, each transport address once, and
// the ufrags that they name. Those of transports that bundling gave up are not.
func (s *Session) usable(values []string) (candidates []negotiate.Candidate, ufrags []string) {
	seen := map[string]bool{}
	for _, value := range values {
		c, ok := s.filter.Parse(value)
		if s.plan.GivenUp(c.Ufrag) {
			continue
		}
		if c.Ufrag != "" && !slices.Contains(ufrags, c.Ufrag) {
			ufrags = append(ufrags, c.Ufrag)
		}
		if ok && !seen[c.Key] {
			seen[c.Key] = true
			candidates = append(candidates, c)
		}
	}
	return candidates, ufrags
}

func keys(candidates []negotiate.Candidate) map[string]bool {
	set := make(map[string]bool, len(candidates))
	for _, c := range candidates {
		set[c.Key] = true
	}
	return set
}
