// Package stream holds the live streams by name, their shared tracks and the
// fan-out of each track's packets to every viewer: the hot path.
//
// A source writes a packet once, into a [Track]. The packet is put into the
// track's cache, frozen, and the workers are woken; [Track.WriteRTP] returns.
// Each worker owns a share of the viewers. In a pass it goes viewer by viewer
// and hands each one what lies between its cursor and the cache's head. A
// viewer is a cursor, a short list of breakpoints and a few counters: it has no
// goroutine, no timer, no queue and no copy of a packet.
//
// What follows from packets and time alone stands apart: stream/cache is what all
// viewers of a track share, stream/sequence one viewer's line of numbers,
// stream/joining the pace and the timestamps of a replay. Here is who feeds, who
// watches, when something is sent, and what is asked of the source.
//
// # Numbers
//
// A track's cache gives each packet a 64-bit packet index, once: the source's
// extended sequence number plus the packets of parameter sets put in before it,
// going on over a take-over. An index is never written twice.
// A viewer's sequence number, extended to 48 bits, is a pure function of the
// index and of the viewer's breakpoints, and so are all other header fields:
// what is sent again is byte for byte what was sent first. A hole in the
// source's numbers stays a hole in the viewer's; what a viewer skips on purpose
// takes no number.
//
// # Joining
//
// The cache holds the last second for those who ask again, and all since the
// newest key frame, within bounds, for those who join. A viewer that comes in the
// middle gets the group of pictures at a bounded pace, each frame under the
// timestamp that the live clock has when it goes out, and is live within a
// second; so does one that asks for a key frame. Where the group has a hole, is
// past a bound or could not catch up, the key frame alone goes out, twice, and the
// viewer waits for the next one. Live packets lie ahead of the cursor and go out
// in order. Each replayed frame is a breakpoint of the viewer's line, so that what
// is sent again is what was sent. All replays share the server's rate, and all
// caches a bound on memory. The source is asked for a key frame beside it.
//
// # Codecs
//
// A publication may declare several codecs of a kind as alternatives. The first
// packet, of video the first key frame, decides which track is fed; viewers move
// there, under the payload type that their answer has for it, and their line goes
// on. The payload type follows the real profile, which H.264's and H.265's
// parameter sets say.
//
// # Concurrency
//
// Locks, in the order in which they may be taken: Registry.mu, Stream.mu,
// Track.mu, which guards the writing end of the cache, demand.mu. None is held over
// a write, a callback or a channel send that could block. The workers take no lock
// at all: they read copied slices behind atomic pointers, and the cache by atomic
// loads.
//
// Only the worker touches a viewer's Outlet, numbers, breakpoints and
// retransmission counter. What comes from elsewhere (a NACK, a key frame
// request, the end) is noted in atomics, and the worker is woken.
package stream
