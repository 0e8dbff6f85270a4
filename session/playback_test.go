package session_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/session"
	"weir/stream"
)

func connected(tb testing.TB, s *session.Session) {
	tb.Helper()
	eventually(tb, within, func() string {
		if !s.Stats().Connected {
			return "not connected"
		}
		return ""
	})
}

func TestAppendAllocatesNothing(t *testing.T) {
	if webrtctest.Raced {
		t.Skip("the race detector makes pools forget")
	}
	g := openGateway(t, session.Options{}, time.Hour)
	_, s, _ := g.join(t, playerOptions{})
	connected(t, s)
	h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: s.SSRC()}
	payload := make([]byte, 1100)
	allocs := 1e9
	for range 20 { // what the player allocates meanwhile counts, too: the least is ours
		allocs = min(allocs, testing.AllocsPerRun(100, func() {
			h.SequenceNumber++
			if reason := s.Append(h, payload); reason != stream.DropNone {
				t.Fatalf("dropped: %v", reason)
			}
		}))
	}
	if allocs != 0 {
		t.Errorf("%v allocations a packet", allocs)
	}
}

func TestAppendTellsWhy(t *testing.T) {
	g := openGateway(t, session.Options{}, time.Hour)
	p := newPlayer(t, playerOptions{})
	s, answer, err := g.Egress(context.Background(), g.request(p.offer(t, playerOptions{}, false)))
	if err != nil {
		t.Fatal(err)
	}
	h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: s.SSRC(), SequenceNumber: 1}
	if reason := s.Append(h, []byte{1}); reason != stream.DropNotReady {
		t.Errorf("before the handshake: %v", reason)
	}
	p.accept(t, answer)
	connected(t, s)
	if reason := s.Append(h, make([]byte, 70_000)); reason != stream.DropWriteError {
		t.Errorf("larger than a datagram: %v", reason)
	}
	if reason := s.Append(&rtp.Header{Version: 2, SSRC: s.SSRC() + 1}, []byte{1}); reason != stream.DropWriteError {
		t.Errorf("unknown SSRC: %v", reason)
	}
	s.Close(session.ReasonDeleted)
	if reason := s.Append(h, []byte{1}); reason != stream.DropGone {
		t.Errorf("after the end: %v", reason)
	}
}

// Whoever sends to a player waits for nothing while its ICE agent is at work and no
// candidate pair is selected: a worker has other players to serve.
func TestAppendWaitsForNoAgent(t *testing.T) {
	g := openGateway(t, session.Options{}, time.Hour)
	_, s, _ := g.join(t, playerOptions{})
	connected(t, s)
	f := wish.Fragment{Ufrag: "nowhere", Pwd: strings.Repeat("p", 24), Sections: []wish.FragmentSection{{Media: "audio", Mid: "0"}}}
	patched, err := g.patch(s, match(t, "*"), f)
	if err != nil {
		t.Fatal(err)
	}
	release := g.holdsAgent(t, patched.Restart.Ufrag)
	sent := make(chan stream.DropReason)
	go func() {
		h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: s.SSRC(), SequenceNumber: 1}
		s.Report(&rtcp.SenderReport{SSRC: s.SSRC()})
		sent <- s.Append(h, []byte{1})
	}()
	select {
	case reason := <-sent:
		if reason != stream.DropNotReady {
			t.Errorf("dropped: %v", reason)
		}
	case <-time.After(within):
		t.Error("the packet waits for the ICE agent")
		release()
		<-sent
	}
}

// holdsAgent keeps the ICE agent busy that has the ufrag, with one check: until
// release is called, or the test ends, it writes the log line that the check calls
// for.
func (g *gateway) holdsAgent(t *testing.T, ufrag string) (release func()) {
	t.Helper()
	held, over := make(chan struct{}), make(chan struct{})
	var once, end sync.Once
	g.logs.mu.Lock()
	g.logs.hold = func(line []byte) {
		if bytes.Contains(line, []byte("wrong username")) {
			once.Do(func() { close(held) })
			<-over
		}
	}
	g.logs.mu.Unlock()
	release = func() { end.Do(func() { close(over) }) }
	t.Cleanup(release)
	conn, err := net.Dial("udp4", g.local(t).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	eventually(t, within, func() string {
		if _, err := conn.Write(check(ufrag+":stranger", "")); err != nil {
			t.Fatal(err)
		}
		select {
		case <-held:
			return ""
		default:
			return "the agent has not looked at the check"
		}
	})
	return release
}

// What a player says by RTCP reaches its session's counters, and junk does no
// harm.
func TestFeedback(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	video := uint32(0)
	for _, f := range s.Stats().Media {
		if f.Kind == "video" {
			video = f.SSRC
		}
	}
	for _, packets := range [][]rtcp.Packet{
		{&rtcp.PictureLossIndication{MediaSSRC: video}},
		{&rtcp.FullIntraRequest{MediaSSRC: video, FIR: []rtcp.FIREntry{{SSRC: video}}}},
		{&rtcp.TransportLayerNack{MediaSSRC: video, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}}},
		{&rtcp.RawPacket{0x80, 201, 0, 1, byte(video >> 24), byte(video >> 16), byte(video >> 8), byte(video)}},
	} {
		if err := p.pc.WriteRTCP(packets); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, within, func() string {
		for _, f := range s.Stats().Media {
			if f.Kind == "video" && (f.KeyFrames < 2 || f.NACKs < 1 || f.RTT == 0) {
				return fmt.Sprintf("no feedback on video, or no round-trip time: %+v", f)
			}
		}
		return ""
	})
	for _, f := range s.Stats().Media {
		if f.RTT < 0 || f.RTT > time.Second {
			t.Errorf("round-trip time of %s is %v", f.Kind, f.RTT)
		}
	}
	p.plays(t)
	report := rtcp.ReceptionReport{SSRC: video, Jitter: 9000, FractionLost: 64, TotalLost: 3}
	eventually(t, within, func() string { // the player's own reports come between
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{report}}}); err != nil {
			return err.Error()
		}
		for _, m := range s.Stats().Media {
			if m.SSRC == video && m.Jitter == 100*time.Millisecond && m.FractionLost == 0.25 && m.Lost == 3 {
				return ""
			}
		}
		return "the report's figures"
	})
}

func BenchmarkAppend(b *testing.B) {
	g := openGateway(b, session.Options{}, time.Hour)
	_, s, _ := g.join(b, playerOptions{})
	connected(b, s)
	h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: s.SSRC()}
	payload := make([]byte, 1100)
	b.ReportAllocs()
	for b.Loop() {
		h.SequenceNumber++
		s.Append(h, payload)
	}
}

// BenchmarkEgress is the time from a POST to its answer, and what a session that
// is being set up holds.
func BenchmarkEgress(b *testing.B) {
	g := openGateway(b, session.Options{SetupTimeout: time.Hour}, time.Hour)
	offer := newPlayer(b, playerOptions{}).offer(b, playerOptions{}, false)
	b.ReportAllocs()
	for b.Loop() {
		s, _, err := g.Egress(context.Background(), g.request(offer))
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close(session.ReasonDeleted)
		b.StartTimer()
	}
}
