package negotiate

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Candidate is one of the other end's that can be tried.
type Candidate struct {
	Line  string // as pion is given it: "candidate:..."
	Key   string // equal for candidates of the same transport address
	Ufrag string // that it names (RFC 8839 5.1's extension), or ""
}

// CandidateFilter says which of the other end's candidates can be tried.
type CandidateFilter struct {
	MDNS     bool // names in .local are resolved
	Loopback bool // the other end is on this machine
}

// Parse reads one candidate attribute's value. What cannot be used is dropped
// without a word to the other end, as RFC 9725 4.3.2 wants: other transports than
// UDP, other components than RTP, names (an address book of ours must not be
// asked for a stranger), addresses that cannot be reached from here.
func (f CandidateFilter) Parse(value string) (c Candidate, ok bool) {
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
	if !iceToken(fields[0], 32) || !slices.Contains([]string{"host", "srflx", "prflx", "relay"}, kind) {
		return c, false
	}
	addr, err := netip.ParseAddr(address)
	switch {
	case err == nil:
		if addr = addr.Unmap(); !f.reachable(addr) {
			return c, false
		}
		address = addr.String()
	case !f.MDNS || !isLocalName(address):
		return c, false
	}
	for i := 8; i+1 < len(fields); i += 2 {
		if fields[i] == "ufrag" {
			c.Ufrag = fields[i+1]
		}
	}
	c.Key = address + " " + strconv.FormatUint(port, 10)
	c.Line = fmt.Sprintf("candidate:%s 1 udp %d %s %d typ %s", fields[0], priority, address, port, kind)
	if kind != "host" {
		c.Line += " raddr 0.0.0.0 rport 9" // RFC 8839 5.1 wants one; nobody here needs the true one
	}
	return c, true
}

func (f CandidateFilter) reachable(a netip.Addr) bool {
	if a.IsLoopback() {
		return f.Loopback
	}
	return a.IsGlobalUnicast() && a.Zone() == ""
}

// isLocalName says whether the name is an mDNS one as browsers make them.
func isLocalName(name string) bool {
	label, ok := strings.CutSuffix(strings.ToLower(name), ".local")
	return ok && iceToken(label, 63)
}

// iceToken says whether s is made of letters, digits and "+/-" alone, and not
// longer than most: what foundations are (RFC 8839 5.1).
func iceToken(s string, most int) bool {
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
