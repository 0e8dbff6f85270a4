package whip_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
	"weir/session"
)

// payloads collects what was sent and what came, by kind.
type payloads struct {
	mu   sync.Mutex
	seen map[string]int // kind and payload to how often
}

func (p *payloads) add(kind string, payload []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil {
		p.seen = map[string]int{}
	}
	p.seen[kind+string(payload)]++
}

func (p *payloads) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.seen)
}

// strangers counts those that are not among what was sent.
func (p *payloads) strangers(sent *payloads) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	sent.mu.Lock()
	defer sent.mu.Unlock()
	for payload := range p.seen {
		if sent.seen[payload] == 0 {
			n++
		}
	}
	return n
}

// feeding lets a publisher feed until the test has ended, or the context.
func feeding(ctx context.Context, t *testing.T, p *webrtctest.Publisher, f webrtctest.Feed) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := p.Feed(ctx, f); err != nil {
			t.Errorf("feed: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

// Ten players get the very payloads that the publisher sent.
func TestRelay(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]webrtctest.PublishOptions{
		"H264":                      {},
		"VP8":                       {Codecs: []string{"VP8"}},
		"no SSRC in the offer":      {Offer: func(sdp string) string { return webrtctest.WithoutLines(sdp, "a=ssrc", "a=msid") }},
		"no SSRC, no RTX":           {NoRTX: true, Offer: func(sdp string) string { return webrtctest.WithoutLines(sdp, "a=ssrc", "a=msid") }},
		"no feedback, no extension": {NoRTX: true, Offer: func(sdp string) string { return webrtctest.WithoutLines(sdp, "a=ssrc", "a=rtcp-fb", "a=extmap") }},
		"numbered":                  {Wide: true},
		"without candidates":        {HideCandidates: true},
		"the server begins":         {IgnoreCandidates: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{})
			var sent payloads
			p := s.publish(t, "live", o)
			feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: func(kind string, _ int, packet *rtp.Packet) { sent.add(kind, packet.Payload) }})
			const players = 4
			got := make([]payloads, players)
			all := make([]*webrtctest.Player, players)
			for i := range all {
				all[i] = s.play(t, "live", webrtctest.Options{OnPacket: func(kind string, packet *rtp.Packet) { got[i].add(kind, packet.Payload) }})
			}
			for i, player := range all {
				webrtctest.Until(t, wishtest.Soon, func() string { return player.Lacks(60, webrtctest.Stats{}, webrtctest.Stats{}) })
				complete(t, player)
				if n := got[i].strangers(&sent); n > 0 || got[i].count() < 100 {
					t.Errorf("player %d: %d of %d payloads were never sent", i, n, got[i].count())
				}
				if video := player.Video(); !video.FirstKey {
					t.Errorf("player %d begins in the middle", i)
				}
			}
			stats := s.session(t, p).Stats()
			if stats.Protocol != "whip" || len(stats.Media) != 2 || stats.Packets == 0 {
				t.Errorf("stats: %+v", stats)
			}
			if o.Wide {
				webrtctest.Until(t, wishtest.Soon, func() string {
					if p.Heard().Numbered == 0 {
						return "feedback on transport-wide numbers"
					}
					return ""
				})
			}
		})
	}
}

func TestLossIsRepaired(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]webrtctest.PublishOptions{"with RTX": {NoAudio: true}, "on the same stream": {NoAudio: true, NoRTX: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{})
			p := s.publish(t, "live", o)
			feeding(t.Context(), t, p, webrtctest.Feed{})
			player := s.play(t, "live", webrtctest.Options{NoAudio: true})
			media(t, player, 10)
			p.LoseOut(20)
			player.Lose(20)
			media(t, player, 400)
			p.LoseOut(0)
			player.Lose(0)
			complete(t, player)
			stats := s.session(t, p).Stats().Media[0]
			if stats.Received.Recovered < 10 || stats.Received.GivenUp > 0 || stats.NACKs < 10 || stats.Lost == 0 && !o.NoRTX {
				t.Errorf("received: %+v, %d lost, %d asked for", stats.Received, stats.Lost, stats.NACKs)
			}
			video := player.Video()
			if video.Recovered < 10 || video.Missing > 0 {
				t.Errorf("player: %+v", video)
			}
			if heard := p.Heard(); heard.Reports == 0 || heard.KeyFrames > 5 {
				t.Errorf("the publisher heard %+v", heard)
			}
		})
	}
}

