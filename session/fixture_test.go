package session_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/session"
	"weir/stream"
)

// within is how long a test waits for what must happen at once.
const within = time.Minute

// eventually waits until missing returns "", and fails with what it returned
// last.
func eventually(tb testing.TB, limit time.Duration, missing func() string) {
	tb.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		what := missing()
		if what == "" {
			return
		}
		select {
		case <-deadline.C:
			tb.Fatalf("after %v: %s", limit, what)
		case <-tick.C:
		}
	}
}

// gateway is a Manager that runs over a live stream "test", H.264 and Opus.
type gateway struct {
	*session.Manager

	registry *stream.Registry
	logs     *logBuffer
	stop     func() // ends the Manager and waits
	loopback netip.AddrPort
}

// logBuffer collects what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
	hold func(line []byte) // nil, or called before a line is taken
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	hold := b.hold
	b.mu.Unlock()
	if hold != nil {
		hold(p)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newGateway(tb testing.TB, o session.Options) *gateway {
	tb.Helper()
	return openGateway(tb, o, 20*time.Millisecond)
}

// openGateway feeds its stream every so often.
func openGateway(tb testing.TB, o session.Options, every time.Duration) *gateway {
	tb.Helper()
	g := &gateway{logs: &logBuffer{}, loopback: netip.MustParseAddrPort("127.0.0.1:40000")}
	logger := slog.New(slog.NewTextHandler(g.logs, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	g.registry = stream.New(stream.Options{Logger: logger, NewFlusher: session.NewFlusher, DemandGrace: time.Millisecond})
	o.Registry, o.Logger = g.registry, logger
	manager, err := session.New(o)
	if err != nil {
		tb.Fatalf("new manager: %v", err)
	}
	g.Manager = manager

	ctx, cancel := context.WithCancel(context.Background())
	var running, others sync.WaitGroup
	others.Go(func() {
		if err := g.registry.Run(ctx); err != nil {
			tb.Errorf("run registry: %v", err)
		}
	})
	feed(ctx, tb, g.registry, &others, every)
	managing, end := context.WithCancel(context.Background())
	running.Go(func() {
		if err := manager.Run(managing); err != nil {
			tb.Errorf("run manager: %v", err)
		}
	})
	g.stop = func() { end(); running.Wait() }
	tb.Cleanup(func() { g.stop(); cancel(); others.Wait() })
	<-manager.Ready()
	return g
}

// feed publishes the stream "test": three video packets and one of audio at a
// time.
func feed(ctx context.Context, tb testing.TB, r *stream.Registry, wg *sync.WaitGroup, every time.Duration) {
	tb.Helper()
	publication, err := r.Publish("test", "test", []stream.Spec{
		{Format: codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}},
		{Format: codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}},
	})
	if err != nil {
		tb.Fatalf("publish: %v", err)
	}
	wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		video, audio := rtp.Header{Version: 2}, rtp.Header{Version: 2}
		write := func(track *stream.Track, h *rtp.Header, marker bool, payload []byte) {
			h.SequenceNumber++
			h.Marker = marker
			track.WriteRTP(publication, &rtp.Packet{Header: *h, Payload: payload})
		}
		for n := byte(0); ; n++ {
			select {
			case <-ctx.Done():
				publication.Close("end of test")
				return
			case <-tick.C:
			}
			video.Timestamp += 1800
			audio.Timestamp += 960
			tracks := publication.Tracks()
			if n%50 == 0 {
				tracks[0].SetClock(publication, time.Now(), video.Timestamp)
				tracks[1].SetClock(publication, time.Now(), audio.Timestamp)
			}
			write(tracks[0], &video, false, []byte{0x67, 0x42, 0xe0, 0x1f, n}) // parameter sets and an IDR: each a key frame
			write(tracks[0], &video, false, []byte{0x68, 0xce, 0x38, 0x80})
			write(tracks[0], &video, true, append([]byte{0x65, 0x88, n}, make([]byte, 200)...))
			write(tracks[1], &audio, true, []byte{0xfc, n, 1, 2, 3})
		}
	})
}

// player is a WHEP player in this process.
type player struct {
	pc           *webrtc.PeerConnection
	video, audio atomic.Int64 // packets received
	state        atomic.Int64 // webrtc.PeerConnectionState
	closeOnce    sync.Once
}

type playerOptions struct {
	answering bool // DTLS: insist on being the server
	trickle   bool // send no candidates in the offer
	settings  func(*webrtc.SettingEngine)
}

