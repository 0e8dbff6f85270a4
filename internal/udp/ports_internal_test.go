package udp

import (
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

func host(iface string, addrs ...string) []Address {
	var all []Address
	for _, a := range addrs {
		all = append(all, Address{Addr: netip.MustParseAddr(a), Interface: iface})
	}
	return all
}

// Addresses that come get a socket of the same port, those that go lose it.
func TestRescan(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127/8")
	}
	p := New(slog.New(slog.DiscardHandler), nil, 0)
	machine := host("lo", "127.0.0.1")
	p.scan = func() ([]Address, error) { return machine, nil }
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	addresses := func() string {
		var all []string
		for _, l := range p.List() {
			all = append(all, l.Addr.String())
			if l.Local.Port != p.port {
				t.Errorf("port %d on %s, want %d", l.Local.Port, l.Addr, p.port)
			}
		}
		return strings.Join(all, " ")
	}
	machine = host("lo", "127.0.0.1", "127.0.0.2")
	p.Rescan(time.Hour)
	if got := addresses(); got != "127.0.0.1" {
		t.Errorf("rescanned too soon: %s", got)
	}
	p.Rescan(0)
	if got := addresses(); got != "127.0.0.1 127.0.0.2" {
		t.Errorf("after one came: %s", got)
	}
	machine = host("lo", "127.0.0.2")
	gone := p.List()[0]
	p.Rescan(0)
	if got := addresses(); got != "127.0.0.2" || !gone.Mux.IsClosed() {
		t.Errorf("after one went: %s, closed %v", got, gone.Mux.IsClosed())
	}
	// A port that another has on one address is skipped there.
	taken, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 3), Port: p.port})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	machine = host("lo", "127.0.0.2", "127.0.0.3")
	p.Rescan(0)
	if got := addresses(); got != "127.0.0.2" {
		t.Errorf("with a taken one: %s", got)
	}
}

// Any free port means one that is free everywhere.
func TestFreePortEverywhere(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has all of 127/8")
	}
	p := New(slog.New(slog.DiscardHandler), nil, 0)
	var taken *net.UDPConn
	tries := 0
	p.scan = func() ([]Address, error) {
		if tries++; tries == 1 { // let the port that comes first be taken on the second address
			var err error
			if taken, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}); err != nil {
				return nil, err
			}
			p.port = int(netip.MustParseAddrPort(taken.LocalAddr().String()).Port())
		}
		return host("lo", "127.0.0.1", "127.0.0.2"), nil
	}
	if err := p.Open(); err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	defer func() { _ = taken.Close() }()
	if len(p.List()) != 2 || tries < 2 {
		t.Errorf("%d sockets after %d tries", len(p.List()), tries)
	}
}
