package webrtctest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"weir/internal/webrtctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A peer is the least that can be played: one session on plain pion.
type peer struct {
	t     *testing.T
	pc    *webrtc.PeerConnection
	video *webrtc.TrackLocalStaticRTP
	audio *webrtc.TrackLocalStaticRTP
	patch int // requests
	ended bool

	plis    atomic.Int64
	reading sync.WaitGroup
}

func newPeer(t *testing.T) (*peer, string) {
	t.Helper()
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, pc: pc}
	if p.video, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "video", "test"); err != nil {
		t.Fatal(err)
	}
	if p.audio, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "test"); err != nil {
		t.Fatal(err)
	}
	for _, track := range []webrtc.TrackLocal{p.video, p.audio} {
		sender, err := pc.AddTrack(track)
		if err != nil {
			t.Fatal(err)
		}
		p.reading.Go(func() { // pion answers NACKs only while somebody reads
			for {
				packets, _, err := sender.ReadRTCP()
				if err != nil {
					return
				}
				for _, packet := range packets {
					if _, ok := packet.(*rtcp.PictureLossIndication); ok {
						p.plis.Add(1)
					}
				}
			}
		})
	}
	web := httptest.NewServer(p)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { p.feed(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		web.Close()
		if err := pc.GracefulClose(); err != nil {
			t.Error(err)
		}
		p.reading.Wait()
	})
	return p, web.URL + "/endpoint"
}

func (p *peer) feed(ctx context.Context) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for n := uint32(1); ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		header := rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: n * 450, Marker: true}
		if err := p.video.WriteRTP(&rtp.Packet{Header: header, Payload: []byte{0x10, byte(n % 10), 2, 3}}); err != nil {
			p.t.Errorf("write video: %v", err)
		}
		if err := p.audio.WriteRTP(&rtp.Packet{Header: header, Payload: []byte{0xfc, 1, 2}}); err != nil {
			p.t.Errorf("write audio: %v", err)
		}
	}
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Error(err)
	}
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/endpoint":
		answer := p.answer(string(body))
		w.Header().Set("Content-Type", "application/sdp; charset=utf-8")
		w.Header().Set("Location", "session")
		w.Header().Set("ETag", `"one"`)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer)
	case r.Method == http.MethodPatch && r.URL.Path == "/session":
		p.patch++
		for _, candidate := range webrtctest.Values(string(body), "a=") {
			if strings.HasPrefix(candidate, "candidate:") {
				if err := p.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate}); err != nil {
					p.t.Error(err)
				}
			}
		}
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete && r.URL.Path == "/session":
		p.ended = true
	default:
		http.NotFound(w, r)
	}
}

func (p *peer) answer(offer string) string {
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		p.t.Error(err)
		return ""
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	done := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(answer); err != nil {
		p.t.Error(err)
		return ""
	}
	<-done
	return p.pc.LocalDescription().SDP
}

func play(t *testing.T, endpoint string, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	player, err := webrtctest.Play(t.Context(), endpoint, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := player.Close(); err != nil {
			t.Error(err)
		}
	})
	return player
}

func TestPlayer(t *testing.T) {
	t.Parallel()
	peer, endpoint := newPeer(t)
	var audio int
	player := play(t, endpoint, webrtctest.Options{Codecs: []string{"VP8"}, Trickle: true, IgnoreCandidates: true, OnPacket: func(kind string, _ *rtp.Packet) {
		if kind == "audio" {
			audio++
		}
	}})
	if err := player.WaitMedia(t.Context(), 50); err != nil {
		t.Fatal(err)
	}
	video := player.Video()
	if video.Codec != "VP8" || video.KeyFrames == 0 || video.KeyFrames >= video.Frames || video.Frames != video.Packets {
		t.Errorf("video: %+v", video)
	}
	if strings.Contains(player.Offer(), "a=candidate") || peer.patch != 1 {
		t.Errorf("%d PATCHes, offer:\n%s", peer.patch, player.Offer())
	}
	if reply, err := player.Delete(t.Context()); err != nil || reply.Status != http.StatusOK || !peer.ended {
		t.Errorf("delete: %v, %v", reply, err)
	}
	if err := player.Close(); err != nil {
		t.Error(err)
	}
	if audio == 0 {
		t.Error("no audio packet was handed out")
	}
}

