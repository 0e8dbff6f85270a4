package api

import (
	"net"
	"net/http"
	"net/netip"
)

// Caller says who sent a request that New's handler handed on: the bearer token, "" for none, the name under which it
// is known, "" where it is not or nobody has asked, and the other end of the connection. It is for Options of the
// resources; the credential is never to be logged.
func Caller(r *http.Request) (credential, token string, remote netip.AddrPort) {
	return bearer(r), exchangeOf(r).token, peer(r)
}

// Hidden says whether who sent the request may not know that its stream exists: it is private, and the right to play
// it lacks. It looks at the stream as it is when Hidden is called: a client can hold a request open while streams come
// and go, so a resource calls it last.
func Hidden(r *http.Request) bool {
	x := exchangeOf(r)
	return x.face != nil && !x.playsPrivate && x.face.options.Sources.Private(r.PathValue("stream"))
}

// peer is the other end of the request's connection, the zero value if unknown.
func peer(r *http.Request) netip.AddrPort {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{} // no network behind the request
	}
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// local is this end of the request's connection, the zero value if unknown.
func local(r *http.Request) netip.AddrPort {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := addr.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// forwarded says whether a proxy on this machine handed the request on.
func forwarded(r *http.Request) bool {
	return peer(r).Addr().IsLoopback() && (r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "")
}
