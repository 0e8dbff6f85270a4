package peer

import (
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/pion/ice/v4"

	"weir/stream"
)

// errNoSocket is what pion gets for an address that has gone meanwhile.
var errNoSocket = errors.New("no socket on this address")

func closedPipe(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) ||
		errors.Is(err, ice.ErrClosed)
}

// dropReason is the reason that a failed write is counted under.
func dropReason(err error) stream.DropReason {
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
		return stream.DropQueueFull
	case closedPipe(err):
		return stream.DropGone
	case errors.Is(err, ice.ErrNoCandidatePairs):
		return stream.DropNotReady // between two ICE generations
	default:
		return stream.DropWriteError
	}
}