func newPlayer(tb testing.TB, o playerOptions) *player {
	tb.Helper()
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	if o.settings != nil {
		o.settings(&e)
	}
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		tb.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		tb.Fatal(err)
	}
	p := &player{pc: pc}
	tb.Cleanup(p.close)
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.state.Store(int64(s)) })
	pc.OnTrack(func(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		go func() { // else its interceptors see no sender reports
			for {
				if _, _, err := receiver.ReadRTCP(); err != nil {
					return
				}
			}
		}()
		count := &p.video
		if track.Kind() == webrtc.RTPCodecTypeAudio {
			count = &p.audio
		}
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			count.Add(1)
		}
	})
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

func (p *player) close() {
	p.closeOnce.Do(func() { _ = p.pc.GracefulClose() })
}

// offer makes one, with all candidates, or with none if trickling. One that
// restarts ICE waits until ICE has begun: pion begins in a goroutine of its own,
// with the credentials of the first answer, and would undo the restart.
func (p *player) offer(tb testing.TB, o playerOptions, restart bool) string {
	tb.Helper()
	if restart {
		eventually(tb, within, func() string {
			if p.pc.ICEConnectionState() == webrtc.ICEConnectionStateNew {
				return "the player's ICE has not begun"
			}
			return ""
		})
	}
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		tb.Fatal(err)
	}
	complete := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		tb.Fatal(err)
	}
	<-complete
	text := p.pc.LocalDescription().SDP
	if o.trickle {
		text = without(text, "a=candidate:", "a=end-of-candidates")
	}
	if o.answering {
		text = strings.ReplaceAll(text, "a=setup:actpass", "a=setup:passive")
	}
	return text
}

func without(text string, prefixes ...string) string {
	var kept []string
	for line := range strings.Lines(text) {
		keep := true
		for _, prefix := range prefixes {
			keep = keep && !strings.HasPrefix(line, prefix)
		}
		if keep {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// value is what follows the first line that begins with prefix.
func value(text, prefix string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			return v
		}
	}
	return ""
}

func values(text, prefix string) []string {
	var all []string
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
			all = append(all, v)
		}
	}
	return all
}

func (p *player) accept(tb testing.TB, answer string) {
	tb.Helper()
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		tb.Fatalf("set answer: %v\n%s", err, answer)
	}
}

// request is one for the stream "test" from this machine.
func (g *gateway) request(offer string) session.Request {
	return session.Request{Stream: "test", Offer: offer, Remote: g.loopback, Local: netip.MustParseAddrPort("127.0.0.1:8080")}
}

// join makes a player and a session for it.
func (g *gateway) join(tb testing.TB, o playerOptions) (*player, *session.Session, string) {
	tb.Helper()
	p := newPlayer(tb, o)
	s, answer, err := g.Egress(context.Background(), g.request(p.offer(tb, o, false)))
	if err != nil {
		tb.Fatalf("egress: %v", err)
	}
	p.accept(tb, answer)
	return p, s, answer
}

// plays waits until more media of both kinds have come.
func (p *player) plays(tb testing.TB) {
	tb.Helper()
	video, audio := p.video.Load(), p.audio.Load()
	eventually(tb, within, func() string {
		if v, a := p.video.Load()-video, p.audio.Load()-audio; v < 10 || a < 5 {
			return fmt.Sprintf("%d video and %d audio packets came, state %v", v, a, p.pc.ConnectionState())
		}
		return ""
	})
}

// frag is a fragment with the ICE credentials and candidates of an SDP.
func frag(sdp string) wish.Fragment {
	section := wish.FragmentSection{Media: "audio", Mid: "0", EndOfCandidates: true}
	for _, c := range values(sdp, "a=candidate:") {
		section.Candidates = append(section.Candidates, "candidate:"+c)
	}
	return wish.Fragment{
		Ufrag: value(sdp, "a=ice-ufrag:"), Pwd: value(sdp, "a=ice-pwd:"), Sections: []wish.FragmentSection{section},
	}
}

func match(tb testing.TB, tag string) wish.Match {
	tb.Helper()
	m, err := wish.ParseIfMatch([]string{tag})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// recorded are the offers of known players, or with "publish/" those of known
// publishers, by file name.
func recorded(tb testing.TB, folder string) map[string]string {
	tb.Helper()
	paths, err := filepath.Glob("negotiate/testdata/offers/" + folder + "*.sdp")
	if err != nil || len(paths) < 5 {
		tb.Fatalf("offers found: %d, %v", len(paths), err)
	}
	offers := make(map[string]string)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		offers[strings.TrimSuffix(filepath.Base(path), ".sdp")] = without(string(text), "#")
	}
	return offers
}
