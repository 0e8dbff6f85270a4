package stream_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/internal/codec"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func h264() stream.Spec {
	return stream.Spec{Format: codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}}
}

func opus() stream.Spec {
	return stream.Spec{Format: codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}}
}

// running is a registry whose workers run until the test ends.
func running(tb testing.TB, o stream.Options) *stream.Registry {
	tb.Helper()
	r := stream.New(o)
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(ctx); err != nil {
			tb.Errorf("run: %v", err)
		}
	})
	tb.Cleanup(func() { stop(); wg.Wait() })
	return r
}

func publish(tb testing.TB, r *stream.Registry, by string, specs ...stream.Spec) *stream.Publication {
	tb.Helper()
	p, err := r.Publish("test", by, specs)
	if err != nil {
		tb.Fatalf("publish: %v", err)
	}
	return p
}

// sent is one packet as an Outlet saw it.
type sent struct {
	header  rtp.Header
	payload []byte
}

// recorder is an Outlet that keeps what it gets, and refuses what it is told to.
type recorder struct {
	mu      sync.Mutex
	sent    []sent
	reports []rtcp.SenderReport
	refuse  func(*rtp.Header) stream.DropReason
}

func newRecorder() *recorder { return &recorder{} }

func (r *recorder) Append(h *rtp.Header, payload []byte) stream.DropReason {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = append(r.sent, sent{h.Clone(), append([]byte(nil), payload...)})
	if r.refuse != nil {
		return r.refuse(h)
	}
	return stream.DropNone
}

func (r *recorder) Report(sr *rtcp.SenderReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports = append(r.reports, *sr)
}

func (r *recorder) packets() []sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]sent(nil), r.sent...)
}

// watch adds a viewer of the publication's tracks with one recorder for all,
// SSRCs 1, 2, … and retransmission on 101, 102, …
func watch(tb testing.TB, p *stream.Publication, rtx bool) (*stream.Viewer, *recorder) {
	tb.Helper()
	rec := newRecorder()
	return watchWith(tb, p, rtx, rec), rec
}

func watchWith(tb testing.TB, p *stream.Publication, rtx bool, out stream.Outlet) *stream.Viewer {
	tb.Helper()
	v, err := p.Stream().AddViewer(p.Tracks())
	if err != nil {
		tb.Fatalf("add viewer: %v", err)
	}
	for i, d := range v.DownTracks() {
		l := stream.Line{SSRC: uint32(i + 1), PayloadType: uint8(96 + i)}
		if rtx {
			l.RTXSSRC, l.RTXPayloadType = uint32(101+i), uint8(106+i)
		}
		d.Attach(l, func(stream.Flusher) stream.Outlet { return out })
	}
	v.Start()
	tb.Cleanup(v.Close)
	return v
}

// keyFrame and delta are H.264 payloads: parameter sets, and a slice that is
// none of an IDR picture.
func keyFrame(n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{0x67, 0x42, 0xc0, 0x1f}, n)
}
func delta(n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{0x41, 0x9a, 0, 0}, n) }

func packet(seq uint16, timestamp uint32, payload []byte) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: timestamp, Marker: true},
		Payload: payload,
	}
}

// source writes packets of a video track, a key frame each every packets.
type source struct {
	p     *stream.Publication
	track *stream.Track
	seq   uint16
	time  uint32
	n     uint32
	every uint32
}

func newSource(p *stream.Publication, every uint32) *source {
	return &source{p: p, track: p.Tracks()[0], seq: uint16(rand.Uint32()), time: rand.Uint32(), every: every}
}

func (s *source) write() {
	s.writePacket(s.next())
}

func (s *source) next() *rtp.Packet {
	payload := delta(s.n)
	if s.n%s.every == 0 {
		payload = keyFrame(s.n)
	}
	pkt := packet(s.seq, s.time, payload)
	s.seq++
	s.n++
	s.time += 3000
	return pkt
}

func (s *source) writePacket(pkt *rtp.Packet) { s.track.WriteRTP(s.p, pkt) }
