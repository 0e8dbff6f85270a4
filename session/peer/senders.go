package peer

import (
	"encoding/binary"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// maxSenders is as how many RTCP senders an end may report, each an SSRC. Its
// streams and a few that gave way to others are some ten; pion keeps a note of each
// for as long as the session lives (RFC 3711 3.3.2), also of a report on nothing.
const maxSenders = 64

// senders are the SSRCs that an end has reported as. What names further ones is not
// read: it has not been authenticated yet, so it is no reason to end anything.
type senders struct {
	dropped atomic.Uint64

	mu sync.Mutex
	// guarded by mu
	known map[uint32]struct{}
}

// admit says whether a datagram is taken.
func (s *senders) admit(b []byte) bool {
	ssrc, ok := senderOf(b)
	if !ok {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.known[ssrc]; ok {
		return true
	}
	if len(s.known) == maxSenders {
		s.dropped.Add(1)
		return false
	}
	if s.known == nil {
		s.known = map[uint32]struct{}{}
	}
	s.known[ssrc] = struct{}{}
	return true
}

// senderOf is the SSRC that stands in front of RTCP, encrypted or not (RFC 3550 6.4,
// RFC 3711 3.4); false: the datagram is something else (RFC 5761 4, RFC 7983).
func senderOf(b []byte) (ssrc uint32, ok bool) {
	const header = 8
	if len(b) < header || b[0] < 128 || b[0] > 191 || b[1] < 192 || b[1] > 223 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[4:]), true
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (c *routeConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.Share.ReadFromAddrPort(b)
		if err != nil || c.route.senders.admit(b[:n]) {
			return n, from, err
		}
	}
}

// ReadFrom implements net.PacketConn.
func (c *routeConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}