func TestPlayerLosesAndRecovers(t *testing.T) {
	t.Parallel()
	_, endpoint := newPeer(t)
	player := play(t, endpoint, webrtctest.Options{Codecs: []string{"VP8"}, AudioFirst: true})
	if err := player.WaitMedia(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	player.Lose(5)
	webrtctest.Until(t, time.Minute, func() string {
		if player.Video().Recovered == 0 {
			return fmt.Sprintf("a recovered packet of %d", player.Video().Packets)
		}
		return ""
	})
	player.Lose(0)
	webrtctest.Until(t, time.Minute, func() string {
		if missing := player.Video().Missing; missing > 0 {
			return "retransmitted packets"
		}
		return ""
	})
}

func TestPlayerVanishes(t *testing.T) {
	t.Parallel()
	peer, endpoint := newPeer(t)
	player := play(t, endpoint, webrtctest.Options{Codecs: []string{"VP8"}})
	if err := player.WaitMedia(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	player.Vanish()
	if err := player.Close(); err != nil {
		t.Fatal(err)
	}
	before := player.Video()
	webrtctest.Until(t, time.Minute, func() string {
		if peer.pc.ConnectionState() != webrtc.PeerConnectionStateDisconnected {
			return "the peer's noticing, by silence alone: " + peer.pc.ConnectionState().String()
		}
		return ""
	})
	if player.Video() != before {
		t.Error("media still came")
	}
}

func TestPlayerFloods(t *testing.T) {
	t.Parallel()
	peer, endpoint := newPeer(t)
	player := play(t, endpoint, webrtctest.Options{Codecs: []string{"VP8"}})
	if err := player.WaitMedia(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	player.FloodNACK(true)
	player.FloodPLI(true)
	webrtctest.Until(t, time.Minute, func() string {
		if again, plis := player.Video().Duplicates, peer.plis.Load(); again < 100 || plis < 100 {
			return fmt.Sprintf("packets sent again: %d of 100, PLIs that came: %d of 100", again, plis)
		}
		return ""
	})
}

func TestPlayerRefused(t *testing.T) {
	t.Parallel()
	_, endpoint := newPeer(t)
	if _, err := webrtctest.Play(t.Context(), endpoint+"/not", webrtctest.Options{}); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}

func TestSDP(t *testing.T) {
	t.Parallel()
	const sdp = "v=0\r\na=group:BUNDLE 0 1\r\nm=video 9 x 96\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=candidate:1\r\na=candidate:2\r\na=end-of-candidates\r\nm=audio 9 x 111\r\na=mid:1\r\na=ice-ufrag:u\r\n"
	if sections := webrtctest.Sections(sdp); len(sections) != 3 || strings.Join(sections, "") != sdp || !strings.HasPrefix(sections[2], "m=audio") {
		t.Errorf("sections: %q", sections)
	}
	if got := webrtctest.Values(webrtctest.WithoutCandidates(sdp), "a=candidate:"); got != nil {
		t.Errorf("candidates left: %v", got)
	}
	if got := webrtctest.Values(sdp, "a=mid:"); !slices.Equal(got, []string{"0", "1"}) {
		t.Errorf("mids: %v", got)
	}
	want := "a=group:BUNDLE 0 1\r\nm=video 9 x 96\r\na=mid:0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=candidate:1\r\na=candidate:2\r\na=end-of-candidates\r\n"
	if got := webrtctest.Fragment(sdp); got != want {
		t.Errorf("fragment: %q", got)
	}
}
