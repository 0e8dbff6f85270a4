package relay

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"weir/internal/wish"
	"weir/session"
)

const (
	// aidTime is for how long a session may not connect until the ICE servers that
	// the other server has named are asked.
	aidTime = 3 * time.Second
	// maxServers is how many of them are.
	maxServers = 4
	// maxTrickles is how many PATCHes may fail for the network's sake.
	maxTrickles = 3
	// stunPort is the usual one of STUN and TURN (RFC 7064 3.2, RFC 7065 3.2).
	stunPort = 3478
)

var (
	// errAid ends a session that does not connect without ICE servers.
	errAid = errors.New("no way for media to the server is found; the ICE servers that it names are asked")
	// errMute ends one that does not connect by what an offer held without them.
	errMute = errors.New("no way for media to the server is found, and it takes no candidates after the offer; the next one has all")
)

// A way is what sessions with another server have taught for the next one. It is
// for one goroutine.
type way struct {
	named []wish.ICEServer // the ICE servers of the newest answer
	aid   bool             // it takes them
	whole bool             // the other server takes no candidates after the offer
}

// offer says how the next offer is made.
func (w *way) offer(ctx context.Context, c *client, local bool) session.OfferOptions {
	o := session.OfferOptions{Local: local, Whole: w.whole}
	if w.aid {
		o.Servers = c.iceServers(ctx, w.named)
	}
	return o
}

// iceServers are those of some ICE servers that may be spoken to, by the addresses
// that were checked: by UDP without TLS, which an address has no name for.
func (c *client) iceServers(ctx context.Context, named []wish.ICEServer) []wish.ICEServer {
	var all []wish.ICEServer
	for _, server := range named {
		scheme, rest, _ := strings.Cut(server.URL, ":")
		rest, transport, _ := strings.Cut(rest, "?")
		if len(all) == maxServers || scheme != "stun" && scheme != "turn" || transport == "transport=tcp" {
			continue
		}
		host, port := strings.Trim(rest, "[]"), uint64(stunPort)
		if h, p, err := net.SplitHostPort(rest); err == nil {
			host = h
			port, _ = strconv.ParseUint(p, 10, 16) // it was read before; 0 is listed by nobody
		}
		to, err := c.resolve(ctx, host, uint16(port))
		if err != nil {
			continue
		}
		server.URL = scheme + ":" + to.String()
		all = append(all, server)
	}
	return all
}

// resolve is an address of a host and port that may be spoken to.
func (c *client) resolve(ctx context.Context, host string, port uint16) (netip.AddrPort, error) {
	if err := c.hosts.checkHost(host, port); err != nil {
		return netip.AddrPort{}, err
	}
	addrs := []netip.Addr{}
	if addr, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, addr)
	} else {
		ctx, cancel := context.WithTimeout(ctx, dialTime)
		defer cancel()
		if addrs, err = c.resolver.LookupNetIP(ctx, "ip", host); err != nil {
			return netip.AddrPort{}, failure(err)
		}
	}
	for _, addr := range addrs {
		if to := netip.AddrPortFrom(addr.Unmap(), port); c.hosts.checkDial(to) == nil {
			return to, nil
		}
	}
	return netip.AddrPort{}, ErrHost
}

// aid says so if the session does not connect, and ICE servers that were not
// asked may help.
func (l *link) aid(ctx context.Context, now time.Time) error {
	switch {
	case l.session.Connected() || now.Sub(l.answered) < l.relay.opts.aid:
		return nil
	case l.mute:
		return errMute
	case l.way.aid || len(l.way.named) == 0:
		return nil
	}
	if usable := l.relay.client.iceServers(ctx, l.way.named); len(usable) == 0 {
		l.relay.opts.Logger.Debug("ice servers are not asked", "stream", l.stream, "count", len(l.way.named),
			"reason", "relay.hosts lists none of them with its port, or they want TCP or TLS")
		l.way.named = nil
		return nil
	}
	l.way.aid = true
	return errAid
}

// trickle tells the other server the candidates that have been gathered since the
// offer, and that there are no more (RFC 9725 4.3.2, RFC 8840 4.4). One that does not
// take them is offered all at once the next time.
func (l *link) trickle(ctx context.Context) {
	if l.told {
		return
	}
	f := l.session.Local()
	first := &f.Sections[0]
	l.told = strings.Contains(l.offered, "a=end-of-candidates")
	all := first.Candidates
	first.Candidates = slices.DeleteFunc(slices.Clone(all), func(c string) bool { return strings.Contains(l.offered, "a="+c+"\r\n") })
	if l.told || len(first.Candidates) == 0 && !first.EndOfCandidates {
		return
	}
	x := l.exchange(http.MethodPatch)
	x.contentType, x.body = wish.TypeFragment, f.String()
	if l.etag != "" {
		x.header = http.Header{"If-Match": {l.etag}}
	}
	_, err := l.relay.client.do(ctx, x, shortTime)
	refused, said := errors.AsType[*Refused](err)
	switch {
	case err == nil:
		l.offered += f.String()
	case said:
		l.told, l.mute = true, refused.Status != http.StatusNotFound // of a session that is over
		l.way.whole = l.way.whole || l.mute
		l.relay.trickleRefused.Add(1)
		l.relay.opts.Logger.Debug("candidates are not taken after the offer", "stream", l.stream, "code", refused.Error(), "count", len(first.Candidates))
	case ctx.Err() == nil:
		l.tries++
		l.told = l.tries == maxTrickles
	}
}
