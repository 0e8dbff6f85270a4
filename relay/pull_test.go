package relay_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/relay"
	"weir/session"
)

func TestPull(t *testing.T) {
	t.Parallel()
	origin, edge := newNode(t, nodeOptions{token: "a-token-of-the-origin"}), newNode(t, nodeOptions{})
	origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "a-token-of-the-origin")
	player := edge.play(t, "copy")
	comes(t, player, 50)
	if video := player.Video(); !video.FirstKey {
		t.Error("the player begins in the middle")
	}
	st, _ := edge.sources.Status("copy")
	if st.State != publisher.StateLive || len(st.Renditions) != 2 {
		t.Errorf("status: %+v", st)
	}
	if strings.Contains(string(st.Params)+edge.logs.String(), "a-token-of-the-origin") {
		t.Error("the token is told")
	}
	if err := edge.sources.Stop(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	if got := origin.requests("DELETE /session/"); len(got) != 1 || !strings.HasSuffix(got[0], "a-token-of-the-origin") {
		t.Errorf("sessions deleted: %d", len(got))
	}
	if n := len(origin.sessions.Sessions()); n != 0 {
		t.Errorf("the origin still has %d sessions", n)
	}
}

// The origin begins anew at the same address: the edge's player stays, with one
// line of numbers.
func TestOriginBeginsAnew(t *testing.T) {
	t.Parallel()
	origin, edge := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
	origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "")
	player := edge.play(t, "copy")
	comes(t, player, 50)
	origin.stop()
	edge.becomes(t, "copy", publisher.StateWaiting, "")
	if _, err := webrtctest.Play(t.Context(), edge.whep("copy"), webrtctest.Options{}); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("a player that comes while the origin is away: %v", err)
	}
	began := time.Now()
	again := newNode(t, nodeOptions{address: origin.address})
	again.feed(t, "live")
	comes(t, player, 50)
	webrtctest.InTime(t, "the picture is back", time.Since(began), 3*time.Second)
	if st, _ := edge.sources.Status("copy"); st.Restarts != 0 || st.State != publisher.StateLive {
		t.Errorf("status: %+v", st)
	}
	if video := player.Video(); video.Packets == 0 || len(again.requests("POST")) != 1 {
		t.Errorf("video %+v, POSTs %q", video, again.requests("POST"))
	}
}

// Nobody feeds the origin's stream for a while: the session stays.
func TestSilence(t *testing.T) {
	t.Parallel()
	origin, edge := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
	end := origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "")
	player := edge.play(t, "copy")
	comes(t, player, 50)
	end()
	quiet := time.Now()
	webrtctest.Until(t, soon, func() string { // the origin goes on reporting, or is asked
		if len(origin.requests("PATCH")) == 0 && time.Since(quiet) < 2*time.Second {
			return "two seconds of silence"
		}
		return ""
	})
	origin.feed(t, "live")
	comes(t, player, 50)
	if got := origin.requests("POST"); len(got) != 1 {
		t.Errorf("silence was taken for an end: %q", got)
	}
}

// A stream that the origin has not got is not live here either: its players wait as
// the policy says.
func TestNotThereYet(t *testing.T) {
	t.Parallel()
	hold := func(string) session.Policy { return session.Policy{Early: session.EarlyHold} }
	origin, edge := newNode(t, nodeOptions{}), newNode(t, nodeOptions{session: session.Options{Policy: hold, HoldTime: soon}})
	edge.pull(t, "copy", origin.whep("live"), "")
	edge.becomes(t, "copy", publisher.StateWaiting, "stream_not_live")
	if st, ok := edge.registry.Find("copy"); !ok || st.Live() || len(st.Offered()) != 0 {
		t.Error("the stream is live while it waits")
	}
	var player *webrtctest.Player
	var answered sync.WaitGroup
	answered.Go(func() { player = edge.play(t, "copy") })
	webrtctest.Until(t, soon, func() string {
		if edge.sessions.Held() != 1 {
			return "a player that is held"
		}
		return ""
	})
	origin.feed(t, "live")
	answered.Wait()
	if player == nil {
		t.FailNow()
	}
	comes(t, player, 50)
	edge.becomes(t, "copy", publisher.StateLive, "")
	st, _ := edge.registry.Find("copy")
	if sent := st.Sent(); len(sent) != 2 {
		t.Errorf("of all that could come %d tracks are told of", len(sent))
	}
	if n := len(origin.requests("POST")); n > 5 {
		t.Errorf("%d requests: Retry-After is not heeded", n)
	}
}

