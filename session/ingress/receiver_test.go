package ingress_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"

	"weir/internal/codec"
	"weir/session/ingress"
	"weir/session/negotiate"
	"weir/stream"
)

// What the publisher of these tests sends: VP8 with retransmissions, as one
// stream or as layers.
const (
	media, repairs  = 96, 97 // payload types
	number, ridID   = 1000, 2
	low, high       = 10, 20 // SSRCs
	repairsOf       = 1      // more than the SSRC
	frame           = 3000   // ticks
	keyFrame, delta = 0, 1
)

// publisher sends to a Receiver, and hears what is said about it.
type publisher struct {
	*ingress.Receiver

	registry    *stream.Registry
	publication *stream.Publication
	track       *stream.Track
	buffers     map[uint32]io.ReadWriteCloser

	mu sync.Mutex
	// guarded by mu
	heard     []rtcp.Packet
	compounds [][]rtcp.Packet
	times     []time.Time  // of these
	taken     []rtp.Header // by the track
}

func newPublisher(tb testing.TB, rids ...string) *publisher {
	tb.Helper()
	return publisherOf(tb, sectionOf(rids...))
}

var vp8 = codec.Format{Name: codec.VP8, ClockRate: 90000}

func sectionOf(rids ...string) negotiate.Section {
	return negotiate.Section{
		Kind: "video", Mid: "0", Accepted: true, Format: vp8, PayloadType: media, RIDs: rids,
		Feedback: []string{"nack", "nack pli"}, Extensions: map[uint8]string{ridID: negotiate.RID},
		Payloads: []negotiate.Payload{{Number: media, RTX: repairs, Format: vp8, Feedback: []string{"nack", "nack pli"}}},
		Sources:  []negotiate.Source{{SSRC: low, RTX: low + repairsOf}, {SSRC: high, RTX: high + repairsOf}},
	}
}

func publisherOf(tb testing.TB, section negotiate.Section) *publisher {
	tb.Helper()
	registry := stream.New(stream.Options{})
	publication, err := registry.PublishWith("test", stream.PublishOptions{By: "test", Specs: []stream.Spec{{Format: vp8}}})
	if err != nil {
		tb.Fatal(err)
	}
	p := &publisher{registry: registry, publication: publication, track: publication.Tracks()[0], buffers: map[uint32]io.ReadWriteCloser{}}
	p.Receiver = ingress.New(ingress.Options{
		Sections: []negotiate.Section{section}, CNAME: "cname", Connected: func() bool { return true },
		Send: func(packets []rtcp.Packet) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.heard = append(p.heard, packets...)
			p.compounds, p.times = append(p.compounds, packets), append(p.times, time.Now())
		},
		RoundTrip: func() time.Duration { return 0 },
		Flooded:   func() {},
	})
	stop := p.track.Observe(func(_ *stream.Publication, _ time.Time, pkt *rtp.Packet) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.taken = append(p.taken, pkt.Header)
	})
	p.Start(publication)
	tb.Cleanup(func() {
		stop()
		p.Stop()
		p.Wait()
		publication.Close("end of test")
	})
	return p
}

// write sends one packet as pion would hand it over.
func (p *publisher) write(tb testing.TB, pkt *rtp.Packet) {
	tb.Helper()
	b, err := pkt.Marshal()
	if err != nil {
		tb.Fatal(err)
	}
	buffer := p.buffers[pkt.SSRC]
	if buffer == nil {
		buffer = p.Buffer(packetio.RTPBufferPacket, pkt.SSRC)
		p.buffers[pkt.SSRC] = buffer
	}
	if n, err := buffer.Write(b); n != len(b) || err != nil {
		tb.Fatalf("write: %d, %v", n, err)
	}
}

// picture is a frame in one packet of so many bytes.
func picture(ssrc uint32, n int, kind byte, size int) *rtp.Packet {
	return &rtp.Packet{
		Header: rtp.Header{
			Version: 2, Marker: true, PayloadType: media, SSRC: ssrc, SequenceNumber: uint16(number + n), Timestamp: uint32(frame * n),
		},
		Payload: append([]byte{0x10, kind}, make([]byte, size)...),
	}
}

// again is the packet as a retransmission (RFC 4588 4).
func again(pkt *rtp.Packet, n int) *rtp.Packet {
	repair := *pkt
	repair.SSRC, repair.PayloadType, repair.SequenceNumber = pkt.SSRC+repairsOf, repairs, uint16(n)
	repair.Payload = append(binary.BigEndian.AppendUint16(nil, pkt.SequenceNumber), pkt.Payload...)
	return &repair
}

// asked are the packets that were asked for again since the last call, and
// whether a key frame was.
func (p *publisher) asked() (numbers []int, keyFrame bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, packet := range p.heard {
		switch packet := packet.(type) {
		case *rtcp.TransportLayerNack:
			for _, pair := range packet.Nacks {
				for _, n := range pair.PacketList() {
					numbers = append(numbers, int(n)-number)
				}
			}
		case *rtcp.PictureLossIndication:
			keyFrame = true
		}
	}
	p.heard = nil
	return numbers, keyFrame
}

// line are the numbers that the track got, less the first.
func (p *publisher) line() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []int
	for _, h := range p.taken {
		all = append(all, int(h.SequenceNumber)-number)
	}
	return all
}

