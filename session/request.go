package session

import "net/netip"

// Request is a player's or a publisher's wish for a stream.
type Request struct {
	Stream string // name
	Offer  string // SDP
	// Remote made the HTTP request, and Local is where it came in; Local may
	// be the zero value.
	Remote, Local netip.AddrPort
	Credential    string // that the request carried; not looked at here, never logged
	// Token is the name of that credential's token, "" for none. It is shown in
	// Stats, and tells one publisher from another.
	Token string
	// Hidden says whether the caller may not know of the stream: it is answered
	// as a name that nobody publishes. It is asked before a session is made and
	// once more when it is, since a stream may become private meanwhile. Nil
	// hides nothing.
	Hidden func() bool
	// Barred says why what let the caller in no longer does, ReasonRevoked or
	// ReasonClosed, or "" while it does. It is asked while the request is held,
	// when its session is made, and at each Manager.Recheck as long as that lives:
	// it must not hold on to the HTTP request. Nil lets everybody stay.
	Barred func() string
	// Forwarded says that a proxy handed the request on: one from loopback is
	// then not from this machine.
	Forwarded bool
}

func (r *Request) hidden() bool { return r.Hidden != nil && r.Hidden() }

// barred asks a Request's Barred.
func barred(ask func() string) string {
	if ask == nil {
		return ""
	}
	return ask()
}

// local says whether the client is on this machine.
func (r *Request) local() bool {
	return r.Remote.Addr().Unmap().IsLoopback() && !r.Forwarded
}