func TestLoops(t *testing.T) {
	t.Parallel()
	t.Run("of itself", func(t *testing.T) {
		t.Parallel()
		a := newNode(t, nodeOptions{})
		a.pull(t, "x", a.whep("x"), "")
		a.reason(t, "x", "508")
	})
	t.Run("of two", func(t *testing.T) {
		t.Parallel()
		a, b := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
		a.pull(t, "x", b.whep("y"), "")
		b.pull(t, "y", a.whep("x"), "")
		oneRefuses(t, a, b)
	})
	t.Run("of three", func(t *testing.T) {
		t.Parallel()
		a, b, c := newNode(t, nodeOptions{}), newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
		a.pull(t, "x", b.whep("y"), "")
		c.pull(t, "z", a.whep("x"), "")
		b.pull(t, "y", c.whep("z"), "")
		oneRefuses(t, a, b, c)
	})
}

// oneRefuses waits until one of the nodes has closed the circle.
func oneRefuses(t *testing.T, nodes ...*node) {
	t.Helper()
	webrtctest.Until(t, soon, func() string {
		for _, n := range nodes {
			if strings.Contains(n.logs.String(), "508") {
				return ""
			}
		}
		return "a refusal of the loop"
	})
}

func TestWrongToken(t *testing.T) {
	t.Parallel()
	origin, edge := newNode(t, nodeOptions{token: "the-right-token"}), newNode(t, nodeOptions{})
	origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "the-wrong-token")
	webrtctest.Until(t, soon, func() string {
		if st, _ := edge.sources.Status("copy"); st.State != publisher.StateWaiting || !strings.Contains(st.Reason, "401") {
			return "a source that waits because of 401"
		}
		return ""
	})
	if strings.Contains(edge.logs.String(), "the-wrong-token") {
		t.Error("the token is logged")
	}
}

// A query may hold a secret: it is a parameter of its own that is not told again,
// and an address with one is refused.
func TestSecretQuery(t *testing.T) {
	t.Parallel()
	edge := newNode(t, nodeOptions{})
	asked := make(chan string, 100)
	url := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.RawQuery
		w.WriteHeader(http.StatusConflict)
	})
	start := func(params string) (publisher.Status, error) {
		return edge.sources.Start("copy", publisher.Start{Source: relay.KindName, Params: json.RawMessage(params)})
	}
	_, err := start(`{"url":"` + url + `/whep/x?key=hush-hush"}`)
	if wrong, ok := errors.AsType[*publisher.ParamError](err); !ok || len(wrong.Problems) != 1 || wrong.Problems[0].Name != "url" || strings.Contains(err.Error(), "hush-hush") {
		t.Errorf("an address with a query: %v", err)
	}
	if _, err := start(`{"url":"` + url + `/whep/x","query":"key=hush#hush"}`); err == nil {
		t.Error("a query with a fragment is taken")
	}
	if _, err := start(`{"url":"` + url + `/whep/x","query":"key=hush-hush&a=b"}`); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; got != "key=hush-hush&a=b" {
		t.Errorf("the server is asked with %q", got)
	}
	edge.reason(t, "copy", "409")
	st, _ := edge.sources.Status("copy")
	if strings.Contains(string(st.Params)+st.Reason+edge.logs.String(), "hush-hush") {
		t.Errorf("the query is told: %s", st.Params)
	}
}

// A server that has answered is not yet one that plays: why there was nothing
// before is told until ICE has connected.
func TestTroubleUntilConnected(t *testing.T) {
	t.Parallel()
	var posts atomic.Int32
	var way atomic.Bool
	origin := newNode(t, nodeOptions{handler: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && posts.Add(1) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			if way.Load() {
				next.ServeHTTP(w, r)
				return
			}
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(candidate.ReplaceAll(body, nil)))
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			maps.Copy(w.Header(), answer.Header())
			w.WriteHeader(answer.Code)
			_, _ = io.WriteString(w, candidate.ReplaceAllString(answer.Body.String(), ""))
		})
	}})
	edge := newNode(t, nodeOptions{})
	origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "")
	webrtctest.Until(t, soon, func() string { // which is asked when the session has lived for a second
		if len(origin.requests("HEAD")) == 0 {
			return "a session that does not connect"
		}
		return ""
	})
	if st, _ := edge.sources.Status("copy"); !strings.Contains(st.Reason, "503") || st.State != publisher.StateWaiting {
		t.Errorf("while nothing has connected it is %s for %q", st.State, st.Reason)
	}
	way.Store(true)
	if err := edge.sources.Stop(t.Context(), "copy"); err != nil {
		t.Fatal(err)
	}
	posts.Store(0)
	edge.pull(t, "copy", origin.whep("live"), "")
	webrtctest.Until(t, soon, func() string {
		if st, _ := edge.sources.Status("copy"); st.State != publisher.StateLive || st.Reason != "" || posts.Load() < 2 {
			return "a source without trouble"
		}
		return ""
	})
}
