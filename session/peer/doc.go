// Package peer makes PeerConnections: what pion is set up with, and what one can be
// asked, apart from what a session is.
//
// A [Factory] is shared by all sessions: it owns the media port, the view of this
// machine's interfaces and the DTLS certificate. A [Conn] is one session's
// PeerConnection. It negotiates descriptions that package negotiate wrote, gathers
// its candidates, tells them in the order that the other end should try them, and
// why a packet did not leave. Nothing else of a session is known here, and nothing
// ends by itself: who made a Conn decides by its states, and closes it.
//
// # Goroutines
//
// There is none but pion's own. Its callbacks note a candidate or the state of
// gathering, close Checking once, and call Setup.Changed, which must only post.
// Answer and Offer wait for the candidates, Close for pion's goroutines.
//
// # Locks
//
// certificates.mu, route.mu, path.mu and Conn.mu guard small structs. None is held
// while another one is taken, over a call into pion that can wait, or over a
// function of Setup.
package peer
