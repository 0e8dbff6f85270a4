package wish

import (
	"net"
	"net/http"
	"net/netip"
)

// An Endpoint is what the endpoints of both protocols share: a POST that makes a
// session, and what OPTIONS, CORS and methods that are not there are answered
// with. It may be used from many goroutines.
type Endpoint struct {
	// static after NewEndpoint
	options EndpointOptions
	links   []link // of ICEServers
}

// A link is an ICE server as a Link field.
type link struct {
	text       string
	credential bool // it holds one
}

// EndpointOptions configure an Endpoint. The zero value works.
type EndpointOptions struct {
	// Caller says who sent a request: the bearer token and its name, "" for
	// none, and the address. Nil takes the connection's peer and no token.
	Caller func(r *http.Request) (credential, token string, remote netip.AddrPort)
	// ICEServers are told to every client that makes a session, and to those that
	// ask OPTIONS: the ones with a credential only as Entitled says.
	ICEServers []ICEServer
	// Entitled says whether an OPTIONS request is of somebody who may make a
	// session; nil holds everybody for one.
	Entitled func(r *http.Request) bool
	// MaxOffer is the longest offer in bytes; 0 is 128 KiB.
	MaxOffer int64
	// SessionPath makes the path of a session's URL; nil makes
	// "/session/<secret>". Clients get along with nothing but an absolute path
	// without a query.
	SessionPath func(secret string) string
}

// Created is a session that a POST has made.
type Created struct {
	Secret string // the last part of its URL
	ETag   string // of its ICE session, with its quotes
	Answer string // SDP
}

// endpointMethods are those of both endpoints, as Allow lists them.
const endpointMethods = "GET, HEAD, POST, OPTIONS"

// NewEndpoint makes an Endpoint.
func NewEndpoint(o EndpointOptions) *Endpoint {
	const maxOffer = 128 << 10
	if o.MaxOffer <= 0 {
		o.MaxOffer = maxOffer
	}
	if o.Caller == nil {
		o.Caller = func(r *http.Request) (string, string, netip.AddrPort) { return "", "", peer(r) }
	}
	if o.SessionPath == nil {
		o.SessionPath = func(secret string) string { return "/session/" + secret }
	}
	e := &Endpoint{options: o}
	for _, server := range o.ICEServers {
		e.links = append(e.links, link{server.Link(), server.Username != "" || server.Credential != ""})
	}
	return e
}

// Serve answers every method but HEAD as both protocols want it; create makes a
// session of a POST's offer. When Serve returns an error nothing but header
// fields has been written, and the caller writes the reply, see WriteError.
func (e *Endpoint) Serve(w http.ResponseWriter, r *http.Request, create func(offer string) (Created, error)) error {
	header := w.Header()
	AllowOrigin(header)
	switch r.Method {
	case http.MethodPost:
		return e.post(w, r, create)
	case http.MethodOptions:
		AllowRequests(header)
		header.Set("Allow", endpointMethods)
		header.Set("Accept-Post", TypeSDP)
		if !Preflight(r) {
			e.link(header, e.options.Entitled == nil || e.options.Entitled(r)) // a preflight never carries a token
		}
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodGet, http.MethodHead:
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		return RefuseMethod(r.Method, endpointMethods)
	}
}

// post makes a session (RFC 9725 4.2, draft-ietf-wish-whep 4.3.1).
func (e *Endpoint) post(w http.ResponseWriter, r *http.Request, create func(offer string) (Created, error)) error {
	offer, err := ReadOffer(w, r, e.options.MaxOffer)
	if err != nil {
		return err
	}
	made, err := create(offer)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", TypeSDP)
	header.Set("Location", e.options.SessionPath(made.Secret))
	header.Set("ETag", made.ETag)
	header.Set("Cache-Control", "no-store") // it holds credentials
	e.link(header, true)
	w.WriteHeader(http.StatusCreated)
	if _, err := w.Write([]byte(made.Answer)); err != nil {
		return nil //nolint:nilerr // the client has gone; its session is given up when it does not connect
	}
	return nil
}

// link adds one Link field for each ICE server, those with a credential only for
// who is entitled to it (RFC 9725 4.6).
func (e *Endpoint) link(header http.Header, entitled bool) {
	for _, l := range e.links {
		if entitled || !l.credential {
			header.Add("Link", l.text)
		}
	}
}

// A Caller is who sent a request, and how.
type Caller struct {
	Credential, Token string         // bearer token and its name, "" for none
	Remote            netip.AddrPort // the other end
	Local             netip.AddrPort // this end of the connection, the zero value if unknown
	Forwarded         bool           // a proxy on this machine handed the request on
}

// Caller says who sent a request.
func (e *Endpoint) Caller(r *http.Request) Caller {
	credential, token, remote := e.options.Caller(r)
	return Caller{Credential: credential, Token: token, Remote: remote, Local: local(r), Forwarded: forwarded(r)}
}

// peer is the other end of the request's connection.
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

// forwarded says whether a proxy on this machine handed the request on: its
// client is then not on this machine, though the connection is.
func forwarded(r *http.Request) bool {
	return peer(r).Addr().IsLoopback() && (r.Header.Get("Forwarded") != "" || r.Header.Get("X-Forwarded-For") != "")
}
