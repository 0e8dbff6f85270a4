package webrtctest

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/pion/rtp"
)

// A Feed is what a Publisher sends by itself: pictures and sound that no decoder
// would take, but whose packets say what they are.
type Feed struct {
	Interval time.Duration // between two pictures; 0: 33 ms
	GOP      int           // pictures from one key frame to the next; 0: 30
	Packets  int           // of a picture; 0: 3
	Size     int           // of a packet, in bytes; 0: 400
	// Deaf makes no key frame when one is asked for.
	Deaf bool
	// First is the number of the first picture, see PictureOf.
	First uint32
	// OnPacket is handed each packet before it is sent.
	OnPacket func(kind string, layer int, packet *rtp.Packet)
}

// The timestamps with which the first layer's pictures and the sound begin.
const (
	FirstVideo = 50000
	FirstAudio = 7
)

// Feed sends until ctx ends or the publisher is closed; it blocks.
func (p *Publisher) Feed(ctx context.Context, f Feed) error {
	f = f.withDefaults()
	lines := make([]line, max(len(p.video), 1))
	for i := range lines {
		lines[i] = line{sequence: uint16(1000 * (i + 1)), timestamp: uint32(FirstVideo * (i + 1))}
	}
	sound := line{sequence: 7, timestamp: FirstAudio}
	ticker := time.NewTicker(f.Interval)
	defer ticker.Stop()
	begin, heard := time.Now(), int64(0)
	for n, key := 0, 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-p.stop:
			return nil
		case <-ticker.C:
		}
		if now := p.keyFrames.Load(); !f.Deaf && now != heard || n-key >= f.GOP {
			heard, key = now, n
		}
		passed := time.Since(begin)
		for layer := range p.video {
			if err := p.picture(f, layer, &lines[layer], passed, n == key, f.First+uint32(n)); err != nil {
				return err
			}
		}
		if p.audio == nil {
			continue
		}
		sound.timestamp = FirstAudio + uint32(passed.Seconds()*48000)
		packet := &rtp.Packet{Header: sound.next(true), Payload: binary.BigEndian.AppendUint32([]byte{0xfc}, uint32(n))}
		if f.OnPacket != nil {
			f.OnPacket("audio", 0, packet)
		}
		if err := p.SendAudio(packet); err != nil {
			return err
		}
	}
}

func (f Feed) withDefaults() Feed {
	if f.Interval == 0 {
		f.Interval = time.Second / 30
	}
	if f.GOP == 0 {
		f.GOP = 30
	}
	if f.Packets == 0 {
		f.Packets = 3
	}
	if f.Size == 0 {
		f.Size = 400
	}
	return f
}

// A line is the numbers of one RTP stream.
type line struct {
	sequence  uint16
	timestamp uint32
}

func (l *line) next(marker bool) rtp.Header {
	l.sequence++
	return rtp.Header{Version: 2, Marker: marker, SequenceNumber: l.sequence, Timestamp: l.timestamp}
}

// picture sends the packets of one picture of a layer; the higher the layer, the
// larger they are.
func (p *Publisher) picture(f Feed, layer int, l *line, passed time.Duration, key bool, n uint32) error {
	l.timestamp = uint32(FirstVideo*(layer+1)) + uint32(passed.Seconds()*90000)
	for i := range f.Packets {
		payload := p.start(key, i)
		payload = binary.BigEndian.AppendUint32(payload, n)
		payload = append(payload, byte(layer), byte(i))
		payload = append(payload, make([]byte, f.Size*(layer+1))...)
		if unit := len(payload) - len(p.start(key, i)) + 1; payload[0] == stapA {
			binary.BigEndian.PutUint16(payload[stapAUnit:], uint16(unit))
		}
		packet := &rtp.Packet{Header: l.next(i == f.Packets-1), Payload: payload}
		if f.OnPacket != nil {
			f.OnPacket("video", layer, packet)
		}
		if err := p.SendVideo(layer, packet); err != nil {
			return fmt.Errorf("layer %d: %w", layer, err)
		}
	}
	return nil
}

// PictureOf reads from the payload of a video packet of a Feed which picture it
// is of, and which packet of that it is.
func PictureOf(codec string, payload []byte) (picture uint32, part int, ok bool) {
	const fuA, rest = 0x7c, 6
	start := 2
	switch {
	case len(payload) == 0:
		return 0, 0, false
	case codec == "VP8" && payload[0] == 0:
		start = 1
	case codec == "VP8":
	case payload[0] == stapA:
		start = 16
	case payload[0] == fuA:
		start = 3
	}
	if len(payload) < start+rest {
		return 0, 0, false
	}
	return binary.BigEndian.Uint32(payload[start:]), int(payload[start+5]), true
}

const (
	stapA     = 0x78 // RFC 6184 5.7.1
	stapAUnit = 13   // where the size of the third unit stands in start's
)

// start is how the payload of a picture's ith packet begins.
func (p *Publisher) start(key bool, i int) []byte {
	if len(p.options.Codecs) > 0 && p.options.Codecs[0] == "VP8" {
		switch {
		case i > 0:
			return []byte{0x00}
		case key:
			return []byte{0x10, 0x00}
		default:
			return []byte{0x10, 0x01}
		}
	}
	switch {
	case !key:
		return []byte{0x41, 0x9a}
	case i == 0: // SPS, PPS and SEI
		return []byte{stapA, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 4, 0x68, 0xce, 0x3c, 0x80, 0, 0, 0x06}
	case i == 1: // FU-A: start of an IDR
		return []byte{0x7c, 0x85, 0x88}
	default:
		return []byte{0x7c, 0x45, 0x88}
	}
}
