package session_test

import (
	"runtime"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
	"weir/session"
)

// heap is what is in use, in MiB.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc >> 20)
}

// A player that names RTP streams without end, by RTCP or by RTP, takes no memory,
// and its session ends; others play on.
func TestStreamsWithoutEnd(t *testing.T) {
	const packets, entries = 300, 140
	floods := map[string]func(*testing.T, *player) func(n int) error{
		"RTCP": func(_ *testing.T, p *player) func(int) error {
			return func(n int) error {
				fir := &rtcp.FullIntraRequest{SenderSSRC: 1}
				for i := range entries {
					fir.FIR = append(fir.FIR, rtcp.FIREntry{SSRC: uint32(1000 + n*entries + i)})
				}
				return p.pc.WriteRTCP([]rtcp.Packet{fir})
			}
		},
		"RTP": func(t *testing.T, p *player) func(int) error {
			t.Helper()
			writer := p.writer(t)
			return func(n int) error {
				for i := range 10 {
					if _, err := writer.WriteRTP(&rtp.Header{Version: 2, PayloadType: 120, SSRC: uint32(1000 + 10*n + i)}, []byte{1}); err != nil {
						return err
					}
				}
				return nil
			}
		},
	}
	for name, begin := range floods {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t, session.Options{})
			p, s, _ := g.join(t, playerOptions{})
			other, _, _ := g.join(t, playerOptions{})
			p.plays(t)
			send := begin(t, p)
			before := heap()
			for n := range packets {
				if err := send(n); err != nil {
					break // the session has ended
				}
			}
			ends(t, s, within, session.ReasonStreams)
			if after := heap(); after > before+20 {
				t.Errorf("%d MiB in use, before %d", after, before)
			}
			other.plays(t)
		})
	}
}

// A player that reports as ever new senders, on nothing, is not listened to any
// more. It plays on.
func TestSendersWithoutEnd(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	for n := range uint32(300) {
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1000 + n}}); err != nil {
			t.Fatal(err)
		}
	}
	webrtctest.Until(t, within, func() string {
		if s.Stats().Drops["too_many_senders"] < 200 {
			return "reports that are not read"
		}
		return ""
	})
	p.plays(t)
	if s.Reason() != "" {
		t.Errorf("the session has ended: %s", s.Reason())
	}
}

// writer sends RTP as the player likes.
func (p *player) writer(tb testing.TB) webrtc.TrackLocalWriter {
	tb.Helper()
	track := &freeTrack{}
	transceiver, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		tb.Fatal(err)
	}
	if err := transceiver.Sender().Send(transceiver.Sender().GetParameters()); err != nil {
		tb.Fatal(err)
	}
	return track.writer
}

// freeTrack is a track that was not negotiated.
type freeTrack struct{ writer webrtc.TrackLocalWriter }

func (f *freeTrack) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	f.writer = c.WriteStream()
	return c.CodecParameters()[0], nil
}
func (f *freeTrack) Unbind(webrtc.TrackLocalContext) error { return nil }
func (f *freeTrack) ID() string                            { return "free" }
func (f *freeTrack) RID() string                           { return "" }
func (f *freeTrack) StreamID() string                      { return "free" }
func (f *freeTrack) Kind() webrtc.RTPCodecType             { return webrtc.RTPCodecTypeVideo }
