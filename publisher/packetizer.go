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

// A Packetizer turns encoded units into RTP packets. It lives as long as what feeds the track, so that SSRC and sequence
// numbers go on when an encoder is restarted or a file begins anew. One goroutine at a time uses it.
type Packetizer struct {
	payloader rtp.Payloader
	video     bool
	ssrc      uint32
	sequence  uint16
}

// NewPacketizer returns an error for a format that is not packetized here. The picture id of VP8 stays off: pion leaves
// out the id 0, and libwebrtc then waits for seconds for the picture before.
func NewPacketizer(f codec.Format) (*Packetizer, error) {
	p := &Packetizer{video: f.Kind() == codec.Video, ssrc: random32(), sequence: uint16(random32())}
	switch f.Name {
	case codec.H264:
		p.payloader = &codecs.H264Payloader{}
	case codec.H265:
		p.payloader = &codecs.H265Payloader{}
	case codec.VP8:
		p.payloader = &codecs.VP8Payloader{}
	case codec.VP9:
		p.payloader = &vp9Payloader{}
	case codec.AV1:
		p.payloader = &codecs.AV1Payloader{}
	case codec.Opus:
		p.payloader = &codecs.OpusPayloader{}
	default:
		return nil, fmt.Errorf("no packetizer for %s", f)
	}
	return p, nil
}

// Packets splits one unit: H.264 and H.265 in the byte stream format (annex B), AV1 a temporal unit. The marker stands on
// the last packet of a picture (RFC 6184 5.1, RFC 7741 4.1) and never on sound, which has no silence suppression (RFC 7587
// 4.1). The payloads are copies: unit may be used again.
func (p *Packetizer) Packets(unit []byte, timestamp uint32) []*rtp.Packet {
	payloads := p.payloader.Payload(payloadSize, unit)
	packets := make([]*rtp.Packet, len(payloads))
	for i, payload := range payloads {
		packets[i] = &rtp.Packet{
			Header: rtp.Header{
				Version: 2, SSRC: p.ssrc, SequenceNumber: p.sequence, Timestamp: timestamp,
				Marker: p.video && i == len(payloads)-1,
			},
			Payload: payload,
		}
		p.sequence++
	}
	return packets
}

// A vp9Payloader is pion's, but for a frame that only shows an earlier one again (show_existing_frame): pion takes it for a
// key frame.
type vp9Payloader struct{ codecs.VP9Payloader }

// Payload implements rtp.Payloader.
func (p *vp9Payloader) Payload(most uint16, frame []byte) [][]byte {
	payloads := p.VP9Payloader.Payload(most, frame)
	if len(payloads) != 1 || len(payloads[0]) < 3 || !showsAgainVP9(frame) {
		return payloads
	}
	const head = 0x80 | 0x40 | 0x08 | 0x04 | 0x01 // I, P, B, E, Z (RFC 9628 4.2)
	return [][]byte{append([]byte{head, payloads[0][1], payloads[0][2]}, frame...)}
}

// showsAgainVP9 reads the first bits of a frame (VP9 6.2): frame marker, profile, a reserved bit in profile 3 alone, and
// show_existing_frame.
func showsAgainVP9(frame []byte) bool {
	if len(frame) == 0 || frame[0]>>6 != 2 {
		return false
	}
	if frame[0]&0x30 == 0x30 {
		return frame[0]&0x04 != 0
	}
	return frame[0]&0x08 != 0
}

// random32 is for first values that must not be guessed (RFC 3550 5.1).
func random32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return binary.BigEndian.Uint32(b[:])
}
