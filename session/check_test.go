package session_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // RFC 8489 14.5 asks for it
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"testing"
)

// check is a STUN Binding request of a controlling ICE agent (RFC 8445 7.2), with
// the user's password.
func check(user, password string, extra ...uint16) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 1, 0, 0}, 0x2112a442)
	transaction := make([]byte, 12)
	_, _ = rand.Read(transaction)
	b = append(b, transaction...)
	attribute := func(kind uint16, value []byte) {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, kind), uint16(len(value)))
		b = append(append(b, value...), make([]byte, -len(value)&3)...)
	}
	length := func(after int) { binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20+after)) }
	attribute(0x0006, []byte(user))             // USERNAME
	attribute(0x802a, make([]byte, 8))          // ICE-CONTROLLING
	attribute(0x0024, []byte{0x6e, 0, 0, 0xff}) // PRIORITY
	for _, kind := range extra {
		attribute(kind, nil)
	}
	length(24)
	mac := hmac.New(sha1.New, []byte(password))
	mac.Write(b)
	attribute(0x0008, mac.Sum(nil)) // MESSAGE-INTEGRITY
	length(8)
	attribute(0x8028, binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)^0x5354554e)) // FINGERPRINT
	return b
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
