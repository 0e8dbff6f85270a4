package udp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Own is a socket of one ICE agent alone, a net.PacketConn with the methods of
// ice.AddrPortReaderWriter. As with a [Share] no write waits on Unix, and checks come
// from so many addresses at most. One goroutine reads; the other methods may be
// called from any.
type Own struct {
	*socket

	// static after NewOwn
	drops *Drops

	// owned by the reader
	sources sources
}

// NewOwn makes one of a socket that nobody else uses. What is lost on the way to the
// agent is counted in drops.
func NewOwn(conn *net.UDPConn, drops *Drops) (*Own, error) {
	s, err := enlarged(conn)
	if err != nil {
		return nil, err
	}
	return &Own{socket: s, drops: drops, sources: newSources()}, nil
}

// ReadFromAddrPort waits for the next datagram that is taken.
func (o *Own) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := o.socket.ReadFromAddrPort(b)
		if err != nil || classOf(b[:n]) != request || o.sources.admit(canonical(from), time.Now, o.drops) {
			return n, from, err
		}
	}
}

// WriteTo implements net.PacketConn. A STUN request for which there is no room counts
// as lost on the way: a client of STUN or TURN sends it again, but gives up where it
// fails.
func (o *Own) WriteTo(b []byte, to net.Addr) (int, error) {
	n, err := o.socket.WriteTo(b, to)
	if classOf(b) == request && (errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS)) {
		return len(b), nil
	}
	return n, err
}
