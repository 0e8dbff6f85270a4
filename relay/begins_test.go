package relay_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/codec"
	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/relay"
	"weir/stream"
)

// becomes waits until a source is in a state for a reason that holds some words.
func (n *node) becomes(t *testing.T, name string, state publisher.State, words string) (st publisher.Status) {
	t.Helper()
	webrtctest.Until(t, soon, func() string {
		if st, _ = n.sources.Status(name); st.State != state || !strings.Contains(st.Reason, words) {
			return "a source that is " + string(state) + " for " + words + " and not " + string(st.State) + " for " + st.Reason
		}
		return ""
	})
	return st
}

// A pull that takes a live one's place has brought nothing yet: what the tracks
// have carried before is not its own.
func TestChangedPullBegins(t *testing.T) {
	t.Parallel()
	var hold atomic.Bool
	held, refuse := make(chan struct{}), make(chan struct{})
	origin := newNode(t, nodeOptions{handler: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && hold.CompareAndSwap(true, false) {
				held <- struct{}{}
				<-refuse
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	}})
	edge := newNode(t, nodeOptions{})
	end := origin.feed(t, "live")
	edge.pull(t, "copy", origin.whep("live"), "")
	edge.becomes(t, "copy", publisher.StateLive, "")
	first := edge.play(t, "copy")
	comes(t, first, 100)
	hold.Store(true)
	changed := time.Now()
	st, err := edge.sources.Change("copy", publisher.Change{Params: json.RawMessage(`{"token":"x"}`)})
	if err != nil {
		t.Fatal(err)
	}
	<-held
	for range 2 {
		if st.State != publisher.StateStarting || len(st.Renditions) != 0 || st.Since.Before(changed) {
			t.Errorf("nothing has come, and it is %s since %v with %+v", st.State, st.Since.Sub(changed), st.Renditions)
		}
		st, _ = edge.sources.Status("copy")
	}
	refused := time.Now()
	close(refuse)
	if st = edge.becomes(t, "copy", publisher.StateWaiting, "503"); st.Since.Before(refused) {
		t.Errorf("it waits since %v before it was refused", refused.Sub(st.Since))
	}
	waits := st.Since
	if st = edge.becomes(t, "copy", publisher.StateLive, ""); !st.Since.After(waits) {
		t.Errorf("it is live since %v before it waited", waits.Sub(st.Since))
	}
	comes(t, first, 50)
	end()
}

// A session that brings nothing is told of, whether it has brought something before
// or not, and so is its end.
func TestSilentSession(t *testing.T) {
	t.Parallel()
	origin := newNode(t, nodeOptions{})
	edge := newNode(t, nodeOptions{change: func(o *relay.Options) { *o = o.WithSilence(500 * time.Millisecond) }})
	p, err := origin.registry.Publish("live", "test", []stream.Spec{
		{Format: codec.Format{Name: codec.H264, ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	edge.pull(t, "copy", origin.whep("live"), "")
	edge.becomes(t, "copy", publisher.StateWaiting, "nothing that can be shown has come")
	p.Close("end of test")
	end := origin.feed(t, "live")
	edge.becomes(t, "copy", publisher.StateLive, "")
	end()
	edge.becomes(t, "copy", publisher.StateWaiting, "nothing comes from it any more")
	origin.feed(t, "live")
	edge.becomes(t, "copy", publisher.StateLive, "")
	if got := origin.requests("POST"); len(got) != 1 {
		t.Errorf("silence was taken for an end: %q", got)
	}
}
