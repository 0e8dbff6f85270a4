package egress

import (
	"io"
	"log/slog"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// writer is where pion would take packets.
type writer struct {
	ssrcs []uint32
	n     int
	err   error
}

func (w *writer) WriteRTP(h *rtp.Header, _ []byte) (int, error) {
	w.ssrcs = append(w.ssrcs, h.SSRC)
	return w.n, w.err
}

func (w *writer) Write([]byte) (int, error) { return w.n, w.err }

func newSender(t *testing.T) *Sender {
	t.Helper()
	peers, err := peer.New(peer.Options{Logger: slog.New(slog.DiscardHandler), Consent: time.Minute, CertificateLife: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s := New(peers.Conn(netip.Addr{}, true), "live", func() {})
	s.ready = func() bool { return true }
	return s
}

func TestAppend(t *testing.T) {
	s := newSender(t)
	video, audio := &writer{n: 100}, &writer{n: 100}
	s.streams = []outletStream{{ssrc: 1, rtx: 2, writer: video}, {ssrc: 3, rtx: 3, writer: audio}}
	send := func(ssrc uint32) stream.DropReason { return s.Append(&rtp.Header{SSRC: ssrc}, make([]byte, 10)) }
	for _, ssrc := range []uint32{1, 2, 3, 2} {
		if reason := send(ssrc); reason != stream.DropNone {
			t.Errorf("SSRC %d is dropped: %v", ssrc, reason)
		}
	}
	if diff := cmp.Diff([][]uint32{{1, 2, 2}, {3}}, [][]uint32{video.ssrcs, audio.ssrcs}); diff != "" {
		t.Errorf("went elsewhere (-want +got):\n%s", diff)
	}
	if reason := send(4); reason != stream.DropWriteError {
		t.Errorf("an SSRC that was not negotiated: %v", reason)
	}
	for _, c := range []struct {
		err  error
		want stream.DropReason
	}{
		{nil, stream.DropNotReady}, // no keys yet
		{ice.ErrNoCandidatePairs, stream.DropNotReady},
		{syscall.ENOBUFS, stream.DropQueueFull},
		{io.ErrClosedPipe, stream.DropGone},
		{io.ErrShortBuffer, stream.DropWriteError},
	} {
		video.n, video.err = 0, c.err
		if got := send(1); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
	if packets, bytes := s.Counted(); packets != 4 || bytes != 40 {
		t.Errorf("%d packets of %d bytes, want the 4 that were sent, of 40", packets, bytes)
	}
}

// What a player says is counted for the section that it is about, though one
// datagram may speak of both.
func TestFeedbackBySection(t *testing.T) {
	registry := stream.New(stream.Options{})
	specs := []stream.Spec{
		{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}},
		{Format: codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}},
	}
	p, err := registry.Publish("live", "test", specs)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close("end of test")
	viewer, err := p.Stream().AddViewer(p.Tracks())
	if err != nil {
		t.Fatal(err)
	}
	defer viewer.Close()

	s := newSender(t)
	s.tracks = []*trackLocal{{ssrc: 1}, {}, {ssrc: 3}}
	s.Join([]negotiate.Section{
		{Kind: "video", Accepted: true, Format: specs[0].Format},
		{Kind: "video"}, // was offered and not taken
		{Kind: "audio", Accepted: true, Format: specs[1].Format},
	}, viewer.DownTracks())
	for _, packet := range []rtcp.Packet{
		&rtcp.PictureLossIndication{MediaSSRC: 1},
		&rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: 9}, {SSRC: 1}, {SSRC: 1}}},
		&rtcp.TransportLayerNack{MediaSSRC: 3, Nacks: []rtcp.NackPair{{PacketID: 7}}},
		&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{
			{SSRC: 1, FractionLost: 64, TotalLost: 3, Jitter: 9000}, {SSRC: 3, TotalLost: 0xffffff, Jitter: 480}, {SSRC: 9},
		}},
		&rtcp.SenderReport{Reports: []rtcp.ReceptionReport{{SSRC: 3, TotalLost: 0xffffff, Jitter: 480}}},
	} {
		for _, f := range s.feedback {
			f.handle(packet)
		}
	}
	want := []Stats{
		{SSRC: 1, FractionLost: 0.25, Lost: 3, Jitter: 100 * time.Millisecond, Reports: 1, KeyFrames: 2},
		{SSRC: 3, Lost: -1, Jitter: 10 * time.Millisecond, Reports: 2, NACKs: 1},
	}
	if diff := cmp.Diff(want, s.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
