package session_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // RFC 8489 14.5 asks for it
	"encoding/binary"
	"hash/crc32"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pion/webrtc/v4"

	"weir/session"
)

// check is a STUN Binding request of a controlling ICE agent (RFC 8445 7.2), with
// the user's password.
func check(user, password string, extra ...uint16) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 1, 0, 0}, 0x2112a442)
	transaction := make([]byte, 12)
	_, _ = rand.Read(transaction)
	b = append(b, transaction...)
	b = attribute(b, userNameAttribute, []byte(user))
	b = attribute(b, controllingAttribute, make([]byte, 8))
	b = attribute(b, priorityAttribute, []byte{0x6e, 0, 0, 0xff})
	for _, kind := range extra {
		b = attribute(b, kind, nil)
	}
	return sign(b, password)
}

// STUN attributes (RFC 8489 18.3, RFC 8445 16.1).
const (
	userNameAttribute     = 0x0006
	integrityAttribute    = 0x0008
	priorityAttribute     = 0x0024
	useCandidateAttribute = 0x0025
	fingerprintAttribute  = 0x8028
	controlledAttribute   = 0x8029
	controllingAttribute  = 0x802a
)

// attribute appends one to a STUN message.
func attribute(b []byte, kind uint16, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, kind), uint16(len(value)))
	return append(append(b, value...), make([]byte, -len(value)&3)...)
}

// sign ends a STUN message with its integrity and its fingerprint.
func sign(b []byte, password string) []byte {
	length := func(after int) { binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20+after)) }
	length(24)
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(b)
	b = attribute(b, integrityAttribute, mac.Sum(nil))
	length(8)
	return attribute(b, fingerprintAttribute, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)^0x5354554e))
}

// A terse socket sends ICE's checks as FFmpeg 8.0 does: without the role, without a
// priority, and each of them nominates.
type terse struct {
	net.PacketConn
	password atomic.Pointer[string] // the other end's
	checks   atomic.Int64           // that were sent
}

func (c *terse) WriteTo(b []byte, to net.Addr) (int, error) {
	if len(b) < 20 || b[0] != 0 || b[1] != 1 || binary.BigEndian.Uint32(b[4:]) != 0x2112a442 {
		return c.PacketConn.WriteTo(b, to)
	}
	checked := append([]byte(nil), b[:20]...)
	for rest := b[20:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		switch kind {
		case controllingAttribute, controlledAttribute, priorityAttribute, useCandidateAttribute, integrityAttribute, fingerprintAttribute:
		default:
			checked = attribute(checked, kind, rest[4:4+size])
		}
		rest = rest[4+(size+3)&^3:]
	}
	checked = sign(attribute(checked, useCandidateAttribute, nil), *c.password.Load())
	c.checks.Add(1)
	if _, err := c.PacketConn.WriteTo(checked, to); err != nil {
		return 0, err
	}
	return len(b), nil
}

// An ICE agent as plain as FFmpeg 8.0's, of which nothing is known but what its
// checks say, is served.
func TestChecksWithoutRoleAndPriority(t *testing.T) {
	g := newGateway(t, session.Options{})
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	socket := &terse{PacketConn: conn}
	o := playerOptions{trickle: true, settings: func(e *webrtc.SettingEngine) { e.SetICEUDPMux(webrtc.NewICEUDPMux(nil, socket)) }}
	p := newPlayer(t, o)
	s, answer, err := g.Egress(t.Context(), g.request(p.offer(t, o, false)))
	if err != nil {
		t.Fatal(err)
	}
	socket.password.Store(new(value(answer, "a=ice-pwd:")))
	p.accept(t, answer)
	p.plays(t)
	if got := s.Stats(); socket.checks.Load() == 0 || !strings.HasSuffix(got.Candidates[1], " prflx") {
		t.Errorf("%d checks, and the pair %v", socket.checks.Load(), got.Candidates)
	}
}

// local is the gateway's address on 127.0.0.1.
func (g *gateway) local(tb testing.TB) netip.AddrPort {
	tb.Helper()
	for _, a := range g.Addresses() {
		if a.Addr() == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
			return a
		}
	}
	tb.Skip("this machine has no 127.0.0.1")
	return netip.AddrPort{}
}
