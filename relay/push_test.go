package relay_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/relay"
)

// state waits until a push is in a state.
func (n *node) state(t *testing.T, stream, id string, want publisher.State) relay.PushStatus {
	t.Helper()
	var got relay.PushStatus
	webrtctest.Until(t, soon, func() string {
		var err error
		if got, err = n.relay.PushOf(stream, id); err != nil {
			return err.Error()
		}
		if got.State != want {
			return "state " + string(want) + ", it is " + string(got.State) + ": " + got.Reason
		}
		return ""
	})
	return got
}

func (n *node) push(t *testing.T, stream, url, token string) relay.PushStatus {
	t.Helper()
	st, err := n.relay.Push(stream, relay.PushStart{URL: url, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func TestPush(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-the-target"
	from := newNode(t, nodeOptions{change: func(o *relay.Options) { *o = o.WithLinger(200 * time.Millisecond) }})
	to := newNode(t, nodeOptions{token: token})
	st := from.push(t, "live", to.whip("copy"), token)
	from.state(t, "live", st.ID, publisher.StateIdle)
	end := from.feed(t, "live")
	from.state(t, "live", st.ID, publisher.StateLive)
	player := webrtctestPlay(t, to, "copy", token)
	comes(t, player, 50)
	if video := player.Video(); !video.FirstKey {
		t.Error("the player begins in the middle")
	}
	if got := from.state(t, "live", st.ID, publisher.StateLive); got.Packets == 0 || len(got.Codecs) != 2 || got.Restarts != 0 {
		t.Errorf("status: %+v", got)
	}
	if _, err := from.relay.Push("live", relay.PushStart{URL: to.whip("copy")}); !errors.Is(err, relay.ErrPushed) {
		t.Errorf("pushed there twice: %v", err)
	}
	end()
	from.state(t, "live", st.ID, publisher.StateIdle)
	if got := to.requests("DELETE /session/"); len(got) != 1 {
		t.Errorf("sessions deleted: %q", got)
	}
	from.feed(t, "live")
	from.state(t, "live", st.ID, publisher.StateLive)
	comes(t, player, 50)
	if err := from.relay.EndPush(t.Context(), "live", st.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := from.relay.PushOf("live", st.ID); !errors.Is(err, relay.ErrNoPush) || len(from.relay.Pushes("live")) != 0 {
		t.Errorf("it is still there: %v", err)
	}
	if strings.Contains(from.logs.String(), token) {
		t.Error("the token is logged")
	}
}

func webrtctestPlay(t *testing.T, n *node, stream, token string) *webrtctest.Player {
	t.Helper()
	player, err := webrtctest.Play(t.Context(), n.whep(stream), webrtctest.Options{Fields: []string{"Authorization", "Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = player.Close() })
	return player
}

// The target begins anew: the push finds it again.
func TestTargetBeginsAnew(t *testing.T) {
	t.Parallel()
	from, to := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
	from.feed(t, "live")
	st := from.push(t, "live", to.whip("copy"), "")
	from.state(t, "live", st.ID, publisher.StateLive)
	to.stop()
	from.state(t, "live", st.ID, publisher.StateWaiting)
	again := newNode(t, nodeOptions{address: to.address})
	began := time.Now()
	from.state(t, "live", st.ID, publisher.StateLive)
	player := again.play(t, "copy")
	comes(t, player, 20)
	webrtctest.InTime(t, "the push is back", time.Since(began), 3*time.Second)
	if got, _ := from.relay.PushOf("live", st.ID); got.Restarts < 1 {
		t.Errorf("status: %+v", got)
	}
}

func TestPushLoops(t *testing.T) {
	t.Parallel()
	t.Run("back to where it comes from", func(t *testing.T) {
		t.Parallel()
		a, b := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
		a.feed(t, "live")
		first := a.push(t, "live", b.whip("copy"), "")
		a.state(t, "live", first.ID, publisher.StateLive)
		second := b.push(t, "copy", a.whip("other"), "")
		if got := b.state(t, "copy", second.ID, publisher.StateWaiting); !strings.Contains(got.Reason, "508") {
			t.Errorf("reason: %s", got.Reason)
		}
	})
	t.Run("pulled from where it is pushed to", func(t *testing.T) {
		t.Parallel()
		a, b := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
		a.feed(t, "live")
		first := a.push(t, "live", b.whip("copy"), "")
		a.state(t, "live", first.ID, publisher.StateLive)
		a.pull(t, "back", b.whep("copy"), "")
		a.reason(t, "back", "508")
	})
	t.Run("through too many", func(t *testing.T) {
		t.Parallel()
		nodes := make([]*node, 10)
		for i := range nodes {
			nodes[i] = newNode(t, nodeOptions{})
			if i == 0 {
				nodes[i].feed(t, "live")
				continue
			}
			nodes[i].pull(t, "live", nodes[i-1].whep("live"), "")
			if i < 9 {
				player := nodes[i].play(t, "live")
				comes(t, player, 3)
				_ = player.Close()
			}
		}
		oneRefuses(t, nodes[9])
	})
}

func TestPushesAreBounded(t *testing.T) {
	t.Parallel()
	n := newNode(t, nodeOptions{change: func(o *relay.Options) { o.MaxPushes = 20 }})
	for i := range 16 {
		n.push(t, "one", n.whip("x"+string(rune('a'+i))), "")
	}
	if _, err := n.relay.Push("one", relay.PushStart{URL: n.whip("y")}); !errors.Is(err, relay.ErrTooManyPushes) {
		t.Errorf("a stream's 17th: %v", err)
	}
	for i := range 4 {
		n.push(t, "two", n.whip("x"+string(rune('a'+i))), "")
	}
	if _, err := n.relay.Push("three", relay.PushStart{URL: n.whip("y")}); !errors.Is(err, relay.ErrTooManyPushes) {
		t.Errorf("the 21st: %v", err)
	}
	if got := n.relay.Pushes("one"); len(got) != 16 || !strings.HasSuffix(got[0].URL, "/whip/xa") {
		t.Errorf("%d pushes, %+v", len(got), got[0])
	}
}
