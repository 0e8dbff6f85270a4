package publisher_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/publisher"
)

// An origin is where the media of fetched sources come from, when they come.
type origin struct {
	mu sync.Mutex
	// guarded by mu
	begun, since time.Time
	trouble      string
}

func (o *origin) begins(begun bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun = time.Time{}
	if begun {
		o.begun = time.Now()
	}
}

func (o *origin) troubles(why string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.trouble, o.since = why, time.Now()
}

func (o *origin) Begun() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.begun
}

func (o *origin) Trouble() (string, time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.trouble, o.since
}

// fetched is a source whose media come from elsewhere.
type fetched struct {
	scripted
	publisher.Beginner
	publisher.Hesitator
}

// fetching is a theatre with a kind "fetch", whose sources are fetched from one origin.
func fetching(t *testing.T) (*theatre, *script, *origin) {
	t.Helper()
	s, from := newScript("fetch"), &origin{}
	kind := s.kind
	kind.New = func(name string, params json.RawMessage) (publisher.Source, error) {
		source, err := s.new(name, params)
		inner, _ := source.(scripted)
		return fetched{inner, from, from}, err
	}
	return open(t, nil, kind), s, from
}

// A source that fetches its media is live when they come, and waits while it cannot get at them; the stream is there for
// players all the time, and on demand it is idle until somebody watches. Each state says when it began, and events tell of
// it.
func TestStartingUntilMediaCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _, from := fetching(t)
		wants := func(want publisher.State, why string, since time.Time, told ...string) {
			t.Helper()
			time.Sleep(time.Second)
			st, _ := h.Status("a")
			if st.State != want || st.Reason != why || !h.live("a") {
				t.Errorf("%s (%s), want %s (%s); live %v", st.State, st.Reason, want, why, h.live("a"))
			}
			if !st.Since.Equal(since) {
				t.Errorf("%s since %v ago, want %v", want, time.Since(st.Since), time.Since(since))
			}
			if got := h.told(); !slices.Equal(got, told) {
				t.Errorf("%s: told %q, want %q", want, got, told)
			}
		}
		began := time.Now()
		if st := h.start("a", "fetch", `{}`); st.State != publisher.StateStarting {
			t.Errorf("started, and %s", st.State)
		}
		wants(publisher.StateStarting, "", began, "stream_live", "source_started")
		now := time.Now()
		from.troubles("nobody answers")
		wants(publisher.StateWaiting, "nobody answers", now, "source_waiting nobody answers")
		wants(publisher.StateWaiting, "nobody answers", now)
		now = time.Now()
		from.troubles("")
		wants(publisher.StateStarting, "", now)
		now = time.Now()
		from.begins(true)
		wants(publisher.StateLive, "", now, "source_live")
		now = time.Now()
		from.troubles("it has gone")
		wants(publisher.StateWaiting, "it has gone", now, "source_waiting it has gone")
		now = time.Now()
		from.troubles("")
		wants(publisher.StateLive, "", now, "source_live")
		from.begins(false)
		now = time.Now()
		if _, err := h.Change("a", publisher.Change{OnDemand: new(true)}); err != nil {
			t.Fatal(err)
		}
		wants(publisher.StateIdle, "unwatched", now, "stream_live taken_over", "source_changed")
		now = time.Now()
		viewer := h.view("a")
		wants(publisher.StateStarting, "", now, "source_started")
		now = time.Now()
		from.begins(true)
		wants(publisher.StateLive, "", now, "source_live")
		viewer.Close()
	})
}

// A source that waits by itself begins anew when it is asked for again, and its viewers stay; one that is live goes on.
func TestHesitatingIsTriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, s, from := fetching(t)
		h.start("a", "fetch", `{}`)
		viewer := h.view("a")
		defer viewer.Close()
		viewer.OnLost(func(reason string) { t.Errorf("the viewer is lost: %s", reason) })
		made := func(want int, what string) {
			t.Helper()
			synctest.Wait()
			if all, _, running := s.seen(); len(all) != want || running != 1 || !h.live("a") {
				t.Errorf("%s: %d were made and %d run, want %d and 1; live %v", what, len(all), running, want, h.live("a"))
			}
		}
		again := publisher.Change{Source: new("fetch")}
		for what, change := range map[string]publisher.Change{"again": again, "same parameters": {Params: json.RawMessage(`{"n":1}`)}} {
			from.begins(true)
			from.troubles("")
			before, _, _ := s.seen()
			if _, err := h.Change("a", change); err != nil {
				t.Fatal(err)
			}
			made(len(before), what+", while it lives")
			from.troubles("nobody answers")
			if _, err := h.Change("a", change); err != nil {
				t.Fatal(err)
			}
			made(len(before)+1, what+", while it waits")
			if _, err := h.Change("a", publisher.Change{Private: new(what == "again")}); err != nil {
				t.Fatal(err)
			}
			made(len(before)+1, what+", and only its privacy is changed")
		}
	})
}
