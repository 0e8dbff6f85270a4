package udp

import "encoding/binary"

// A transaction is the id by which a STUN response belongs to its request.
type transaction [12]byte

// class is a STUN message's (RFC 8489 5).
type class uint8

const (
	request class = iota
	indication
	success
	failure
	noSTUN
)

const (
	headerSize  = 20
	magicCookie = 0x2112a442
	userName    = 0x0006 // the attribute
)

// classOf says what a datagram is. What is no STUN is DTLS, RTP or RTCP.
func classOf(b []byte) class {
	if len(b) < headerSize || b[0] > 3 || binary.BigEndian.Uint32(b[4:]) != magicCookie {
		return noSTUN
	}
	kind := binary.BigEndian.Uint16(b)
	return class(kind>>7&2 | kind>>4&1)
}

// transactionOf is a STUN message's.
func transactionOf(b []byte) transaction { return transaction(b[8:headerSize]) }

// ufragOf is the receiver's ufrag in the username of a STUN request (RFC 8445
// 7.2.2), "" if there is none.
func ufragOf(b []byte) string {
	for rest := b[headerSize:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		if len(rest) < 4+size {
			return ""
		}
		if kind == userName {
			for i, c := range rest[4 : 4+size] {
				if c == ':' {
					return string(rest[4 : 4+i])
				}
			}
			return string(rest[4 : 4+size])
		}
		rest = rest[min(4+(size+3)&^3, len(rest)):]
	}
	return ""
}