// A packet that is missing is asked for until it comes, by whatever way, or a
// second has passed.
func TestMissingPacketsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		for _, n := range []int{0, 2, 3, 6} {
			p.write(t, picture(low, n, keyFrame, 10))
		}
		synctest.Wait()
		if numbers, _ := p.asked(); len(numbers) > 0 {
			t.Errorf("asked for %v at once: they may be out of order", numbers)
		}
		time.Sleep(6 * time.Millisecond)
		if numbers, _ := p.asked(); !slices.Equal(numbers, []int{1, 4, 5}) {
			t.Errorf("asked for %v", numbers)
		}
		p.write(t, picture(low, 1, keyFrame, 10)) // as it was
		p.write(t, again(picture(low, 4, keyFrame, 10), 1))
		p.write(t, again(picture(low, 4, keyFrame, 10), 2)) // twice
		time.Sleep(25 * time.Millisecond)
		if numbers, _ := p.asked(); !slices.Equal(numbers, []int{5}) {
			t.Errorf("asked once more for %v", numbers)
		}
		time.Sleep(2 * time.Second)
		p.asked()
		time.Sleep(time.Second)
		if numbers, _ := p.asked(); len(numbers) > 0 {
			t.Errorf("still asks for %v", numbers)
		}
		if got := p.line(); !slices.Equal(got, []int{0, 2, 3, 6, 1, 4}) {
			t.Errorf("the track got %v", got)
		}
		got := p.Stats()[0].Reception
		want := fmt.Sprint(6, 2, 1, 1)
		if fmt.Sprint(got.Packets, got.Recovered, got.Duplicates, got.GivenUp) != want || got.Asked < 4 {
			t.Errorf("counts %+v, want %s", got, want)
		}
	})
}

// Packets that come in pairs the wrong way round, each a gap for a moment, put off neither reports nor what is asked for.
func TestGapsWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t)
		for n := 0; n < 1500; n += 2 {
			p.write(t, picture(low, n+1, keyFrame, 10))
			if n%100 != 50 { // else lost
				p.write(t, picture(low, n, keyFrame, 10))
			}
			time.Sleep(4 * time.Millisecond) // less than tolerance from gap to gap
		}
		synctest.Wait()
		numbers, _ := p.asked()
		slices.Sort(numbers)
		if asked := slices.Compact(numbers); len(asked) != 15 {
			t.Errorf("asked for %v, want the 15 that are lost", asked)
		}
	})
}

// layer is a picture of one layer, which says so.
func layer(t *testing.T, rid string, ssrc uint32, n int, kind byte, size int) *rtp.Packet {
	t.Helper()
	pkt := picture(ssrc, n, kind, size)
	if err := pkt.SetExtension(ridID, []byte(rid)); err != nil {
		t.Fatal(err)
	}
	return pkt
}

// The best layer is forwarded, from a key frame on that was asked for, and
// another when it falls silent; the line has no gap.
func TestLayersMakeOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(t, "h", "l")
		n := 0
		send := func(frames int, kind byte, rids ...string) {
			for range frames {
				for _, rid := range rids {
					ssrc, size := uint32(low), 100
					if rid == "h" {
						ssrc, size = high, 1000
					}
					p.write(t, layer(t, rid, ssrc, n, kind, size))
				}
				n++
				time.Sleep(33 * time.Millisecond)
			}
		}
		forwards := func(rid string) {
			t.Helper()
			if got := p.Stats()[0].Reception; got.Layer != rid {
				t.Errorf("layer %q is forwarded after %d frames, want %q", got.Layer, n, rid)
			}
		}
		send(1, keyFrame, "l", "h")
		send(60, delta, "l", "h")
		forwards("l")
		if _, asked := p.asked(); !asked {
			t.Error("no key frame of the better layer is asked for")
		}
		send(1, keyFrame, "l", "h")
		send(5, delta, "l", "h")
		forwards("h")
		send(60, delta, "l")
		send(1, keyFrame, "l")
		forwards("l")
		send(5, delta, "l")
		line := p.line()
		for i := 1; i < len(line); i++ {
			if line[i] != line[i-1]+1 {
				t.Fatalf("%d follows %d", line[i], line[i-1])
			}
		}
		if got := p.Stats()[0].Reception; got.Drops["layer"] == 0 || got.Streams != 2 {
			t.Errorf("counts %+v", got)
		}
	})
}

// Nothing reaches the publication after Stop, and streams without end are not
// kept.
func TestStopAndFlood(t *testing.T) {
	p := newPublisher(t)
	p.write(t, picture(low, 0, keyFrame, 10))
	p.Stop()
	p.write(t, picture(low, 1, keyFrame, 10))
	if got := p.line(); !slices.Equal(got, []int{0}) {
		t.Errorf("the track got %v", got)
	}
	if got := p.Stats()[0].Reception.Drops["untimely"]; got != 1 {
		t.Errorf("%d packets came too late", got)
	}
	for _, kind := range []packetio.BufferPacketType{packetio.RTPBufferPacket, packetio.RTCPBufferPacket} {
		var flooded atomic.Int32
		r := ingress.New(ingress.Options{Flooded: func() { flooded.Add(1) }})
		for ssrc := range uint32(1000) {
			if _, err := r.Buffer(kind, ssrc).Write([]byte("no RTP")); err != nil {
				t.Fatal(err)
			}
			if ssrc == 100 && flooded.Load() > 0 {
				t.Error("flooded by 100 streams")
			}
		}
		if flooded.Load() == 0 {
			t.Errorf("1000 streams flood nothing, as packets of kind %d", kind)
		}
	}
}

// The way of a packet from where it was decrypted to its track.
func BenchmarkWrite(b *testing.B) {
	p := newPublisher(b)
	buffer := p.Buffer(packetio.RTPBufferPacket, low)
	raw, err := picture(low, 0, keyFrame, 1100).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	n := uint16(0)
	for b.Loop() {
		binary.BigEndian.PutUint16(raw[2:], n)
		n++
		if _, err := buffer.Write(raw); err != nil {
			b.Fatal(err)
		}
		if n%1024 == 0 {
			p.mu.Lock()
			p.taken = p.taken[:0]
			p.mu.Unlock()
		}
	}
}
