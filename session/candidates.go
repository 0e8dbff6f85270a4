package session

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

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

// remoteCandidate is a player's candidate that can be tried.
type remoteCandidate struct {
	line  string // as pion is given it: "candidate:..."
	key   string // equal for candidates of the same transport address
	ufrag string // that it names (RFC 8839 5.1's extension), or ""
}

// candidateFilter says which of a player's candidates can be tried.
type candidateFilter struct {
	mdns     bool // names in .local are resolved
	loopback bool // the player is on this machine
}

// parse reads one candidate attribute's value. What cannot be used is dropped
// without a word to the player, as RFC 9725 4.3.2 wants: other transports than
// UDP, other components than RTP, names (an address book of ours must not be
// asked for a stranger), addresses that cannot be reached from here.
func (f candidateFilter) parse(value string) (c remoteCandidate, ok bool) {
	fields := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(value, "a="), "candidate:"))
	if len(fields) < 8 || !strings.EqualFold(fields[6], "typ") || !strings.EqualFold(fields[2], "udp") {
		return c, false
	}
	component, address, kind := fields[1], fields[4], strings.ToLower(fields[7])
	if component != "1" && component != "0" { // 0 is what Eyevinn's client writes
		return c, false
	}
	priority, err := strconv.ParseUint(fields[3], 10, 32)
	if err != nil {
		return c, false
	}
	port, err := strconv.ParseUint(fields[5], 10, 16)
	if err != nil || port == 0 {
		return c, false
	}
	if !isToken(fields[0], 32) || !slices.Contains([]string{"host", "srflx", "prflx", "relay"}, kind) {
		return c, false
	}
	addr, err := netip.ParseAddr(address)
	switch {
	case err == nil:
		if addr = addr.Unmap(); !f.reachable(addr) {
			return c, false
		}
		address = addr.String()
	case !f.mdns || !isLocalName(address):
		return c, false
	}
	for i := 8; i+1 < len(fields); i += 2 {
		if fields[i] == "ufrag" {
			c.ufrag = fields[i+1]
		}
	}
	c.key = address + " " + fields[5]
	c.line = fmt.Sprintf("candidate:%s 1 udp %d %s %d typ %s", fields[0], priority, address, port, kind)
	if kind != "host" {
		c.line += " raddr 0.0.0.0 rport 9" // RFC 8839 5.1 wants one; nobody here needs the true one
	}
	return c, true
}

func (f candidateFilter) reachable(a netip.Addr) bool {
	if a.IsLoopback() {
		return f.loopback
	}
	return a.IsGlobalUnicast() && a.Zone() == ""
}

// isLocalName says whether the name is an mDNS one as browsers make them.
func isLocalName(name string) bool {
	label, ok := strings.CutSuffix(strings.ToLower(name), ".local")
	return ok && isToken(label, 63)
}

// isToken says whether s is made of letters, digits and "+/-" alone, and not
// longer than most: what foundations are (RFC 8839 5.1).
func isToken(s string, most int) bool {
	if s == "" || len(s) > most {
		return false
	}
	for _, r := range []byte(s) {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		if !letter && (r < '0' || r > '9') && r != '+' && r != '/' && r != '-' {
			return false
		}
	}
	return true
}

// isICEChars says whether s consists of ice-char (RFC 8839 5.4) and has between
// least and most of them.
func isICEChars(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for _, r := range []byte(s) {
		letter := r|0x20 >= 'a' && r|0x20 <= 'z'
		if !letter && (r < '0' || r > '9') && r != '+' && r != '/' {
			return false
		}
	}
	return true
}
