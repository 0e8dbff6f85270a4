package peer

import (
	"net"
	"net/netip"

	"github.com/pion/transport/v4"

	"weir/internal/udp"
)

// ownNet opens the sockets that a session has alone, which are like its shares of
// the others: no write waits for the network, since whoever writes has other
// sessions to serve; why one failed is noted; checks come from so many addresses at
// most.
type ownNet struct {
	transport.Net

	route *route
}

// ListenUDP implements transport.Net.
func (n ownNet) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := n.Net.ListenUDP(network, local)
	if socket, ok := conn.(*net.UDPConn); ok && err == nil && (local == nil || !local.IP.IsMulticast()) { // that is mDNS's
		return n.own(socket)
	}
	return conn, err //nolint:wrapcheck // pion's own way
}

// ListenPacket implements transport.Net.
func (n ownNet) ListenPacket(network, address string) (net.PacketConn, error) {
	conn, err := n.Net.ListenPacket(network, address)
	if socket, ok := conn.(*net.UDPConn); ok && err == nil {
		return n.own(socket)
	}
	return conn, err //nolint:wrapcheck // as above
}

func (n ownNet) own(conn *net.UDPConn) (transport.UDPConn, error) {
	own, err := udp.NewOwn(conn, &n.route.drops)
	if err != nil {
		_ = conn.Close() // nothing was written
		return nil, err
	}
	return &ownSocket{Own: own, route: n.route}, nil
}

// ownSocket is a socket that a session has alone.
type ownSocket struct {
	*udp.Own

	route *route
}

// ReadFromAddrPort implements ice.AddrPortReaderWriter.
func (s *ownSocket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := s.Own.ReadFromAddrPort(b)
		if err != nil || s.route.senders.admit(b[:n]) {
			return n, from, err //nolint:wrapcheck // pion's own way
		}
	}
}

// WriteTo implements net.PacketConn.
func (s *ownSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	n, err := s.Own.WriteTo(b, to)
	s.route.note(err)
	return n, err //nolint:wrapcheck // pion's own way
}

// WriteToAddrPort implements ice.AddrPortReaderWriter.
func (s *ownSocket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	n, err := s.Own.WriteToAddrPort(b, to)
	s.route.note(err)
	return n, err //nolint:wrapcheck // same
}
