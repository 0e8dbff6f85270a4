package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// Address is the one of the machine's two that the host's ports lead to. The
	// other is the one that it has from a server's point of view.
	Address = "10.0.2.16"

	address = "10.0.2.15"
	mask    = "255.255.255.0"
	gateway = "10.0.2.2" // qemu, which sends on what comes to it as the host's own

	adapter = "e1000" // both the module and what qemu calls it
)

// Connect brings the network that the host's ports lead into.
func Connect() error {
	if err := insert(adapter, ""); err != nil {
		return err
	}
	if err := appears("/sys/class/net/eth0"); err != nil {
		return err
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer unix.Close(s) //nolint:errcheck // nothing was sent
	return errors.Join(
		raise(s, "lo", "127.0.0.1", "255.0.0.0"), raise(s, "eth0", address, mask), raise(s, "eth0:1", Address, mask), route(s),
	)
}

// raise gives an interface its address and lets it run.
func raise(s int, name, address, mask string) error {
	set := func(request uint, fill func(*unix.Ifreq) error) error {
		r, err := unix.NewIfreq(name)
		if err == nil {
			err = fill(r)
		}
		if err == nil {
			err = unix.IoctlIfreq(s, request, r)
		}
		if err != nil {
			return fmt.Errorf("set up %s: %w", name, err)
		}
		return nil
	}
	inet := func(text string) func(*unix.Ifreq) error {
		four := netip.MustParseAddr(text).As4()
		return func(r *unix.Ifreq) error { return r.SetInet4Addr(four[:]) }
	}
	return errors.Join(
		set(unix.SIOCSIFADDR, inet(address)),
		set(unix.SIOCSIFNETMASK, inet(mask)),
		set(unix.SIOCSIFFLAGS, func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }),
	)
}

// route sends whatever is not of this network to the gateway.
func route(s int) error {
	type sockaddr struct {
		family, _ uint16
		address   [4]byte
		_         [8]byte
	}
	entry := struct { // struct rtentry
		_                     uint64
		dst, gateway, netmask sockaddr
		flags                 uint16
		_                     [54]byte
	}{
		dst: sockaddr{family: unix.AF_INET}, netmask: sockaddr{family: unix.AF_INET},
		gateway: sockaddr{family: unix.AF_INET, address: netip.MustParseAddr(gateway).As4()},
		flags:   unix.RTF_UP | unix.RTF_GATEWAY,
	}
	//nolint:gosec // there is no other way to hand over a structure
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(s), unix.SIOCADDRT, uintptr(unsafe.Pointer(&entry))); errno != 0 {
		return fmt.Errorf("add a route: %w", errno)
	}
	return nil
}

// Forward leads what comes to a port of [Address], by TCP and by UDP, to the same
// port of 127.0.0.1, from its return until ctx ends: so a server that listens
// there, and says so to others, is reached by them at the same address of the
// host. done waits for that end.
func Forward(ctx context.Context, port uint16) (done func(), err error) {
	outside, inside := netip.AddrPortFrom(netip.MustParseAddr(Address), port), netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
	listener, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(outside))
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(outside))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("forward: %w", err), listener.Close())
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		<-ctx.Done()
		_, _ = listener.Close(), socket.Close() // nothing is buffered
	})
	wg.Go(func() { forwardPackets(socket, inside) })
	wg.Go(func() {
		for {
			from, err := listener.AcceptTCP()
			if err != nil {
				return // it was closed
			}
			wg.Go(func() { forwardStream(ctx, from, inside) })
		}
	})
	return wg.Wait, nil
}

// forwardStream joins a connection with one of the server's.
func forwardStream(ctx context.Context, from *net.TCPConn, to netip.AddrPort) {
	defer from.Close()                                              //nolint:errcheck // both ends were read to their end
	defer context.AfterFunc(ctx, func() { _ = from.CloseRead() })() // which ends the server's part, too
	server, err := net.DialTCP("tcp4", nil, net.TCPAddrFromAddrPort(to))
	if err != nil {
		return // the other end sees it closed
	}
	defer server.Close() //nolint:errcheck // as above
	var wg sync.WaitGroup
	for _, way := range [][2]*net.TCPConn{{from, server}, {server, from}} {
		wg.Go(func() {
			_, _ = io.Copy(way[1], way[0]) // a broken connection ends as one that was closed
			_ = way[1].CloseWrite()
		})
	}
	wg.Wait()
}

// forwardPackets gives each sender a socket of its own, as the server must tell them apart.
func forwardPackets(socket *net.UDPConn, to netip.AddrPort) {
	senders := map[netip.AddrPort]*net.UDPConn{}
	var wg sync.WaitGroup
	defer wg.Wait()
	buffer := make([]byte, 1<<16)
	for {
		n, sender, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			break // it was closed
		}
		server := senders[sender]
		if server == nil {
			if server, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(to)); err != nil {
				continue // a packet that is lost
			}
			senders[sender] = server
			wg.Go(func() { answer(socket, sender, server) })
		}
		_, _ = server.Write(buffer[:n]) // a packet may be lost
	}
	for _, server := range senders {
		_ = server.Close() // ends answer
	}
}

// answer sends a sender what the server sends back.
func answer(socket *net.UDPConn, sender netip.AddrPort, server *net.UDPConn) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil { // else nobody listens yet
			_, _ = socket.WriteToUDPAddrPort(buffer[:n], sender) // a packet may be lost
		}
	}
}
