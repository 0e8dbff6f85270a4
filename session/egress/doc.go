// Package egress is the way of media to a player, and of what the player says of
// them back.
//
// A [Sender] adds its sections to a PeerConnection of package peer, and hands each
// that was negotiated to a DownTrack of package stream, as its Outlet: from then on
// the stream's worker calls [Sender.Append] for every packet. The player's RTCP is
// read for each section, acted on by its DownTrack, and counted.
//
// # Goroutines
//
// Append and Report run in the viewer's worker. From Start until the PeerConnection
// is closed there is one goroutine for each section, which reads RTCP: Wait waits
// for them. Counters are atomic; inbox.mu guards a small map, and nothing is called
// while it is held.
package egress
