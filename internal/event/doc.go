// Package event keeps the last things that happened in a bounded ring, each
// with an id, for whoever wants to follow them.
//
// A reader is a position, not a queue: a thousand of them cost nothing while
// they wait, one that stalls costs nothing at all, and who adds an event waits
// for none. A reader that comes back later than the ring remembers is told that
// it missed something. A reader's loop:
//
//	for at := ring.Now(); ; {
//		changed := ring.Changed() // before Read: what is added in between is not slept through
//		events, next, lost := ring.Read(at, 64)
//		at = next
//		… // write them; wait for changed where there were none
//	}
//
// It is a room and not a file of api because every room's Options.Event leads
// here, by way of cmd.
package event
