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

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
	"weir/session"
)

// soonEnough is how long after the publisher's first key frame the picture of a
// viewer who waited may come.
const soonEnough = 500 * time.Millisecond

// policies are a server's, by the beginning of the stream's name.
func policies(name string) session.Policy {
	var p session.Policy
	if strings.HasPrefix(name, "early") {
		p.Early = session.EarlyHold
	}
	if strings.HasPrefix(name, "busy") {
		p.TakeOver = session.TakeOverHold
	}
	return p
}

// begins feeds, once the publisher has connected, and says when its first key
// frame went out.
func begins(t *testing.T, p *webrtctest.Publisher) time.Time {
	t.Helper()
	if err := p.Connected(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := make(chan time.Time, 1)
	feeding(t.Context(), t, p, webrtctest.Feed{OnPacket: func(kind string, _ int, _ *rtp.Packet) {
		if kind == "video" {
			select {
			case first <- time.Now():
			default:
			}
		}
	}})
	return <-first
}

// A player whose POST is held has the picture as soon as there is one.
func TestHeldPlayer(t *testing.T) {
	t.Parallel()
	for name, codecs := range map[string][]string{"H264": {"H264"}, "VP8": {"VP8"}, "both": {"VP8", "H264"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{session: session.Options{Policy: policies}})
			var wg sync.WaitGroup
			var player *webrtctest.Player
			var err error
			wg.Go(func() { player, err = s.tryPlay(t, "early", webrtctest.Options{}) })
			held(t, s, 1)
			at := begins(t, s.publish(t, "early", webrtctest.PublishOptions{Codecs: codecs}))
			if wg.Wait(); err != nil {
				t.Fatal(err)
			}
			media(t, player, 30)
			complete(t, player)
			video := player.Video()
			took := video.First.Sub(at)
			t.Logf("the picture comes %v after the first key frame", took)
			webrtctest.InTime(t, "the picture", took, soonEnough)
			if !video.FirstKey || video.Codec != codecs[0] {
				t.Errorf("%+v", video)
			}
			held(t, s, 0)
		})
	}
}

// held waits until so many requests are held.
func held(t *testing.T, s *server, n int) {
	t.Helper()
	webrtctest.Until(t, wishtest.Soon, func() string {
		if got := s.sessions.Held(); got != n {
			return fmt.Sprintf("%d held requests of %d", got, n)
		}
		return ""
	})
}

// A publisher whose POST is held is let in when the other has gone, whoever they
// are, and viewers stay.
func TestHeldPublisher(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"the same": publishToken, "another": otherToken} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, serverOptions{session: session.Options{Policy: policies}})
			old := s.publishing(t, "busy", webrtctest.PublishOptions{})
			player := s.play(t, "busy", webrtctest.Options{})
			media(t, player, 10)
			var wg sync.WaitGroup
			var next *webrtctest.Publisher
			var err error
			wg.Go(func() { next, err = s.tryPublish(t, "busy", webrtctest.PublishOptions{Fields: bearer(token)}) })
			held(t, s, 1)
			media(t, player, 10) // nothing has changed
			if _, err := old.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			if wg.Wait(); err != nil {
				t.Fatal(err)
			}
			feeding(t.Context(), t, next, webrtctest.Feed{})
			media(t, player, 60)
			complete(t, player)
		})
	}
}

// A publisher that waits too long gets what it would have got at once.
func TestHeldInVain(t *testing.T) {
	t.Parallel()
	s := newServer(t, serverOptions{session: session.Options{Policy: policies, HoldTime: 50 * time.Millisecond}})
	s.publish(t, "busy", webrtctest.PublishOptions{})
	_, err := s.tryPublish(t, "busy", webrtctest.PublishOptions{})
	wantRefusal(t, err, http.StatusConflict, "stream_published")
	_, err = webrtctest.Play(t.Context(), s.base+"/whep/early", webrtctest.Options{Fields: bearer(playToken)})
	wantRefusal(t, err, http.StatusConflict, "stream_not_live")

	long := newServer(t, serverOptions{session: session.Options{Policy: policies}})
	ctx, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := webrtctest.Play(ctx, long.base+"/whep/early", webrtctest.Options{Fields: bearer(playToken)})
		gone <- err
	}()
	held(t, long, 1)
	leave()
	held(t, long, 0) // the server notices that the client has gone
	if err := <-gone; err == nil {
		t.Error("a player that went away has a session")
	}
}
