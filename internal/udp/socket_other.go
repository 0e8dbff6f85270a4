//go:build !unix

package udp

import (
	"net"
	"net/netip"
)

// socket is a UDP socket that implements ice.AddrPortReaderWriter.
type socket struct{ *net.UDPConn }

func newSocket(conn *net.UDPConn) (*socket, error) { return &socket{conn}, nil }

// ReadFromAddrPort waits for the next datagram.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return s.ReadFromUDPAddrPort(b)
}

// WriteToAddrPort hands the datagram to the system.
func (s *socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.WriteToUDPAddrPort(b, to)
}
