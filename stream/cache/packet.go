package cache

import "github.com/pion/rtp"

// overhead is what a packet costs besides its payload, in bytes: the headers of
// IPv4, UDP and RTP, and SRTP's tag.
const overhead = 56

// A Packet is what viewers share of one RTP packet. It never changes.
type Packet struct {
	Index     uint64
	Arrived   int64  // nanoseconds of the monotonic clock, since the epoch
	Timestamp uint32 // the track's line, clock rate units
	Marker    bool
	Late      uint64 // its number among the track's late packets, from 1 on; 0: it came in order
	Payload   []byte

	Extensions *Extensions // that pass; nil: none
}

// size is about what a packet costs in memory.
func (p *Packet) size() int64 { return int64(cap(p.Payload)) + 160 }

// Cost is what a packet costs on the way, in bytes.
func (p *Packet) Cost() int64 { return int64(len(p.Payload) + overhead) }

// passing is how many kinds of header extensions are handed on.
const passing = 3

// Extensions are the elements of one packet, by kind; nil: it has none.
type Extensions [passing][]byte

// ExtensionIDs are the ids of the kinds of header extensions that are handed on;
// 0: not negotiated. Which kind is which is the caller's.
type ExtensionIDs [passing]uint8

// read picks the elements of a packet that pass; nil if there are none. They are
// frozen with the packet.
func (ids *ExtensionIDs) read(h *rtp.Header) *Extensions {
	if !h.Extension {
		return nil
	}
	var found *Extensions
	for kind, id := range ids {
		if id == 0 {
			continue
		}
		if b := h.GetExtension(id); len(b) > 0 && len(b) < 256 {
			if found == nil {
				found = &Extensions{}
			}
			found[kind] = b
		}
	}
	return found
}

// Write puts elements into a header under a viewer's ids, in the form of one
// byte if they fit in it and else, where the viewer takes that, in the form of
// two bytes (RFC 8285 4.2, 4.3). What does not fit is left out.
func (ids *ExtensionIDs) Write(h *rtp.Header, e *Extensions, mixed bool) {
	long := false
	if mixed {
		for kind, id := range ids {
			long = long || id != 0 && len(e[kind]) > 0 && (id > 14 || len(e[kind]) > 16)
		}
	}
	for kind, id := range ids {
		b := e[kind]
		if id == 0 || len(b) == 0 || !long && (id > 14 || len(b) > 16) {
			continue
		}
		if !h.Extension {
			h.Extension, h.ExtensionProfile = true, rtp.ExtensionProfileOneByte
			if long {
				h.ExtensionProfile = rtp.ExtensionProfileTwoByte
			}
		}
		_ = h.SetExtension(id, b) // id and length have been looked at
	}
}
