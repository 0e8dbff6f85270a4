package request

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Client is who sent the request: the other end of the connection, unless that is a proxy on this machine. Then it is the
// last address that the proxy appended, the port 0 where it said none: proxies of this machine, of which there may be
// several in a row, are believed, and what a client says of itself stands further to the front. What comes from another
// machine is never believed.
func Client(r *http.Request) netip.AddrPort {
	remote := Peer(r)
	for _, said := range slices.Backward(forwardedFor(r.Header)) {
		if !remote.Addr().IsLoopback() {
			break
		}
		next, ok := parseNode(said)
		if !ok {
			break
		}
		remote = next
	}
	return remote
}

// forwardedFor are the addresses that proxies have appended: to X-Forwarded-For, which most of them know, else to
// Forwarded (RFC 7239 5.2), which a client could have made up where the proxy does not know it.
func forwardedFor(header http.Header) []string {
	if fields := header.Values("X-Forwarded-For"); len(fields) > 0 {
		return strings.Split(strings.Join(fields, ","), ",")
	}
	var all []string
	for element := range strings.SplitSeq(strings.Join(header.Values("Forwarded"), ","), ",") {
		all = append(all, forwardedFields(element)["for"])
	}
	return all
}

// parseNode reads an address, with or without a port. A name that hides one, or "unknown", is none (RFC 7239 6).
func parseNode(text string) (netip.AddrPort, bool) {
	text = strings.TrimSpace(text)
	if node, err := netip.ParseAddrPort(text); err == nil {
		return netip.AddrPortFrom(node.Addr().Unmap(), node.Port()), true
	}
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	return netip.AddrPortFrom(addr.Unmap(), 0), err == nil
}
