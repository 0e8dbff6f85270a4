// Package session holds WebRTC sessions: what a player's offer and a stream
// have in common, the PeerConnection that comes of it, trickle ICE and ICE
// restart, lifetime and limits.
//
// It has two halves. [Negotiate] is a pure function from an offer and the
// stream's tracks to a [Plan] or a refusal; the Plan writes the answer. The
// [Manager] makes sessions of plans: it owns the UDP sockets, the DTLS
// certificate and the set-up of pion, and gives the fan-out of package stream
// an Outlet for each session.
//
// # Goroutines
//
// Each [Session] has one that owns its life, and one for each of its streams
// that reads the player's RTCP. pion's callbacks only post to the first.
// [Manager.Run] waits for all of them.
//
// # Locks
//
// Manager.mu, limits.mu, tombstones.mu, certificates.mu, ports.mu and
// Session.mu guard maps and small structs. None is held while another one is
// taken, over a call into pion that can wait, or over a channel send; only
// ports.mu is held while sockets are opened and closed. The PATCH at work on a
// session holds a token of its own, Session.patching.
package session
