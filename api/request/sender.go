package request

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Bearer is the request's token (RFC 6750 2.1), "" for none. One that is sent in another way, or twice, is none.
func Bearer(r *http.Request) string {
	fields := r.Header.Values("Authorization")
	if len(fields) != 1 {
		return ""
	}
	scheme, credential, _ := strings.Cut(fields[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credential)
}

// Peer is the other end of the request's connection, the zero value if unknown.
func Peer(r *http.Request) netip.AddrPort {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{} // no network behind the request
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// Local is this end of the request's connection, the zero value if unknown.
func Local(r *http.Request) netip.AddrPort {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := addr.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// Forwarded says whether a proxy on this machine handed the request on.
func Forwarded(r *http.Request) bool {
	return Peer(r).Addr().IsLoopback() && (r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "")
}

// PublicURL is the root of this server as the client knows it: by the request's Host, or as a proxy on this machine says
// (RFC 7239, or the X-Forwarded fields).
func PublicURL(r *http.Request) *url.URL {
	root := &url.URL{Scheme: "http", Host: r.Host, Path: "/"}
	if r.TLS != nil {
		root.Scheme = "https"
	}
	if !Forwarded(r) {
		return root
	}
	said := forwardedFields(r.Header.Get("Forwarded"))
	for _, one := range []struct {
		into        *string
		name, field string
	}{{&root.Scheme, "proto", "X-Forwarded-Proto"}, {&root.Host, "host", "X-Forwarded-Host"}} {
		first, _, _ := strings.Cut(r.Header.Get(one.field), ",")
		if value := said[one.name]; value != "" {
			*one.into = value
		} else if first = strings.TrimSpace(first); first != "" {
			*one.into = first
		}
	}
	if root.Scheme != "https" {
		root.Scheme = "http"
	}
	return root
}

// forwardedFields are the parameters of the first element of a Forwarded field (RFC 7239 4).
func forwardedFields(field string) map[string]string {
	first, _, _ := strings.Cut(field, ",")
	said := map[string]string{}
	for pair := range strings.SplitSeq(first, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok {
			said[strings.ToLower(name)] = strings.Trim(value, `"`)
		}
	}
	return said
}
