// Package session holds WebRTC sessions, of players and of publishers: what is made
// of a negotiated plan, trickle ICE and ICE restart, and lifetime.
//
// What an offer and a stream have in common package negotiate decides, and whether
// there is room for one more session package admission. The [Manager] makes
// sessions of plans, each over a PeerConnection of package peer, which owns the
// media port and the set-up of pion. What a session is made for is its flow, where
// the session's life meets the media's: a playback joins the stream's viewer to the
// way out of package egress; an ingest hands what a publisher sends to package
// ingress, which writes it to the stream's tracks; push and pull are those two where
// this end makes the offer.
//
// # Goroutines
//
// Each [Session] has one that owns its life; pion's callbacks only post to it. The
// rest are those of its flow, in egress or ingress, and pion's. [Manager.Run] waits
// for all of them.
//
// # Locks
//
// Manager.mu and Session.mu guard maps and small structs. None is held while
// another one is taken, over a call into pion that can wait, or over a channel
// send. The PATCH at work on a session holds a token of its own, Session.patching.
package session
