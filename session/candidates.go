package session

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/pion/webrtc/v4"

	"weir/internal/udp"
)

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
