package peer

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

	"weir/internal/udp"
	"weir/stream"
)

// route is what one session sees of the ports: an ice.UDPMux with the addresses
// that its player may know, and a note of why the last write failed, which pion
// does not tell.
type route struct {
	// static after newRoute
	ports    *udp.Ports
	local    netip.Addr // that the HTTP request came in on; may be invalid
	loopback bool       // the player is on this machine

	failed atomic.Uint32 // stream.DropReason of the last write that failed, until taken

	drops   udp.Drops // of all its sockets
	senders senders

	mu sync.Mutex
	// guarded by mu
	conns map[*routeConn]struct{} // open
}

func newRoute(p *udp.Ports, local netip.Addr, loopback bool) *route {
	return &route{ports: p, local: local.Unmap().WithZone(""), loopback: loopback, conns: map[*routeConn]struct{}{}}
}

// addresses are those of the session's candidates, best first.
func (r *route) addresses() []udp.Address {
	list := r.ports.List()
	all := make([]udp.Address, len(list))
	for i, l := range list {
		all[i] = l.Address
	}
	return orderAddresses(all, r.local, r.loopback)
}

// orderAddresses chooses the addresses that a player is told, best first. Some
// players try the first alone, so that is an IPv4 address which the player can
// reach: the one its HTTP request came in on, or one of the same interface if
// the request came by IPv6. The other IPv4 addresses follow, then IPv6.
// Loopback addresses are left out unless the player is on this machine.
func orderAddresses(all []udp.Address, local netip.Addr, loopback bool) []udp.Address {
	iface := ""
	for _, h := range all {
		if h.Addr == local {
			iface = h.Interface
		}
	}
	rank := func(h udp.Address) int {
		switch {
		case h.Addr == local && h.Addr.Is4():
			return 0
		case h.Addr.Is4() && iface != "" && h.Interface == iface:
			return 1
		case h.Addr.Is4():
			return 2
		case h.Addr == local:
			return 3
		default:
			return 4
		}
	}
	var chosen []udp.Address
	for _, h := range all {
		if loopback || !h.Addr.IsLoopback() {
			chosen = append(chosen, h)
		}
	}
	slices.SortStableFunc(chosen, func(a, b udp.Address) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), a.Addr.Compare(b.Addr))
	})
	return chosen
}

// hasIP says whether an address is one of the session's candidates.
func (r *route) hasIP(ip net.IP) bool {
	addr, ok := netip.AddrFromSlice(ip)
	return ok && slices.ContainsFunc(r.addresses(), func(h udp.Address) bool { return h.Addr == addr.Unmap() })
}

// GetListenAddresses implements ice.UDPMux.
func (r *route) GetListenAddresses() []net.Addr {
	var addrs []net.Addr
	for _, h := range r.addresses() {
		for _, l := range r.ports.List() {
			if l.Addr == h.Addr {
				addrs = append(addrs, l.Local)
			}
		}
	}
	return addrs
}

// GetConn implements ice.UDPMux.
func (r *route) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	for _, l := range r.ports.List() {
		if l.Local != addr && l.Local.String() != addr.String() {
			continue
		}
		conn, err := l.Mux.GetConn(ufrag, addr, &r.drops)
		if err != nil {
			return nil, err
		}
		c := &routeConn{Share: conn, route: r, addr: l.Addr}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.conns[c] = struct{}{}
		return c, nil
	}
	return nil, errNoSocket
}

// RemoveConnByUfrag implements ice.UDPMux.
func (r *route) RemoveConnByUfrag(ufrag string) {
	for _, l := range r.ports.List() {
		l.Mux.RemoveConnByUfrag(ufrag)
	}
}

// Close implements ice.UDPMux. The sockets are shared and stay open.
func (r *route) Close() error { return nil }

// note keeps why a write has failed, if it has.
func (r *route) note(err error) {
	if err != nil {
		r.failed.Store(uint32(dropReason(err)))
	}
}

// takeFailure is why a write has failed since the last call: DropNotReady if
// none did.
func (r *route) takeFailure() stream.DropReason {
	if reason := stream.DropReason(r.failed.Swap(0)); reason != stream.DropNone {
		return reason
	}
	return stream.DropNotReady
}

// keepOnly gives back the session's share of every socket but that of addr: each
// costs a goroutine of pion's and 8 KiB of buffer.
func (r *route) keepOnly(addr netip.Addr) {
	r.mu.Lock()
	var others []*routeConn
	for c := range r.conns {
		if c.addr != addr {
			others = append(others, c)
		}
	}
	r.mu.Unlock()
	for _, c := range others {
		_ = c.Close() // it always returns nil
	}
}

// routeConn is a session's share of one socket.
type routeConn struct {
	*udp.Share

	route *route
	addr  netip.Addr
	once  sync.Once
}

// Close implements net.PacketConn. It is idempotent: pion closes what keepOnly
// has closed.
func (c *routeConn) Close() error {
	c.once.Do(func() {
		c.route.mu.Lock()
		delete(c.route.conns, c)
		c.route.mu.Unlock()
		_ = c.Share.Close() // it always returns nil
	})
	return nil
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (c *routeConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	n, err := c.Share.WriteToAddrPort(b, to)
	c.route.note(err)
	return n, err
}
