// Package session holds WebRTC sessions, of players and of publishers: what is made
// of a negotiated plan, trickle ICE and ICE restart, and lifetime.
//
// What an offer and a stream have in common package negotiate decides, and whether
// there is room for one more session package admission. The [Manager] makes
// sessions of plans, each over a PeerConnection of package peer, which owns the
// media port and the set-up of pion. What a session is made for is its flow: egress
// gives the fan-out of package stream an Outlet; ingest hands what a publisher
// sends to package ingress, which writes it to the stream's tracks.
//
// # Goroutines
//
// Each [Session] has one that owns its life. A player's has one more for each of
// its streams, which reads the player's RTCP; a publisher's has one that sends
// RTCP, and its packets are handled in pion's goroutine that decrypts them.
// pion's callbacks only post to the first. [Manager.Run] waits for all of them.
//
// # Locks
//
// Manager.mu and Session.mu guard maps and small structs. None is held while
// another one is taken, over a call into pion that can wait, or over a channel
// send. The PATCH at work on a session holds a token of its own, Session.patching.
package session
