package peer

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/udp"
)

// ICE is this end's side of one ICE session (RFC 8445 2.6). It is a secret.
type ICE struct {
	Ufrag, Pwd string
	Candidates []string // "candidate:...", best first; none where there is no address
	More       bool     // more candidates may come: see Candidates of the Conn
}

// gather begins a new collection of candidates.
func (c *Conn) gather() *gathering {
	g := &gathering{complete: make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gathering = g
	return g
}

// await waits until all of this end's candidates are there, or for as long as
// servers are waited for. sdp is pion's own description.
func (c *Conn) await(ctx context.Context, g *gathering, sdp string) (ICE, error) {
	var enough <-chan time.Time
	if c.patience > 0 {
		enough = time.After(c.patience)
	}
	select {
	case <-g.complete:
	case <-enough:
	case <-c.ended:
		return ICE{}, ErrEnded
	case <-ctx.Done():
		return ICE{}, ctx.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return ICE{ // from the SDP: pion's own getter is not safe while its transport starts
		Ufrag:      firstAttribute(sdp, "ice-ufrag"),
		Pwd:        firstAttribute(sdp, "ice-pwd"),
		Candidates: localCandidates(g.candidates, c.route.addresses()),
		More:       !g.finished,
	}, nil
}

// Candidates are all that there are by now of this end's, in the ICE session that
// was begun last, and whether more may come.
func (c *Conn) Candidates() (all []string, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return localCandidates(c.gathering.candidates, c.route.addresses()), !c.gathering.finished
}

// gathering collects our candidates of one ICE generation.
type gathering struct {
	// guarded by Conn.mu
	candidates []webrtc.ICECandidate
	finished   bool

	complete chan struct{} // closed when candidates has all
}

// gathered is pion's callback for each candidate. That it is called with nil at
// the end says nothing: pion repeats that, and may do so when the next generation
// gathers already.
func (c *Conn) gathered(candidate *webrtc.ICECandidate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.gathering; candidate != nil && g != nil && !g.finished {
		g.candidates = append(g.candidates, *candidate)
	}
}

// gathers is pion's callback for the state of gathering, which is complete once
// in each generation, after its candidates.
func (c *Conn) gathers(state webrtc.ICEGatheringState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g := c.gathering; state == webrtc.ICEGatheringStateComplete && g != nil && !g.finished {
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
		line := fmt.Sprintf("candidate:%s %d udp %d %s %d typ %s", c.Foundation, c.Component, c.Priority, c.Address, c.Port, c.Typ)
		if c.Typ != webrtc.ICECandidateTypeHost { // whose base it is the other end need not know (RFC 8839 5.1)
			line += " raddr 0.0.0.0 rport 9"
		}
		lines = append(lines, line)
	}
	return lines
}

// firstAttribute is the value of the first such attribute in an SDP of our own, or "".
func firstAttribute(sdp, name string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(line, "a="+name+":"); ok {
			return strings.TrimRight(value, "\r\n")
		}
	}
	return ""
}
