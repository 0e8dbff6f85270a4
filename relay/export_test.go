package relay

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"time"

	"weir/internal/wish"
)

// WithResolver makes names be asked of another resolver.
func (o Options) WithResolver(r *net.Resolver) Options {
	o.resolver = r
	return o
}

// WithLinger changes how long a push outlives its stream's publisher.
func (o Options) WithLinger(d time.Duration) Options {
	o.linger = d
	return o
}

// WithSilence changes for how long nothing may come until a pull says so.
func (o Options) WithSilence(d time.Duration) Options {
	o.silence = d
	return o
}

// WithAid changes for how long a session may not connect until ICE servers are asked.
func (o Options) WithAid(d time.Duration) Options {
	o.aid = d
	return o
}

// TrickleRefused counts sessions whose server took no candidates after the offer.
func (r *Relay) TrickleRefused() uint64 { return r.trickleRefused.Load() }

// ICEServers are those that may be asked.
func (r *Relay) ICEServers(ctx context.Context, named []wish.ICEServer) []wish.ICEServer {
	return r.client.iceServers(ctx, named)
}

// CheckURL and CheckDial are the two questions about a host.
func CheckURL(all []Host, text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return err
	}
	return hosts(all).checkURL(u)
}

func CheckDial(all []Host, to netip.AddrPort) error { return hosts(all).checkDial(to) }

// RetryAfter reads the field.
func RetryAfter(text string, now time.Time) time.Duration { return retryAfter(text, now) }

// Backoffs are the times between attempts that all fail at once.
func Backoffs(n int) []time.Duration {
	var b backoff
	var all []time.Duration
	for range n {
		all = append(all, b.after(0, errDown))
	}
	return all
}

// Known is of how many streams it is remembered what they have come through.
func (h *Hops) Known() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.chains)
}

// ErrDown is what comes of a question where nothing listens.
var ErrDown = errDown

// Probe is what becomes of a server from which nothing comes and that answers in
// such a way: when it is asked since it was last heard of, whether it is not asked
// again, and what ends the session.
func Probe(pulls bool, answers ...error) (asked []time.Duration, barred bool, err error) {
	var heard time.Time
	p := newProber(pulls, heard)
	now := heard
	for _, answer := range answers {
		for !p.due(now) {
			if p.barred {
				return asked, true, nil
			}
			now = now.Add(look)
		}
		asked = append(asked, now.Sub(heard))
		if err := p.answered(now, answer); err != nil {
			return asked, p.barred, err
		}
	}
	return asked, p.barred, nil
}

// Silence is what a session says that brings so much.
func Silence() func(now time.Time, packets uint64, begun bool) string {
	s := silence{most: longSilence}
	return s.why
}

// Patience is patience.
var Patience = patience
