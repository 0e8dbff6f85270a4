package peer

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4/stdnet"
	"github.com/pion/webrtc/v4"

	"weir/internal/udp"
	"weir/stream"
)

func host(iface string, addrs ...string) []udp.Address {
	var all []udp.Address
	for _, a := range addrs {
		all = append(all, udp.Address{Addr: netip.MustParseAddr(a), Interface: iface})
	}
	return all
}

func TestOrderAddresses(t *testing.T) {
	machine := append(append(host("lo", "127.0.0.1", "::1"), host("eth0", "198.51.100.7", "2001:db8::7")...),
		host("eth1", "192.0.2.2", "192.0.2.3", "2001:db8:1::2")...)
	for _, c := range []struct {
		local    string
		loopback bool
		want     string
	}{
		{"198.51.100.7", false, "198.51.100.7 192.0.2.2 192.0.2.3 2001:db8::7 2001:db8:1::2"},
		{"192.0.2.3", false, "192.0.2.3 192.0.2.2 198.51.100.7 2001:db8::7 2001:db8:1::2"},
		{"2001:db8:1::2", false, "192.0.2.2 192.0.2.3 198.51.100.7 2001:db8:1::2 2001:db8::7"},
		{"2001:db8::7", false, "198.51.100.7 192.0.2.2 192.0.2.3 2001:db8::7 2001:db8:1::2"},
		{"203.0.113.9", false, "192.0.2.2 192.0.2.3 198.51.100.7 2001:db8::7 2001:db8:1::2"},
		{"", false, "192.0.2.2 192.0.2.3 198.51.100.7 2001:db8::7 2001:db8:1::2"},
		{"127.0.0.1", true, "127.0.0.1 192.0.2.2 192.0.2.3 198.51.100.7 ::1 2001:db8::7 2001:db8:1::2"},
		{"::1", true, "127.0.0.1 192.0.2.2 192.0.2.3 198.51.100.7 ::1 2001:db8::7 2001:db8:1::2"},
		{"127.0.0.1", false, "192.0.2.2 192.0.2.3 198.51.100.7 2001:db8::7 2001:db8:1::2"},
	} {
		local, _ := netip.ParseAddr(c.local)
		var got []string
		for _, h := range orderAddresses(machine, local, c.loopback) {
			got = append(got, h.Addr.String())
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("local %q, loopback %v (-want +got):\n%s", c.local, c.loopback, diff)
		}
	}
}

func TestLocalCandidates(t *testing.T) {
	gathered := []webrtc.ICECandidate{
		{Foundation: "2", Priority: 1, Address: "2001:db8::7", Port: 9, Component: 1, Typ: webrtc.ICECandidateTypeHost},
		{Foundation: "1", Priority: 2, Address: "192.0.2.2", Port: 9, Component: 1, Typ: webrtc.ICECandidateTypeHost},
	}
	want := []string{"candidate:1 1 udp 2 192.0.2.2 9 typ host", "candidate:2 1 udp 1 2001:db8::7 9 typ host"}
	if diff := cmp.Diff(want, localCandidates(gathered, host("eth0", "192.0.2.2", "2001:db8::7"))); diff != "" {
		t.Error(diff)
	}
}

func TestCertificatesByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCertificates(2 * time.Second)
		now := func() string {
			made, err := c.forSession()
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(made.Expires()); left < 0 {
				t.Errorf("given out %v after its end", -left)
			}
			return made.fingerprint
		}
		first := now()
		time.Sleep(900 * time.Millisecond)
		if now() != first {
			t.Error("renewed before half its life")
		}
		time.Sleep(200 * time.Millisecond)
		second := now()
		if second == first {
			t.Error("not renewed after half its life")
		}
		time.Sleep(time.Hour)
		if now() == second {
			t.Error("not renewed after a pause")
		}
	})
}

func TestSenders(t *testing.T) {
	report := func(n byte) []byte { return []byte{0x80, 201, 0, 1, 0, 0, 1, n, 0, 0, 0, 0} }
	var s senders
	for n := range byte(maxSenders) {
		if !s.admit(report(n)) {
			t.Fatalf("sender %d is one too many", n)
		}
	}
	for range 3 {
		if s.admit(report(maxSenders)) {
			t.Error("one too many is taken")
		}
	}
	if n := s.dropped.Load(); n != 3 {
		t.Errorf("%d are counted", n)
	}
	for name, b := range map[string][]byte{
		"a sender that is known": report(7), "RTP": {0x80, 96, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9}, "RTP with a marker": {0x80, 224, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9},
		"DTLS": {22, 254, 253, 0, 0, 0, 0, 0, 0}, "STUN": {0, 201, 0, 1, 9, 9, 9, 9}, "nothing": {}, "too short": {0x80, 201, 0, 1},
	} {
		if !s.admit(b) {
			t.Errorf("%s is not taken", name)
		}
	}
}

// A socket that a session has alone lets through what one of the shared ones does.
func TestOwnSocket(t *testing.T) {
	shared, err := stdnet.NewNet()
	if err != nil {
		t.Fatal(err)
	}
	r := newRoute(nil, netip.Addr{}, true)
	conn, err := ownNet{Net: shared, route: r}.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	own, ok := conn.(ice.AddrPortReaderWriter)
	if !ok {
		t.Fatalf("%T", conn)
	}
	self := netip.MustParseAddrPort(conn.LocalAddr().String())
	send := func(b []byte) {
		if _, err := own.WriteToAddrPort(b, self); err != nil {
			t.Fatal(err)
		}
	}
	last := []byte{22, 254, 253}
	for n := range byte(2 * maxSenders) {
		send([]byte{0x80, 201, 0, 1, 0, 0, 1, n})
	}
	send(last)
	b := make([]byte, 100)
	for read := 0; ; read++ {
		n, _, err := own.ReadFromAddrPort(b)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(b[:n], last) {
			if read != maxSenders || r.senders.dropped.Load() != maxSenders {
				t.Errorf("%d reports come, %d are dropped", read, r.senders.dropped.Load())
			}
			break
		}
	}
	if _, err := own.WriteToAddrPort(make([]byte, 1<<16), self); err == nil || r.takeFailure() != stream.DropWriteError {
		t.Errorf("too long a datagram: %v", err)
	}
}
