// Package whep is the WHEP endpoint (draft-ietf-wish-whep): it takes a player's
// offer for a stream and answers with a session. What follows on the session's
// own URL is wish.Resource's.
package whep

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"weir/internal/wish"
	"weir/session"
)

// Sessions makes sessions: a *session.Manager. Egress may be called from many
// goroutines at once.
type Sessions interface {
	Egress(ctx context.Context, r session.Request) (*session.Session, string, error)
}

// Options configure a Handler. Only Sessions is required.
type Options struct {
	Sessions Sessions
	// Caller says who sent a request: the bearer token and its name, "" for
	// none, and the address. Nil takes the connection's peer and no token.
	Caller func(r *http.Request) (credential, token string, remote netip.AddrPort)
	// Hidden says whether the caller may not know of the stream: it is answered
	// as a name that nobody publishes. It is asked before a session is made and
	// once more when it is, since a stream may become private meanwhile. Nil
	// hides nothing.
	Hidden func(r *http.Request) bool
	// ICEServers are told to every player.
	ICEServers []wish.ICEServer
	// MaxOffer is the longest offer in bytes; 0 is 128 KiB.
	MaxOffer int64
	// SessionPath makes the path of a session's URL; nil makes
	// "/session/<secret>". Clients get along with nothing but an absolute path
	// without a query.
	SessionPath func(secret string) string
}

// A Handler serves WHEP endpoints. It expects the stream's name as the request's
// path value "stream", and may be used from many goroutines.
type Handler struct {
	// static after New
	options Options
	links   []string // of ICEServers
}

const endpointMethods = "GET, HEAD, POST, OPTIONS"

// New makes a Handler.
func New(o Options) *Handler {
	const maxOffer = 128 << 10
	if o.MaxOffer <= 0 {
		o.MaxOffer = maxOffer
	}
	if o.Caller == nil {
		o.Caller = func(r *http.Request) (string, string, netip.AddrPort) { return "", "", peer(r) }
	}
	if o.Hidden == nil {
		o.Hidden = func(*http.Request) bool { return false }
	}
	if o.SessionPath == nil {
		o.SessionPath = func(secret string) string { return "/session/" + secret }
	}
	h := &Handler{options: o}
	for _, server := range o.ICEServers {
		h.links = append(h.links, server.Link())
	}
	return h
}

// ServeHTTP is Serve with errors written by wish.WriteError.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.Serve(w, r); err != nil {
		wish.WriteError(w, r, err)
	}
}

// Serve answers one request. When it returns an error nothing but header fields
// has been written, and the caller writes the reply, see wish.WriteError. What a
// player can be refused is a *wish.Refusal.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request) error {
	header := w.Header()
	wish.AllowOrigin(header)
	switch r.Method {
	case http.MethodPost:
		return h.post(w, r)
	case http.MethodOptions:
		wish.AllowRequests(header)
		header.Set("Allow", endpointMethods)
		header.Set("Accept-Post", wish.TypeSDP)
		if !wish.Preflight(r) {
			h.link(header) // a preflight carries no token, so it gets no TURN credentials
		}
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodHead:
		// So players can tell a WHEP URL (draft-ietf-wish-whep 4.2).
		header.Set("Content-Type", wish.TypeSDP)
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodGet:
		w.WriteHeader(http.StatusNoContent)
		return nil
	default:
		return wish.RefuseMethod(r.Method, endpointMethods)
	}
}

// post makes a session (draft-ietf-wish-whep 4.3.1).
func (h *Handler) post(w http.ResponseWriter, r *http.Request) error {
	offer, err := wish.ReadOffer(w, r, h.options.MaxOffer)
	if err != nil {
		return err
	}
	request := h.Request(r, r.PathValue("stream"), offer)
	s, answer, err := h.options.Sessions.Egress(r.Context(), request)
	if err == nil && h.options.Hidden(r) {
		s.Close(session.ReasonPrivate)
		request.Hidden = true
		_, _, err = h.options.Sessions.Egress(r.Context(), request)
	}
	if err != nil {
		return fmt.Errorf("answer the offer: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", wish.TypeSDP)
	header.Set("Location", h.options.SessionPath(s.Secret()))
	header.Set("ETag", s.ETag())
	header.Set("Cache-Control", "no-store") // it holds credentials
	h.link(header)
	w.WriteHeader(http.StatusCreated)
	if _, err := w.Write([]byte(answer)); err != nil { //nolint:gosec // SDP, and said to be: no page shows it
		return nil //nolint:nilerr // the player has gone; its session is given up when it does not connect
	}
	return nil
}

// Request is what a POST of the offer to the stream's endpoint asks session for.
func (h *Handler) Request(r *http.Request, stream, offer string) session.Request {
	credential, token, remote := h.options.Caller(r)
	return session.Request{
		Stream:     stream,
		Offer:      offer,
		Remote:     remote,
		Local:      local(r),
		Credential: credential,
		Token:      token,
		Hidden:     h.options.Hidden(r),
		Forwarded:  forwarded(r),
	}
}

// link adds one Link field for each ICE server.
func (h *Handler) link(header http.Header) {
	for _, link := range h.links {
		header.Add("Link", link)
	}
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
