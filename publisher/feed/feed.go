package feed

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
	"weir/publisher"
	"weir/stream"
)

// A Feed writes the units of one track: packetizer and RTP clock, which go on whatever the units come from. One goroutine
// writes; Stats may be called from any.
type Feed struct {
	// static after New
	spec stream.Spec
	base uint32 // RTP timestamp at time 0 of the feed

	// owned by the writer
	packetizer *publisher.Packetizer

	units, keyFrames, packets, bytes atomic.Uint64
	running                          atomic.Bool
}

// New makes the feed of a track.
func New(spec stream.Spec) (*Feed, error) {
	p, err := publisher.NewPacketizer(spec.Format)
	if err != nil {
		return nil, fmt.Errorf("make a feed: %w", err)
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return &Feed{spec: spec, base: binary.BigEndian.Uint32(b[:]), packetizer: p}, nil
}

// Timestamp is the RTP timestamp at a time of the feed: the nearest, modulo 2^32 (RFC 3550 5.1).
func (f *Feed) Timestamp(at time.Duration) uint32 {
	rate := int64(f.spec.Format.ClockRate)
	whole, rest := int64(at/time.Second), int64(at%time.Second)
	if rest < 0 {
		whole, rest = whole-1, rest+int64(time.Second)
	}
	return f.base + uint32(whole*rate+(rest*rate+int64(time.Second)/2)/int64(time.Second))
}

// Write sends a unit that is shown, or heard, at a time of the feed.
func (f *Feed) Write(p *stream.Publication, t *stream.Track, u media.Unit, at time.Duration) {
	packets := f.packetizer.Packets(u.Data, f.Timestamp(at))
	if len(packets) == 0 {
		return
	}
	for _, pkt := range packets {
		f.bytes.Add(uint64(len(pkt.Payload)))
		t.WriteRTP(p, pkt)
	}
	f.packets.Add(uint64(len(packets)))
	f.units.Add(1)
	if u.Key && t.Kind() == codec.Video {
		f.keyFrames.Add(1)
	}
}

// Stats reads the counters.
func (f *Feed) Stats() publisher.Stats {
	return publisher.Stats{
		Spec: f.spec, Units: f.units.Load(), KeyFrames: f.keyFrames.Load(), Packets: f.packets.Load(),
		Bytes: f.bytes.Load(), Running: f.running.Load(),
	}
}

// SetRunning says whether somebody feeds it: Stats tells.
func (f *Feed) SetRunning(running bool) { f.running.Store(running) }
