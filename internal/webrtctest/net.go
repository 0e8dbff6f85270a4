package webrtctest

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"
)

// A cutNet is the network of one player. Once it is cut nothing goes out or
// comes in any more, as with a cable that was pulled.
type cutNet struct {
	*stdnet.Net

	cut  atomic.Bool
	loss atomic.Uint32 // every so many incoming packets one is dropped; 0: none
	out  atomic.Uint32 // the same of outgoing ones
}

func newCutNet() (*cutNet, error) {
	inner, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("list the interfaces: %w", err)
	}
	return &cutNet{Net: inner}, nil
}

// ListenUDP makes a socket that can be cut. The ICE agent makes all its sockets
// by it, since it gathers host candidates of UDP alone.
func (n *cutNet) ListenUDP(network string, local *net.UDPAddr) (transport.UDPConn, error) {
	conn, err := net.ListenUDP(network, local)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return &cutConn{UDPConn: conn, net: n}, nil
}

// A cutConn is a socket of a cutNet.
type cutConn struct {
	*net.UDPConn

	net   *cutNet
	count uint32        // of incoming RTP packets; the one reader's
	sent  atomic.Uint32 // outgoing RTP packets
}

var (
	_ transport.UDPConn        = (*cutConn)(nil)
	_ ice.AddrPortReaderWriter = (*cutConn)(nil)
)

// keep says whether a packet that came in is handed on.
func (c *cutConn) keep(b []byte) bool {
	if c.net.cut.Load() {
		return false
	}
	every := c.net.loss.Load()
	if every == 0 || !isRTP(b) {
		return true
	}
	c.count++
	return c.count%every != 0
}

// isRTP tells RTP from all else on the socket (RFC 7983, RFC 5761 4).
func isRTP(b []byte) bool {
	const rtpFirst, rtpLast, rtcpFirst, rtcpLast = 128, 191, 192, 223
	return len(b) >= 2 && b[0] >= rtpFirst && b[0] <= rtpLast && (b[1] < rtcpFirst || b[1] > rtcpLast)
}

// drops says whether a packet that goes out gets lost.
func (c *cutConn) drops(b []byte) bool {
	every := c.net.out.Load()
	return c.net.cut.Load() || every > 0 && isRTP(b) && c.sent.Add(1)%every == 0
}

func (c *cutConn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil || c.keep(b[:n]) {
			return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
		}
	}
}

func (c *cutConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if c.drops(b) {
		return len(b), nil
	}
	return c.WriteToUDPAddrPort(b, to)
}

func (c *cutConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

func (c *cutConn) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errors.New("not a UDP address")
	}
	return c.WriteToAddrPort(b, addr.AddrPort())
}
