package publisher_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"weir/publisher"
)

// fetched is a source whose media come from elsewhere, when they come.
type fetched struct {
	scripted

	begun   *atomic.Bool
	trouble *atomic.Value
}

func (f fetched) Begun() bool { return f.begun.Load() }

func (f fetched) Trouble() string {
	s, _ := f.trouble.Load().(string)
	return s
}

// A source that fetches its media is live when they come, and waits while it cannot get at them; the stream is there for
// players all the time, and on demand it is idle until somebody watches.
func TestStartingUntilMediaCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("fetch")
		var begun atomic.Bool
		var trouble atomic.Value
		kind := s.kind
		kind.New = func(name string, params json.RawMessage) (publisher.Source, error) {
			source, err := s.new(name, params)
			inner, _ := source.(scripted)
			return fetched{inner, &begun, &trouble}, err
		}
		h := open(t, nil, kind)
		wants := func(want publisher.State, why string) {
			t.Helper()
			synctest.Wait()
			if state, reason := h.state("a"); state != want || reason != why || !h.live("a") {
				t.Errorf("%s (%s), want %s (%s); live %v", state, reason, want, why, h.live("a"))
			}
		}
		if st := h.start("a", "fetch", `{}`); st.State != publisher.StateStarting {
			t.Errorf("started, and %s", st.State)
		}
		wants(publisher.StateStarting, "")
		trouble.Store("nobody answers")
		wants(publisher.StateWaiting, "nobody answers")
		trouble.Store("")
		begun.Store(true)
		wants(publisher.StateLive, "")
		trouble.Store("it has gone")
		wants(publisher.StateWaiting, "it has gone")
		trouble.Store("")
		begun.Store(false)
		if _, err := h.Change("a", publisher.Change{OnDemand: new(true)}); err != nil {
			t.Fatal(err)
		}
		wants(publisher.StateIdle, "unwatched")
		viewer := h.view("a")
		wants(publisher.StateStarting, "")
		begun.Store(true)
		wants(publisher.StateLive, "")
		viewer.Close()
	})
}