func TestTakeOver(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{})
	old := s.publish(t, "live", webrtctest.PublishOptions{})
	feeding(t.Context(), t, old, webrtctest.Feed{})
	player := s.play(t, "live", webrtctest.Options{})
	media(t, player, 10)
	before, oldSession := player.Video(), s.session(t, old)

	_, err := s.tryPublish(t, "live", webrtctest.PublishOptions{Fields: bearer(otherToken)})
	wantRefusal(t, err, http.StatusConflict, "stream_published")

	next := s.publish(t, "live", webrtctest.PublishOptions{})
	feeding(t.Context(), t, next, webrtctest.Feed{})
	select {
	case <-oldSession.Done():
	case <-time.After(wishtest.Soon):
		t.Fatal("the session that was taken over still lives")
	}
	if reason := oldSession.Reason(); reason != session.ReasonTaken {
		t.Errorf("the old session ended with %q", reason)
	}
	asked, err := old.Patch(t.Context(), "", "*")
	if err != nil {
		t.Fatal(err)
	}
	wishtest.WantStatus(t, asked, http.StatusNotFound)
	if !strings.Contains(asked.Body, `"taken_over"`) {
		t.Errorf("the old publisher is told %s", asked.Body)
	}
	if err := next.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	media(t, player, 60)
	complete(t, player)
	if after := player.Video(); after.SSRC != before.SSRC || player.Saw(webrtc.PeerConnectionStateClosed) {
		t.Errorf("the player's session did not go on: %+v, before %+v", after, before)
	}
	reply, err := next.Delete(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wishtest.WantStatus(t, reply, http.StatusOK)
	if err := s.refusedPlay(t, "live"); err == nil {
		t.Error("the stream is still live")
	}
}

func TestLayers(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{})
	p := s.publish(t, "live", webrtctest.PublishOptions{RIDs: []string{"h", "m", "l"}, NoAudio: true})
	feeding(t.Context(), t, p, webrtctest.Feed{})
	player := s.play(t, "live", webrtctest.Options{NoAudio: true})
	in := s.session(t, p)
	webrtctest.Until(t, wishtest.Soon, func() string {
		if got := in.Stats().Media[0].Received; got.Layer != "l" || got.Streams != 3 { // the feed's largest
			return fmt.Sprintf("the highest layer, %q of %d is forwarded", got.Layer, got.Streams)
		}
		return ""
	})
	media(t, player, 60)
	complete(t, player)
	if drops := in.Stats().Media[0].Received.Drops["layer"]; drops == 0 {
		t.Error("the other layers are not counted")
	}
	frames := player.VideoFrames()
	for i := 1; i < len(frames); i++ {
		if step := int32(frames[i].Timestamp - frames[i-1].Timestamp); step <= 0 || step > 3*90000 {
			t.Errorf("timestamp %d follows %d", frames[i].Timestamp, frames[i-1].Timestamp)
		}
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{})
	p := s.publish(t, "live", webrtctest.PublishOptions{})
	feeding(t.Context(), t, p, webrtctest.Feed{})
	player := s.play(t, "live", webrtctest.Options{})
	media(t, player, 10)
	if _, err := p.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	media(t, player, 60)
	complete(t, player)
}

// A change of codec leaves those viewers that take the new one where they are.
func TestCodecChange(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{})
	first := s.publishing(t, "live", webrtctest.PublishOptions{Codecs: []string{"H264"}})
	both := s.play(t, "live", webrtctest.Options{})
	one := s.play(t, "live", webrtctest.Options{Codecs: []string{"H264"}})
	media(t, both, 10)
	media(t, one, 10)
	before := both.Video()
	alone := s.sessionOf(t, one.Link)

	s.publishing(t, "live", webrtctest.PublishOptions{Codecs: []string{"VP8"}})
	select {
	case <-alone.Done():
	case <-time.After(wishtest.Soon):
		t.Fatal("a viewer without the new codec still has its session")
	}
	if reason := alone.Reason(); reason != session.ReasonCodec {
		t.Errorf("it ended with %q", reason)
	}
	webrtctest.Until(t, wishtest.Soon, func() string { return both.Lacks(before.Packets+100, webrtctest.Stats{}, webrtctest.Stats{}) })
	complete(t, both)
	if after := both.Video(); after.SSRC != before.SSRC || both.Saw(webrtc.PeerConnectionStateClosed) {
		t.Errorf("the other viewer's session did not go on: %+v", after)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}

// A publisher that may send several codecs is played in the one that it sends.
func TestCodecIsTheSentOne(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{})
	var sent payloads
	p := s.publish(t, "live", webrtctest.PublishOptions{Codecs: []string{"H264", "VP8"}})
	early := s.play(t, "live", webrtctest.Options{Codecs: []string{"VP8", "H264"}})
	feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: func(kind string, _ int, packet *rtp.Packet) { sent.add(kind, packet.Payload) }})
	media(t, early, 30)
	late := s.play(t, "live", webrtctest.Options{Codecs: []string{"VP8", "H264"}})
	media(t, late, 30)
	for name, player := range map[string]*webrtctest.Player{"early": early, "late": late} {
		complete(t, player)
		if got := player.Video(); got.PayloadType != 102 && got.PayloadType != 104 {
			t.Errorf("the %s player gets payload type %d", name, got.PayloadType)
		}
	}
}
