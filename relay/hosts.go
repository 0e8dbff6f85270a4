package relay

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// ErrHost is returned for a URL whose host, port or resolved address is not
// allowed. Its text is for people and names no address that was resolved.
var ErrHost = errors.New("the host is not allowed")

// Why is what an ErrHost says besides that.
func Why(err error) string { return strings.TrimPrefix(err.Error(), ErrHost.Error()+": ") }

// A Host is one entry of the list of hosts that may be spoken to.
type Host struct {
	name   string       // lower case; "*" for every name; "*.example.org" for what is below; "" for addresses
	prefix netip.Prefix // of addresses
	port   uint16       // 0: 80 and 443
	any    bool         // every port
}

// ParseHost reads HOST or HOST:PORT, where HOST is a name, "*.NAME" for all names
// below one, "*" for all names and public addresses, an address, or a range of them in CIDR form;
// IPv6 with a port stands in brackets. Without a port it means 80 and 443; the
// port "*" means all. A name allows addresses that are public; others, of
// loopback, private networks and links, must be listed as addresses, too.
func ParseHost(text string) (Host, error) {
	var h Host
	host, port := text, ""
	if p, err := parsePrefix(text); err == nil {
		h.prefix = p
		return h, nil
	}
	if i := strings.LastIndexByte(text, ':'); i >= 0 {
		host, port = text[:i], text[i+1:]
	}
	switch n, err := strconv.ParseUint(port, 10, 16); {
	case port == "*":
		h.any = true
	case err == nil && n > 0:
		h.port = uint16(n)
	case host != text:
		return Host{}, fmt.Errorf("%q: want a port after the colon, or *", text)
	}
	bare := host
	if inner, ok := strings.CutPrefix(host, "["); ok {
		bare = strings.Replace(inner, "]", "", 1)
	}
	if p, err := parsePrefix(bare); err == nil {
		h.prefix = p
		return h, nil
	}
	h.name = strings.TrimSuffix(strings.ToLower(host), ".")
	plain := strings.TrimPrefix(h.name, "*.")
	if h.name != "*" && (plain == "" || strings.Trim(plain, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" || strings.ContainsAny(plain[:1], ".-")) {
		return Host{}, fmt.Errorf("%q: want a name, an address or a range of addresses, with a port or without", text)
	}
	return h, nil
}

// parsePrefix reads an address or a range of them.
func parsePrefix(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("no range of addresses")
	}
	return p.Masked(), nil
}

func (h Host) takesPort(port uint16) bool {
	if h.any || h.port == port {
		return true
	}
	return h.port == 0 && (port == 80 || port == 443)
}

func (h Host) takesName(name string) bool {
	if below, ok := strings.CutPrefix(h.name, "*"); ok && h.name != "*" {
		return strings.HasSuffix(name, below)
	}
	return h.name == "*" || h.name != "" && h.name == name
}

func (h Host) takesAddr(addr netip.Addr) bool { return h.prefix.IsValid() && h.prefix.Contains(addr) }

// hosts are all that may be spoken to.
type hosts []Host

// checkURL says whether a URL may be asked, as far as its text tells.
func (all hosts) checkURL(u *url.URL) error {
	const most = 2048
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	port, ok := portOf(u)
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: the address is not of http or https", ErrHost)
	case !ok:
		return fmt.Errorf("%w: the port must be one from 1 to 65535", ErrHost)
	case name == "" || u.Opaque != "" || len(u.String()) > most:
		return fmt.Errorf("%w: the address is not complete, or too long", ErrHost)
	case u.User != nil:
		return fmt.Errorf("%w: the address holds a user's name; a token is a parameter of its own", ErrHost)
	}
	return all.checkHost(name, port)
}

// checkHost says whether a host, named or by its address, may be spoken to, as far
// as its text tells.
func (all hosts) checkHost(name string, port uint16) error {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	addr, err := netip.ParseAddr(name)
	isAddr := err == nil
	if isAddr && addr.Zone() != "" {
		return fmt.Errorf("%w: the address has a zone", ErrHost)
	}
	for _, h := range all {
		takes := h.takesName(name)
		if isAddr {
			takes = h.takesAddr(addr.Unmap()) || h.name == "*" && public(addr.Unmap())
		}
		if takes && h.takesPort(port) {
			return nil
		}
	}
	return fmt.Errorf("%w: relay.hosts does not list it with its port", ErrHost)
}

// checkDial says whether an address may be spoken to that a name has resolved to.
func (all hosts) checkDial(to netip.AddrPort) error {
	addr := to.Addr().Unmap()
	if addr.Zone() == "" && public(addr) {
		return nil // its name was allowed
	}
	for _, h := range all {
		if addr.Zone() == "" && h.takesPort(to.Port()) && h.takesAddr(addr) {
			return nil
		}
	}
	return fmt.Errorf("%w: its name stands for an address of this machine or of a private network, which relay.hosts does not list", ErrHost)
}

// public says whether an address is one of the internet at large. What reaches
// into an IPv4 network by another name (RFC 6052, RFC 3056, RFC 4380) is not, nor
// what a cloud tells its own machines by an address of the internet
// (168.63.129.16).
func public(addr netip.Addr) bool {
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false
	}
	for _, special := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "168.63.129.16/32", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"240.0.0.0/4", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fec0::/10",
	} {
		if netip.MustParsePrefix(special).Contains(addr) {
			return false
		}
	}
	return true
}

// portOf is the port that a URL asks.
func portOf(u *url.URL) (uint16, bool) {
	switch port := u.Port(); {
	case port == "" && u.Scheme == "http":
		return 80, true
	case port == "" && u.Scheme == "https":
		return 443, true
	default:
		n, err := strconv.ParseUint(port, 10, 16)
		return uint16(n), err == nil && n > 0
	}
}

// sameOrigin says whether two URLs are of one scheme, host and port (RFC 6454 4).
func sameOrigin(a, b *url.URL) bool {
	pa, _ := portOf(a)
	pb, _ := portOf(b)
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && pa == pb
}
