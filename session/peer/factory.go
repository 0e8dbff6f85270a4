package peer

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/stdnet"

	"weir/internal/udp"
)

// Options configure a Factory. All but MDNS and UDPPort are required.
type Options struct {
	Logger *slog.Logger
	// UDPPort is the one port number of all that answer, on every address of this
	// machine; 0 takes any that is free on the first address.
	UDPPort int
	// MDNS lets the other ends' .local candidates be resolved (RFC 8828).
	MDNS bool
	// Consent is without a sign of the other end until ICE fails (RFC 7675).
	Consent         time.Duration
	CertificateLife time.Duration // of one DTLS certificate; the next is made at half of it
}

// Factory makes Conns, and owns what they share. Its methods may be called from
// any goroutine.
type Factory struct {
	// static after New
	options      Options
	certificates *certificates
	ports        *udp.Ports
	net          transport.Net // shared: making one walks the interfaces
}

// New makes a Factory, which has no address before Open.
func New(o Options) (*Factory, error) {
	shared, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("read network interfaces: %w", err)
	}
	return &Factory{
		options:      o,
		certificates: newCertificates(o.CertificateLife),
		ports:        udp.New(o.Logger, newPionLog(o.Logger, slog.LevelWarn).NewLogger("udp"), o.UDPPort),
		net:          shared,
	}, nil
}

// Open opens the UDP sockets. It fails when the port can be had on no address.
func (f *Factory) Open() error { return f.ports.Open() }

// Rescan looks for addresses of this machine that came or went.
func (f *Factory) Rescan() { f.ports.Rescan(0) }

// Close closes the sockets, which all Conns should have given back.
func (f *Factory) Close() { f.ports.Close() }

// Addresses are those that media can come from, all of one port; none before
// Open.
func (f *Factory) Addresses() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, l := range f.ports.List() {
		addrs = append(addrs, l.Local.AddrPort())
	}
	return addrs
}

// Conn makes one for a session whose HTTP request came in on local, which may be
// invalid; loopback says that the other end is on this machine. It takes nothing
// that would have to be given back before its Open.
func (f *Factory) Conn(local netip.Addr, loopback bool) *Conn {
	return &Conn{factory: f, route: newRoute(f.ports, local, loopback), checking: make(chan struct{})}
}
