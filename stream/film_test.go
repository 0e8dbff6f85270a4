package stream_test

import (
	"bytes"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream"
)

// A high profile's parameter sets, 1920×1080, as x264 makes them.
const (
	spsHigh = "67640028acd94078044fde0220000003002000000643e2c5b2c0"
	ppsHigh = "68fba3cb22c0"
)

func unhex(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// film is a publisher of 30 pictures a second that asks nobody: a key frame of
// keyPackets each every pictures, other pictures of packets, of size bytes each.
// The parameter sets come in front of a key frame unless bare.
type film struct {
	tb                         testing.TB
	p                          *stream.Publication
	track                      *stream.Track
	every, keyPackets, packets int
	size                       int
	bare                       bool
	drop                       func(picture, packet int) bool // lost on the way here

	seq     uint16
	picture int
	start   time.Time
	base    uint32
	lost    []*rtp.Packet
}

func newFilm(tb testing.TB, p *stream.Publication, every int) *film {
	tb.Helper()
	return &film{
		tb: tb, p: p, track: p.Tracks()[0], every: every, keyPackets: 30, packets: 9, size: 1100,
		start: time.Now(), seq: 65000, base: 0xffff0000,
	}
}

const pictureTime = time.Second / 30

// at is when a picture is captured, and written.
func (f *film) at(picture int) time.Time { return f.start.Add(time.Duration(picture) * pictureTime) }

func (f *film) timestamp(picture int) uint32 { return f.base + uint32(3000*picture) }

// write writes the next picture.
func (f *film) write() {
	for _, pkt := range f.next() {
		f.track.WriteRTP(f.p, pkt)
	}
}

func (f *film) next() (all []*rtp.Packet) {
	key := f.picture%f.every == 0
	n := f.packets
	if key {
		n = f.keyPackets
	}
	var payloads [][]byte
	if key && !f.bare {
		sps, pps := unhex(f.tb, spsHigh), unhex(f.tb, ppsHigh)
		payloads = append(payloads, append(append(append([]byte{0x78, 0, byte(len(sps))}, sps...), 0, byte(len(pps))), pps...))
	}
	for i := range n {
		head := []byte{0x7c, 0x01} // FU-A
		if key {
			head[1] = 0x05
		}
		switch i {
		case 0:
			head[1] |= 0x80
		case n - 1:
			head[1] |= 0x40
		}
		payload := append(head, 0x88, byte(f.picture>>8), byte(f.picture), byte(i))
		payloads = append(payloads, append(payload, bytes.Repeat([]byte{byte(f.picture)}, f.size-len(payload))...))
	}
	for i, payload := range payloads {
		pkt := packet(f.seq, f.timestamp(f.picture), payload)
		pkt.Marker = i == len(payloads)-1
		f.seq++
		if f.drop != nil && f.drop(f.picture, i) {
			f.lost = append(f.lost, pkt)
			continue
		}
		all = append(all, pkt)
	}
	f.picture++
	return all
}

// until writes pictures, each at its time, up to so long after the start.
func (f *film) until(d time.Duration) {
	for f.at(f.picture).Before(f.start.Add(d)) {
		time.Sleep(time.Until(f.at(f.picture)))
		f.write()
	}
	time.Sleep(time.Until(f.start.Add(d)))
}

// seen is a packet as a viewer got it.
type seen struct {
	at        time.Time
	number    uint16
	timestamp uint32
	marker    bool
	picture   int // -1: parameter sets
	packet    int
	key       bool
	bytes     int
	pt        uint8
}

// eye is an Outlet that notes what comes, and when.
type eye struct {
	mu      sync.Mutex
	all     []seen
	rtx     int
	reports []rtcp.SenderReport
	times   []time.Time
}

func (e *eye) Append(h *rtp.Header, payload []byte) stream.DropReason {
	e.mu.Lock()
	defer e.mu.Unlock()
	if h.SSRC > 100 {
		e.rtx++
		return stream.DropNone
	}
	s := seen{
		at: time.Now(), number: h.SequenceNumber, timestamp: h.Timestamp, marker: h.Marker, picture: -1,
		bytes: len(payload) + 56, pt: h.PayloadType,
	}
	if len(payload) > 5 && payload[0] == 0x7c {
		s.picture, s.packet, s.key = int(payload[3])<<8|int(payload[4]), int(payload[5]), payload[1]&0x1f == 5
	}
	e.all = append(e.all, s)
	return stream.DropNone
}

func (e *eye) Report(sr *rtcp.SenderReport) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports, e.times = append(e.reports, *sr), append(e.times, time.Now())
}

func (e *eye) saw() []seen {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]seen(nil), e.all...)
}

// pictures are the first packets of each picture seen, parameter sets aside.
func pictures(all []seen) (first []seen) {
	for _, s := range all {
		if s.picture >= 0 && s.packet == 0 {
			first = append(first, s)
		}
	}
	return first
}

// gapless complains unless numbers are consecutive and timestamps never go back.
func gapless(t *testing.T, all []seen) {
	t.Helper()
	for i := range all[:max(len(all)-1, 0)] {
		if all[i+1].number != all[i].number+1 {
			t.Errorf("packet %d: number %d after %d", i+1, all[i+1].number, all[i].number)
			return
		}
		if int32(all[i+1].timestamp-all[i].timestamp) < 0 {
			t.Errorf("packet %d of picture %d: timestamp goes back by %d", i+1, all[i+1].picture, all[i].timestamp-all[i+1].timestamp)
			return
		}
	}
}

// whole complains where a picture ends before its last packet.
func whole(t *testing.T, all []seen) {
	t.Helper()
	for i := range all[:max(len(all)-1, 0)] {
		if s := all[i]; s.picture >= 0 && !s.marker && all[i+1].timestamp != s.timestamp {
			t.Errorf("picture %d ends with its packet %d, and picture %d comes", s.picture, s.packet, all[i+1].picture)
		}
	}
}
