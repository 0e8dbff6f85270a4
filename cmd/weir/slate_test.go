package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
	"weir/publisher/device"
)

const soon = time.Minute

// comesWithin is how long after the publisher's first key frame a waiting viewer
// may have its picture.
const comesWithin = 500 * time.Millisecond

// slated is the program where every stream has a slate.
func slated(t *testing.T, more ...string) *program {
	t.Helper()
	return startWith(t, newOutput(), []string{"WEIR_ADMIN_TOKEN=" + adminToken, "WEIR_STREAMS_WAITING_ROOM=*=slate"}, more...)
}

func (p *program) watchStream(t *testing.T, name string, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	player, err := webrtctest.Play(t.Context(), p.url+"/whep/"+name, o)
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

// publish publishes one codec of video until end is called, and says when its
// first key frame went out.
func (p *program) publish(t *testing.T, name, codec string) (first time.Time, end func()) {
	t.Helper()
	publisher, err := webrtctest.Publish(t.Context(), p.url+"/whip/"+name, webrtctest.PublishOptions{
		Codecs: []string{codec}, Fields: []string{"Authorization", "Bearer " + adminToken},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := publisher.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := make(chan time.Time, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		err := publisher.Feed(t.Context(), webrtctest.Feed{OnPacket: func(kind string, _ int, _ *rtp.Packet) {
			if kind == "video" {
				select {
				case begun <- time.Now():
				default:
				}
			}
		}})
		if err != nil {
			t.Error(err)
		}
	})
	return <-begun, sync.OnceFunc(func() {
		if err := publisher.Close(); err != nil {
			t.Error(err)
		}
		wg.Wait()
	})
}

// since waits until so many pictures have come since, and returns when the first
// did.
func since(t *testing.T, player *webrtctest.Player, at time.Time, pictures int) time.Time {
	t.Helper()
	var first time.Time
	webrtctest.Until(t, soon, func() string {
		n := 0
		for _, frame := range player.VideoFrames() {
			if frame.At.Before(at) {
				continue
			}
			if n++; n == 1 {
				first = frame.At
			}
		}
		if n < pictures {
			return "pictures"
		}
		return ""
	})
	return first
}

// A viewer who comes first sees the slate, then the publisher, then the slate
// again: in one session and on one line of numbers.
func TestSlate(t *testing.T) {
	p := slated(t)
	for _, c := range []struct{ name, takes, publishes string }{
		{"same", "H264 VP8", "H264"}, {"another", "H264 VP8", "VP8"}, {"vp8", "VP8", "VP8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := time.Now()
			player := p.watchStream(t, c.name, webrtctest.Options{Codecs: strings.Fields(c.takes)})
			t.Logf("the slate comes after %v", since(t, player, asked, 1).Sub(asked))
			if status, body := exchange(t, jsonRequest(t, p.url+"/whep/"+c.name)); status != http.StatusOK || !strings.Contains(body, `"live":false`) {
				t.Errorf("%d %s", status, body)
			}
			begun, end := p.publish(t, c.name, c.publishes)
			defer end()
			took := since(t, player, begun, 30).Sub(begun)
			t.Logf("the picture comes %v after the first key frame", took)
			webrtctest.InTime(t, "the picture", took, comesWithin)
			end()
			left := time.Now()
			since(t, player, left.Add(time.Second), 2)
			checkLine(t, player)
			if player.Saw(webrtc.PeerConnectionStateClosed) {
				t.Error("the session did not go on")
			}
		})
	}
}

// To explain an offer foresees the slate, and shows none.
func TestSlateExplained(t *testing.T) {
	p := slated(t, "-log-level", "debug")
	offer, err := webrtctest.MakeOffer(t.Context(), webrtctest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(target string) (status int, body string) {
		r := newRequest(t, http.MethodPost, p.url+target, offer)
		r.Header.Set("Authorization", "Bearer "+adminToken)
		r.Header.Set("Content-Type", "application/sdp")
		return exchange(t, r)
	}
	status, before := ask("/api/v1/explain?stream=waiting")
	if status != http.StatusOK || !strings.Contains(before, `"status":201,"code":"created","plan":`) {
		t.Errorf("%d %s", status, before)
	}
	if strings.Contains(p.stderr.String(), "stand-in") || strings.Contains(p.stderr.String(), "session created") {
		t.Errorf("something was made:\n%s", p.stderr)
	}
	if status, body := ask("/whep/waiting"); status != http.StatusCreated {
		t.Errorf("%d %s", status, body)
	}
	if _, after := ask("/api/v1/explain?stream=waiting"); after != before {
		t.Errorf("with the slate: %s, before: %s", after, before)
	}
}

// jsonRequest asks for a stream's facts.
func jsonRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	r := newRequest(t, http.MethodGet, url, "")
	r.Header.Set("Accept", "application/json")
	return r
}

// checkLine wants no number missing, and timestamps that go on with the clock.
func checkLine(t *testing.T, player *webrtctest.Player) {
	t.Helper()
	if video := player.Video(); video.Missing > 0 || video.Duplicates > 0 || !video.FirstKey {
		t.Errorf("%+v", video)
	}
	frames := player.VideoFrames()
	for i := 1; i < len(frames); i++ {
		step := time.Duration(int32(frames[i].Timestamp-frames[i-1].Timestamp)) * time.Second / 90_000
		if passed := frames[i].At.Sub(frames[i-1].At); step <= 0 || (step-passed).Abs() > time.Second {
			t.Errorf("picture %d: timestamp +%v after %v", i, step, passed)
		}
	}
}

// A viewer who does not take what is published then is told by the end of its
// session.
func TestSlateThenAnotherCodec(t *testing.T) {
	p := slated(t)
	player := p.watchStream(t, "later", webrtctest.Options{Codecs: []string{"H264"}})
	since(t, player, time.Time{}, 1)
	_, end := p.publish(t, "later", "VP8")
	defer end()
	webrtctest.Until(t, soon, func() string {
		if !player.Saw(webrtc.PeerConnectionStateClosed) {
			return "the end of the session"
		}
		return ""
	})
	if !strings.Contains(p.stderr.String(), "reason=codec_changed") {
		t.Error("the reason is not logged")
	}
}

// What a caller may not know of is as a stream that nobody publishes: a slate.
func TestSlateTellsNothing(t *testing.T) {
	if err := device.Missing(); err != nil {
		t.Skip(err)
	}
	p := slated(t)
	r := newRequest(t, http.MethodPost, p.url+"/api/v1/streams/secret", `{"source":"clip","private":true}`)
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	if status, body := exchange(t, r); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	var seen [2]webrtctest.Stats
	for i, name := range []string{"secret", "nobody"} {
		player := p.watchStream(t, name, webrtctest.Options{})
		since(t, player, time.Time{}, 3)
		seen[i] = player.Video()
		if seen[i].Codec != "H264" || player.Audio().Packets > 0 {
			t.Errorf("%s: %+v", name, seen[i])
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	player := p.watchStream(t, "secret", webrtctest.Options{Fields: []string{"Authorization", "Bearer " + adminToken}})
	if err := player.WaitMedia(ctx, 20); err != nil {
		t.Errorf("with the right: %v", err)
	}
}
