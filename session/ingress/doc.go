// Package ingress takes what a publisher sends: it counts the packets of its RTP
// streams, asks again for those that are missing, and makes of its layers and
// repairs the one line that each track of the publication gets.
//
// A [Receiver] is handed decrypted packets where pion would keep them, and sends
// RTCP through a function: it knows no PeerConnection, and a test needs none.
// [Receiver.Buffer] is the way in of every packet, [stream.Track.WriteRTP] the way
// out; nothing is queued between them.
//
// # Goroutines
//
// Packets are handled in the goroutine that decrypts them. From Start until Stop
// there is one more, which reports: Wait waits for it.
//
// # Locks
//
// Receiver.mu guards all counters and is held for one packet, or one look at what
// is missing. It is not held over a write to a track, nor over a function of
// Options.
package ingress
