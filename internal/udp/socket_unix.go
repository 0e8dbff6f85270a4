//go:build unix

package udp

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
)

// socket is a UDP socket whose writes never wait: where the kernel has no room
// they fail with EAGAIN or ENOBUFS. It implements ice.AddrPortReaderWriter, so
// that no address is allocated for a packet.
type socket struct {
	*net.UDPConn

	raw     syscall.RawConn
	senders sync.Pool // of *sender
}

func newSocket(conn *net.UDPConn) (*socket, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &socket{UDPConn: conn, raw: raw}
	s.senders.New = func() any {
		out := &sender{}
		out.run = out.send
		return out
	}
	return s, nil
}

// ReadFromAddrPort waits for the next datagram.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	return s.ReadFromUDPAddrPort(b)
}

// WriteTo implements net.PacketConn.
func (s *socket) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not a UDP address")
	}
	return s.WriteToAddrPort(b, addr.AddrPort())
}

// WriteToAddrPort hands the datagram to the kernel or fails at once.
func (s *socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	out, ok := s.senders.Get().(*sender)
	if !ok {
		return 0, net.InvalidAddrError("no sender")
	}
	defer s.senders.Put(out)
	out.aim(b, to)
	err := s.raw.Write(out.run)
	out.datagram = nil
	if err != nil {
		return 0, err
	}
	if out.err != nil {
		return 0, out.err
	}
	return len(b), nil
}

// sender is the arguments and the result of one write.
type sender struct {
	run      func(fd uintptr) bool // send, made once
	datagram []byte
	v4       syscall.SockaddrInet4
	v6       syscall.SockaddrInet6
	to       syscall.Sockaddr
	err      error
}

func (s *sender) aim(b []byte, to netip.AddrPort) {
	s.datagram = b
	if addr := to.Addr().Unmap(); addr.Is4() {
		s.v4.Port, s.v4.Addr = int(to.Port()), addr.As4()
		s.to = &s.v4
	} else {
		s.v6.Port, s.v6.Addr = int(to.Port()), addr.As16()
		s.to = &s.v6
	}
}

func (s *sender) send(fd uintptr) bool {
	for {
		s.err = syscall.Sendto(int(fd), s.datagram, 0, s.to)
		if !errors.Is(s.err, syscall.EINTR) {
			return true
		}
	}
}
