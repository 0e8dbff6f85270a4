package api

import (
	"net/http"
	"net/netip"

	"weir/api/request"
	"weir/auth"
	"weir/session"
)

// Caller says who sent a request that New's handler handed on: the bearer token, "" for none, the name under which it
// is known, "" where it is not or nobody has asked, and the address that the client has: see request.Client. It is for
// Options of the resources; the credential is never to be logged.
func Caller(r *http.Request) (credential, token string, remote netip.AddrPort) {
	return request.Bearer(r), exchangeOf(r).token, request.Client(r)
}

// Hidden says whether who sent the request may not know that its stream exists: it is private, and the right to play
// it lacks. It looks at the stream as it is when Hidden is called: a client can hold a request open while streams come
// and go, so a resource calls it last.
func Hidden(r *http.Request) bool {
	x := exchangeOf(r)
	return x.face != nil && !x.playsPrivate && x.face.options.Sources.Private(r.PathValue("stream"))
}

// MayPlay says whether who sent the request may play public streams.
func MayPlay(r *http.Request) bool { return may(r, auth.Play) }

// MayPublish says whether who sent the request may publish.
func MayPublish(r *http.Request) bool { return may(r, auth.Publish) }

func may(r *http.Request, action auth.Action) bool {
	x := exchangeOf(r)
	return x.face != nil && x.face.ask(r, action, false) == nil
}

// Barred returns what says, as often as it is called, why what let in who sent the request no longer does: a reason for the
// end of a session, "" while it does; see session.Request. Nil is returned where nobody was let in. What comes back holds
// neither the request nor its credential.
func Barred(r *http.Request) func() string {
	x := exchangeOf(r)
	if x.face == nil || x.asked == 0 {
		return nil
	}
	who := auth.Identity{Name: x.token}
	stands := x.face.options.Access.Standing(who, auth.Request{
		Credential: request.Bearer(r), Action: x.asked, Stream: x.stream, Private: x.playsPrivate,
	})
	return func() string {
		switch err := stands(); {
		case !refused(refuseAccess(err, auth.Play)): // it stands, or nobody can say
			return ""
		case who.Name == "":
			return session.ReasonClosed
		default:
			return session.ReasonRevoked
		}
	}
}

// about notes for the access log which stream and session a request is about whose path does not say so.
func about(r *http.Request, stream, session string) {
	x := exchangeOf(r)
	x.stream, x.session = stream, session
}
