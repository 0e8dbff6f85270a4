package wish

import (
	"context"
	"net/http"
)

// Patched is what came of a PATCH.
type Patched struct {
	// Restart is this end's new ICE session: credentials and candidates. Nil
	// if the fragment was no restart; its candidates were taken then.
	Restart *Fragment
	// ETag names the new ICE session, with its quotes. Of a restart only.
	ETag string
}

// Sessions are the sessions that a Resource serves, by the secret in their URL.
// Its methods may be called from many goroutines at once; they report what the
// client is to be refused as a *Refusal.
type Sessions interface {
	// Patch adds remote candidates or restarts ICE, one call at a time for
	// each session: it is the precondition that decides between PATCHes that
	// overlap (RFC 9725 4.3.1). Refused with 412 where m does not hold.
	Patch(ctx context.Context, secret string, m Match, f Fragment) (Patched, error)
	// Delete ends a session. Refused with 404 where there is none.
	Delete(ctx context.Context, secret string) error
	// Check refuses with 404 where there is no such session.
	Check(secret string) error
}

// ResourceOptions configure a Resource. The zero value works.
type ResourceOptions struct {
	// MaxFragment is the longest PATCH body in bytes; 0 is MaxFragment.
	MaxFragment int64
	// Leniency is told each leniency that a request needed, by the names of
	// the Lenient constants, when the request is otherwise good. It may be
	// called from many goroutines at once and must not block. Nil tells nobody.
	Leniency func(name string)
}

// A Resource serves the session URLs of both protocols: PATCH, DELETE, GET,
// HEAD and OPTIONS (RFC 9725 4.2 and 4.3). It expects the session's secret as
// the request's path value "secret". The session URL being unguessable is all
// that it asks of a request. It may be used from many goroutines.
type Resource struct {
	// static after NewResource
	sessions    Sessions
	maxFragment int64
	leniency    func(name string)
}

const resourceMethods = "GET, HEAD, PATCH, DELETE, OPTIONS"

// NewResource serves the given sessions.
func NewResource(s Sessions, o ResourceOptions) *Resource {
	if o.MaxFragment <= 0 || o.MaxFragment > MaxFragment {
		o.MaxFragment = MaxFragment
	}
	if o.Leniency == nil {
		o.Leniency = func(string) {}
	}
	return &Resource{sessions: s, maxFragment: o.MaxFragment, leniency: o.Leniency}
}

// ServeHTTP is Serve with errors written by WriteError.
func (s *Resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.Serve(w, r); err != nil {
		WriteError(w, r, err)
	}
}

// Serve answers one request. When it returns an error nothing but header fields
// has been written, and the caller writes the reply, see WriteError.
func (s *Resource) Serve(w http.ResponseWriter, r *http.Request) error {
	AllowOrigin(w.Header())
	secret := r.PathValue("secret")
	switch r.Method {
	case http.MethodOptions:
		// Anybody may ask, and an unknown session is told by the request
		// that follows: a page could not read a refused preflight.
		AllowRequests(w.Header())
		w.Header().Set("Allow", resourceMethods)
		w.Header().Set("Accept-Patch", TypeFragment)
		w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodGet, http.MethodHead:
		if err := s.sessions.Check(secret); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodPatch:
		return s.patch(w, r, secret)
	case http.MethodDelete:
		// No precondition: If-Match names ICE sessions, this ends the
		// session itself (RFC 9725 4.3.1).
		if err := s.sessions.Delete(r.Context(), secret); err != nil {
			return err
		}
		w.WriteHeader(http.StatusOK)
		return nil
	default:
		return RefuseMethod(r.Method, resourceMethods)
	}
}

func (s *Resource) patch(w http.ResponseWriter, r *http.Request, secret string) error {
	if err := s.sessions.Check(secret); err != nil {
		return err
	}
	if mediaType(r) == TypeSDP {
		return &Refusal{
			Status: http.StatusUnprocessableEntity,
			Code:   "no_counter_offer",
			Detail: "There is no offer of this server's that an SDP answer could belong to.",
			Remedy: "Send candidates as " + TypeFragment + "; make a new session to negotiate anew.",
		}
	}
	if err := CheckType(r, "Accept-Patch", TypeFragment); err != nil {
		return err
	}
	match, err := ParseIfMatch(r.Header.Values("If-Match"))
	if err != nil {
		return err
	}
	if match.Missing() {
		return &Refusal{
			Status: http.StatusPreconditionRequired,
			Code:   "if_match_missing",
			Detail: "The request has no If-Match.",
			Remedy: "Send the session's ETag in If-Match, or * to restart ICE.",
		}
	}
	body, err := ReadText(w, r, s.maxFragment, "fragment")
	if err != nil {
		return err
	}
	fragment, err := ParseFragment(body)
	if err != nil {
		return err
	}
	patched, err := s.sessions.Patch(r.Context(), secret, match, fragment)
	if err != nil {
		return err
	}
	s.count(match, fragment)
	if patched.Restart == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	w.Header().Set("Content-Type", TypeFragment)
	w.Header().Set("ETag", patched.ETag)
	w.Header().Set("Cache-Control", "no-store") // it holds credentials
	w.WriteHeader(http.StatusOK)
	if _, err := w.Write([]byte(patched.Restart.String())); err != nil {
		return nil //nolint:nilerr // the client has gone, and the reply with it
	}
	return nil
}

func (s *Resource) count(m Match, f Fragment) {
	if m.quotedStar {
		s.leniency(LenientStar)
	}
	for _, name := range f.Leniencies {
		s.leniency(name)
	}
}
