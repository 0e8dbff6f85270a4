package udp

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pion/logging"
)

// errPortTaken is returned where the port is free on no address.
var errPortTaken = errors.New("the port is taken or not permitted")

// Address is an address of this machine that sessions can use.
type Address struct {
	Addr      netip.Addr
	Interface string
}

// Listener is the UDP socket on one address, shared by all sessions.
type Listener struct {
	// static after bind
	Address

	Local *net.UDPAddr
	Mux   *Mux
}

// Ports holds one UDP socket on each address of this machine, all with the same
// port number. A wildcard socket would not do: on a machine with several
// addresses it answers from another one than was asked. Its methods may be
// called from any goroutine.
type Ports struct {
	// static after New
	logger *slog.Logger
	mux    logging.LeveledLogger // for the muxes
	scan   func() ([]Address, error)

	mu sync.Mutex
	// guarded by mu
	port      int // wanted, then taken
	listeners map[netip.Addr]*Listener
	skipped   map[netip.Addr]bool // could not be bound; tried again at each look
	scanned   time.Time

	current atomic.Pointer[[]*Listener] // those of listeners, sorted; the slice is not changed
}

// New makes Ports of the number given, 0 for any that is free; mux is told of sockets
// that fail.
func New(logger *slog.Logger, mux logging.LeveledLogger, port int) *Ports {
	return &Ports{
		logger:    logger,
		mux:       mux,
		scan:      hostAddresses,
		port:      port,
		listeners: map[netip.Addr]*Listener{},
		skipped:   map[netip.Addr]bool{},
	}
}

// freePortTries is how many port numbers are tried when any will do.
const freePortTries = 20

// Open binds the sockets. It fails when the port can be had on no address.
func (p *Ports) Open() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := p.port
	for try := 1; ; try++ {
		err := p.rescanLocked()
		if err != nil {
			return err
		}
		if wanted != 0 || len(p.skipped) == 0 || try == freePortTries {
			break
		}
		p.closeLocked() // free here and taken there: another one
		p.port = 0
		clear(p.skipped)
	}
	for addr := range p.skipped {
		p.warnLocked(addr)
	}
	if len(p.listeners) == 0 {
		return fmt.Errorf("udp port %d cannot be used on any address of this machine: %w", wanted, errPortTaken)
	}
	return nil
}

// Rescan looks for addresses that came or went, unless the last look was less
// than least ago.
func (p *Ports) Rescan(least time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scanned.IsZero() || time.Since(p.scanned) < least {
		return
	}
	known := maps.Clone(p.skipped)
	if err := p.rescanLocked(); err != nil {
		p.logger.Warn("local addresses cannot be read", "err", err)
	}
	for addr := range p.skipped {
		if !known[addr] {
			p.warnLocked(addr)
		}
	}
}

func (p *Ports) warnLocked(addr netip.Addr) {
	p.logger.Warn("udp port cannot be used on an address", "addr", netip.AddrPortFrom(addr, uint16(p.port)))
}

func (p *Ports) rescanLocked() error {
	found, err := p.scan()
	if err != nil {
		return fmt.Errorf("read local addresses: %w", err)
	}
	p.scanned = time.Now()
	there := make(map[netip.Addr]bool, len(found))
	for _, h := range found {
		there[h.Addr] = true
		if l := p.listeners[h.Addr]; l != nil && !l.Mux.IsClosed() {
			continue
		}
		l, err := p.bind(h)
		if err != nil {
			p.skipped[h.Addr] = true
			continue
		}
		delete(p.skipped, h.Addr)
		p.listeners[h.Addr] = l
	}
	for addr, l := range p.listeners {
		if !there[addr] {
			l.Mux.Close()
			delete(p.listeners, addr)
			p.logger.Info("address has gone", "addr", addr)
		}
	}
	for addr := range p.skipped {
		if !there[addr] {
			delete(p.skipped, addr)
		}
	}
	p.publishLocked()
	return nil
}

// socketBuffer is asked for in bytes, in each direction; the kernel may give
// less.
const socketBuffer = 4 << 20

// bind opens the socket of one address, without SO_REUSEPORT: a port that
// another process has must be an error.
func (p *Ports) bind(h Address) (*Listener, error) {
	conn, err := net.ListenUDP(udpNetwork(h.Addr), net.UDPAddrFromAddrPort(netip.AddrPortFrom(h.Addr, uint16(p.port))))
	if err != nil {
		return nil, fmt.Errorf("listen on udp %s: %w", h.Addr, err)
	}
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listen on udp %s: no UDP address", h.Addr), conn.Close())
	}
	socket, err := enlarged(conn)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on udp %s: %w", h.Addr, err), conn.Close())
	}
	p.port = local.Port
	mux := newMux(socket, local, p.mux)
	go mux.read() // until mux.Close, which waits
	return &Listener{Address: h, Local: local, Mux: mux}, nil
}

// enlarged is the socket, with buffers that hold a key frame for many.
func enlarged(conn *net.UDPConn) (*socket, error) {
	_ = conn.SetReadBuffer(socketBuffer)  // what the kernel refuses is no reason not to serve
	_ = conn.SetWriteBuffer(socketBuffer) // same
	return newSocket(conn)
}

func udpNetwork(a netip.Addr) string {
	if a.Is4() {
		return "udp4"
	}
	return "udp6"
}

func (p *Ports) publishLocked() {
	current := make([]*Listener, 0, len(p.listeners))
	for _, l := range p.listeners {
		current = append(current, l)
	}
	slices.SortFunc(current, func(a, b *Listener) int { return a.Addr.Compare(b.Addr) })
	p.current.Store(&current)
}

// List is the sockets of this moment, by address. The slice must not be changed.
func (p *Ports) List() []*Listener {
	if l := p.current.Load(); l != nil {
		return *l
	}
	return nil
}

// Has says whether there is a socket on the address.
func (p *Ports) Has(addr netip.Addr) bool {
	return slices.ContainsFunc(p.List(), func(l *Listener) bool { return l.Addr == addr })
}

// Close closes all sockets.
func (p *Ports) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeLocked()
	p.scanned = time.Time{}
}

func (p *Ports) closeLocked() {
	for _, l := range p.listeners {
		l.Mux.Close()
	}
	clear(p.listeners)
	p.publishLocked()
}

// hostAddresses are the addresses of the interfaces that are up, loopback
// included, without those that need a zone or are no unicast (RFC 8445 5.1.1.1).
func hostAddresses() ([]Address, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []Address
	for i := range interfaces {
		if interfaces[i].Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := interfaces[i].Addrs()
		if errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO) {
			continue // it went while we looked
		}
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue // not an IP address
			}
			if addr := prefix.Addr().Unmap(); Usable(addr) {
				found = append(found, Address{Addr: addr, Interface: interfaces[i].Name})
			}
		}
	}
	return found, nil
}

// Usable says whether sessions can use an address of this machine (RFC 8445 5.1.1.1).
func Usable(a netip.Addr) bool {
	return a.IsLoopback() || a.IsGlobalUnicast() && a.Zone() == ""
}
