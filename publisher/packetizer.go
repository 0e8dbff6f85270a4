package publisher

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"weir/internal/codec"
)

// payloadSize is the most bytes of RTP payload in a packet. With the RTP header, extensions, SRTP's tag, UDP and IPv6 a
// datagram stays below 1,280 bytes, which every IPv6 path carries.
const payloadSize = 1200

// A packetizer turns encoded units into RTP packets. It lives as long as its rendition, so that SSRC and sequence numbers
// go on when an encoder is restarted. Only the rendition's goroutine uses it.
type packetizer struct {
	payloader rtp.Payloader
	ssrc      uint32
	sequence  uint16
}

// newPacketizer returns an error for a format that is not packetized here. The picture id of VP8 stays off: pion leaves
// out the id 0, and libwebrtc then waits for seconds for the picture before.
func newPacketizer(f codec.Format) (*packetizer, error) {
	p := &packetizer{ssrc: random32(), sequence: uint16(random32())}
	switch f.Name {
	case codec.H264:
		p.payloader = &codecs.H264Payloader{}
	case codec.VP8:
		p.payloader = &codecs.VP8Payloader{}
	case codec.Opus:
		p.payloader = &codecs.OpusPayloader{}
	default:
		return nil, fmt.Errorf("no packetizer for %s", f)
	}
	return p, nil
}

// packets splits one unit. The marker stands on the last packet of a picture (RFC 6184 5.1, RFC 7741 4.1) and never on
// sound, which has no silence suppression (RFC 7587 4.1). The payloads are copies: unit may be used again.
func (p *packetizer) packets(unit []byte, timestamp uint32, video bool) []*rtp.Packet {
	payloads := p.payloader.Payload(payloadSize, unit)
	packets := make([]*rtp.Packet, len(payloads))
	for i, payload := range payloads {
		packets[i] = &rtp.Packet{
			Header: rtp.Header{
				Version: 2, SSRC: p.ssrc, SequenceNumber: p.sequence, Timestamp: timestamp,
				Marker: video && i == len(payloads)-1,
			},
			Payload: payload,
		}
		p.sequence++
	}
	return packets
}

// random32 is for first values that must not be guessed (RFC 3550 5.1).
func random32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return binary.BigEndian.Uint32(b[:])
}
