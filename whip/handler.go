// Package whip is the WHIP endpoint (RFC 9725): it takes a publisher's offer for a
// stream and answers with a session. What follows on the session's own URL is
// wish.Resource's.
package whip

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"

	"weir/internal/wish"
	"weir/session"
)

// Sessions makes sessions: a *session.Manager. Ingest may be called from many
// goroutines at once.
type Sessions interface {
	Ingest(ctx context.Context, r session.Request) (*session.Session, string, error)
}

// Options configure a Handler. Only Sessions is required.
type Options struct {
	Sessions Sessions
	// Caller says who sent a request: the bearer token and its name, "" for
	// none, and the address. Nil takes the connection's peer and no token. The
	// name, or else the address, decides who may take a stream over.
	Caller func(r *http.Request) (credential, token string, remote netip.AddrPort)
	// Barred returns what says later why what let the caller in no longer does,
	// see session.Request; it must not hold on to the request. Nil lets everybody
	// stay.
	Barred func(r *http.Request) func() string
	// ICEServers are told to every client.
	ICEServers []wish.ICEServer
	// Entitled says whether an OPTIONS request is of somebody who may make a
	// session, and so may know the ICE servers' credentials. Nil holds everybody
	// for one.
	Entitled func(r *http.Request) bool
	// MaxOffer is the longest offer in bytes; 0 is 128 KiB.
	MaxOffer int64
	// SessionPath makes the path of a session's URL; nil makes
	// "/session/<secret>". Clients get along with nothing but an absolute path
	// without a query.
	SessionPath func(secret string) string
}

// A Handler serves WHIP endpoints. It expects the stream's name as the request's
// path value "stream", and may be used from many goroutines.
type Handler struct {
	// static after New
	sessions Sessions
	barred   func(r *http.Request) func() string
	endpoint *wish.Endpoint
}

// New makes a Handler.
func New(o Options) *Handler {
	if o.Barred == nil {
		o.Barred = func(*http.Request) func() string { return nil }
	}
	return &Handler{sessions: o.Sessions, barred: o.Barred, endpoint: wish.NewEndpoint(wish.EndpointOptions{
		Caller: o.Caller, ICEServers: o.ICEServers, Entitled: o.Entitled, MaxOffer: o.MaxOffer, SessionPath: o.SessionPath,
	})}
}

// ServeHTTP is Serve with errors written by wish.WriteError.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h.Serve(w, r); err != nil {
		wish.WriteError(w, r, err)
	}
}

// Serve answers one request. When it returns an error nothing but header fields
// has been written, and the caller writes the reply, see wish.WriteError. What a
// publisher can be refused is a *wish.Refusal.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request) error {
	return h.endpoint.Serve(w, r, func(offer string) (wish.Created, error) { return h.create(r, offer) })
}

// create makes a session (RFC 9725 4.2).
func (h *Handler) create(r *http.Request, offer string) (wish.Created, error) {
	s, answer, err := h.sessions.Ingest(r.Context(), h.Request(r, r.PathValue("stream"), offer))
	if err != nil {
		return wish.Created{}, fmt.Errorf("answer the offer: %w", err)
	}
	return wish.Created{Secret: s.Secret(), ETag: s.ETag(), Answer: answer}, nil
}

// Request is what a POST of the offer to the stream's endpoint asks session for.
func (h *Handler) Request(r *http.Request, stream, offer string) session.Request {
	c := h.endpoint.Caller(r)
	return session.Request{
		Stream: stream, Offer: offer, Remote: c.Remote, Local: c.Local,
		Credential: c.Credential, Token: c.Token, Forwarded: c.Forwarded, Barred: h.barred(r),
	}
}
