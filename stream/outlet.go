package stream

import (
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// An Outlet is one session's way out, for its audio and its video. Only the
// viewer's worker calls it, one call at a time. It keeps nothing of its
// arguments after it has returned, and it never blocks.
type Outlet interface {
	// Append sends one packet, or lines it up until the pass is flushed. It
	// says why the packet was not taken, or DropNone.
	Append(h *rtp.Header, payload []byte) DropReason
	// Report sends a sender report (RFC 3550 6.4.1).
	Report(sr *rtcp.SenderReport)
}

// A Flusher sends what the Outlets of one worker have lined up. Each worker has
// one, made by Options.NewFlusher, and calls it at the end of each pass.
type Flusher interface {
	Flush()
}

// DropReason says why a packet did not reach a viewer, or did not enter a
// track. Its String is the label under which such packets are counted.
type DropReason uint8

// The reasons. Those from DropSuperseded on are a track's, the others a
// viewer's.
const (
	// DropNone: not dropped.
	DropNone DropReason = iota
	// DropNotReady: the transport cannot send yet.
	DropNotReady
	// DropQueueFull: the socket or a queue below had no room.
	DropQueueFull
	// DropWriteError: the write failed.
	DropWriteError
	// DropGone: the transport is closed.
	DropGone
	// DropNoKeyFrame: the viewer waits for a key frame to start on.
	DropNoKeyFrame
	// DropOverrun: the viewer fell behind what the cache holds.
	DropOverrun

	// DropSuperseded: written by a publication that was taken over or closed.
	DropSuperseded
	// DropDuplicate: the cache has a packet of this index.
	DropDuplicate
	// DropLate: older than what the cache holds.
	DropLate
	// DropUndecodable: before a publication's first key frame.
	DropUndecodable

	dropReasons // their number
)

// String is the reason as a metric's label.
func (r DropReason) String() string {
	switch r {
	case DropNone:
		return "none"
	case DropNotReady:
		return "not_ready"
	case DropQueueFull:
		return "queue_full"
	case DropWriteError:
		return "write_error"
	case DropGone:
		return "gone"
	case DropNoKeyFrame:
		return "no_key_frame"
	case DropOverrun:
		return "overrun"
	case DropSuperseded:
		return "superseded"
	case DropDuplicate:
		return "duplicate"
	case DropLate:
		return "late"
	case DropUndecodable:
		return "undecodable"
	default:
		return "unknown"
	}
}
