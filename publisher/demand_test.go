package publisher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/publisher"
	"weir/stream"
)

// demanded starts a source on demand.
func (h *theatre) demanded(name, kind string, stopAfter time.Duration) {
	h.t.Helper()
	st, err := h.Start(name, publisher.Start{Source: kind, OnDemand: true, StopAfter: &stopAfter})
	if err != nil {
		h.t.Fatalf("start: %v", err)
	}
	if st.State != publisher.StateIdle || st.Reason != "unwatched" || !st.OnDemand || st.StopAfter != stopAfter {
		h.t.Errorf("started as %+v", st)
	}
}

// view adds a viewer of all tracks of a stream.
func (h *theatre) view(name string) *stream.Viewer {
	h.t.Helper()
	s, ok := h.registry.Find(name)
	if !ok {
		h.t.Fatalf("there is no %s", name)
	}
	v, err := s.AddViewer(s.Tracks())
	if err != nil {
		h.t.Fatalf("view %s: %v", name, err)
	}
	return v
}

// wantRunning wants so many runs of the script in all, of which one is under way or none.
func (s *script) wantRunning(t *testing.T, when string, runs, running int) {
	t.Helper()
	synctest.Wait()
	if _, begun, now := s.seen(); len(begun) != runs || now != running {
		t.Errorf("%s: %d runs, %d under way; want %d, %d", when, len(begun), now, runs, running)
	}
}

func (h *theatre) state(name string) (publisher.State, string) {
	st, _ := h.Status(name)
	return st.State, st.Reason
}

// A source on demand begins with the first viewer, goes on with others and through a reload, and ends as long after the
// last as was said; the stream is there all the time, and so are viewers who come while it ends.
func TestOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		h.demanded("a", "script", 7*time.Second)
		time.Sleep(time.Hour)
		s.wantRunning(t, "nobody watches", 0, 0)
		for round := 1; round <= 3; round++ {
			first := h.view("a")
			s.wantRunning(t, "the first viewer", round, 1)
			if state, reason := h.state("a"); state != publisher.StateLive || reason != "" {
				t.Errorf("watched, and %s (%s)", state, reason)
			}
			second := h.view("a")
			first.Close()
			time.Sleep(time.Hour)
			second.Close()
			time.Sleep(6900 * time.Millisecond)
			again := h.view("a")
			time.Sleep(time.Hour)
			s.wantRunning(t, "watched again in time", round, 1)
			again.Close()
			time.Sleep(6999 * time.Millisecond)
			s.wantRunning(t, "not long enough unwatched", round, 1)
			time.Sleep(2 * time.Millisecond)
			s.wantRunning(t, "unwatched", round, 0)
			if state, reason := h.state("a"); state != publisher.StateIdle || reason != "unwatched" {
				t.Errorf("unwatched, and %s (%s)", state, reason)
			}
			if !h.live("a") {
				t.Error("the stream is gone")
			}
		}
		st, _ := h.Status("a")
		if st.Runs != 3 || st.Restarts != 0 || len(st.Failures) != 0 {
			t.Errorf("%+v", st)
		}
		h.wantTold("stream_live", "source_idle", "source_started", "stream_live taken_over", "source_idle", "source_started",
			"stream_live taken_over", "source_idle", "source_started", "stream_live taken_over", "source_idle")
		if err := h.Stop(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		h.wantGone("a")
		h.wantTold("stream_ended stopped", "source_stopped stopped")
	})
}

// The end comes at every point of a source on demand: idle, running, about to stop.
func TestOnDemandEnds(t *testing.T) {
	for name, end := range map[string]func(h *theatre) error{
		"stop":   func(h *theatre) error { return h.Stop(h.t.Context(), "a") },
		"all":    func(h *theatre) error { h.end(); return nil },
		"change": func(h *theatre) error { _, err := h.Change("a", publisher.Change{OnDemand: new(false)}); return err },
	} {
		for _, when := range []string{"idle", "watched", "left", "stopped"} {
			synctest.Test(t, func(t *testing.T) {
				s := newScript("script")
				h := open(t, nil, s.kind)
				h.demanded("a", "script", time.Second)
				if when != "idle" {
					v := h.view("a")
					synctest.Wait()
					switch when {
					case "left":
						v.Close()
					case "stopped":
						v.Close()
						time.Sleep(time.Second)
					default:
						defer v.Close()
					}
				}
				if err := end(h); err != nil {
					t.Errorf("%s while %s: %v", name, when, err)
				}
				if name != "change" {
					s.wantRunning(t, name+" while "+when, map[bool]int{true: 0, false: 1}[when == "idle"], 0)
					h.wantGone("a")
					return
				}
				h.wantState("a", publisher.StateLive, "")
				time.Sleep(time.Hour)
				if st := h.wantState("a", publisher.StateLive, ""); st.OnDemand || len(st.Failures) != 0 {
					t.Errorf("changed while %s: %+v", when, st)
				}
			})
		}
	}
}

// Made on demand while it runs and is watched, a source goes on; then it stops when it is left.
func TestChangeToOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		v := h.view("a")
		if _, err := h.Change("a", publisher.Change{OnDemand: new(true), StopAfter: new(time.Second)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if state, _ := h.state("a"); state != publisher.StateLive {
			t.Errorf("watched, and %s", state)
		}
		// Only how long is changed: nothing begins anew.
		if _, err := h.Change("a", publisher.Change{StopAfter: new(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		s.wantRunning(t, "changed", 2, 1)
		v.Close()
		time.Sleep(time.Minute - time.Millisecond)
		s.wantRunning(t, "left", 2, 1)
		time.Sleep(2 * time.Millisecond)
		s.wantRunning(t, "stopped", 2, 0)
	})
}

// What fails on demand is tried again, and then waits for viewers again.
func TestOnDemandFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		h.demanded("a", "script", time.Second)
		s.does(func(context.Context) error { return errors.New("cable is out") })
		v := h.view("a")
		h.wantState("a", publisher.StateWaiting, "cable is out")
		v.Close()
		s.does(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		if state, reason := h.state("a"); state != publisher.StateIdle || reason != "unwatched" {
			t.Errorf("tried again, and %s (%s)", state, reason)
		}
		s.wantRunning(t, "nobody watches", 1, 0)
		// It cannot be made anew when it is left.
		v = h.view("a")
		s.wantRunning(t, "watched", 2, 1)
		s.makes(func() error { return errors.New("unplugged") })
		v.Close()
		time.Sleep(time.Second)
		h.wantState("a", publisher.StateWaiting, "unplugged")
		st, _ := h.Status("a")
		if want := map[string]int{"failed": 1, "not_made": 1}; !maps.Equal(st.Failures, want) {
			t.Errorf("failures %v, want %v", st.Failures, want)
		}
	})
}

// wordy is an error with a word for its reason.
type wordy struct{ word string }

func (e wordy) Error() string         { return "it is " + e.word }
func (e wordy) FailureReason() string { return e.word }

// How often and how soon a source is tried again is as was said, first by its kind; failures are counted by reason.
func TestRestartPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.kind.Restart = &publisher.Restart{Attempts: 3, Delay: 2 * time.Second, Longest: 5 * time.Second}
		s.does(func(context.Context) error { return fmt.Errorf("open: %w", wordy{"unplugged"}) })
		h := open(t, nil, s.kind)
		tried := func(name string, how publisher.RestartChange) (waits []time.Duration, st publisher.Status) {
			t.Helper()
			_, before, _ := s.seen()
			if _, err := h.Start(name, publisher.Start{Source: "script", Restart: how}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
			_, begun, _ := s.seen()
			for i := len(before) + 1; i < len(begun); i++ {
				waits = append(waits, begun[i].Sub(begun[i-1]))
			}
			return waits, h.wantState(name, publisher.StateFailed, "unplugged")
		}
		for name, c := range map[string]struct {
			how  publisher.RestartChange
			want []time.Duration
		}{
			"kind":    {want: []time.Duration{2 * time.Second, 4 * time.Second, 5 * time.Second}},
			"fewer":   {how: publisher.RestartChange{Attempts: new(1)}, want: []time.Duration{2 * time.Second}},
			"never":   {how: publisher.RestartChange{Attempts: new(0)}},
			"quicker": {how: publisher.RestartChange{Delay: new(time.Second / 2), Longest: new(time.Second)}, want: []time.Duration{time.Second / 2, time.Second, time.Second}},
		} {
			waits, st := tried(name, c.how)
			if diff := cmp.Diff(c.want, waits); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
			if n := len(c.want); st.Restarts != n || st.Runs != n+1 || st.Failures["unplugged"] != n+1 || len(st.Failures) != 1 {
				t.Errorf("%s: %+v", name, st)
			}
		}
		// A change of the policy alone starts nothing; failures are not forgotten.
		if st, err := h.Change("never", publisher.Change{Restart: publisher.RestartChange{Attempts: new(7)}}); err != nil || st.State != publisher.StateFailed || st.Restart.Attempts != 7 {
			t.Errorf("%+v, %v", st, err)
		}
		s.does(nil)
		st, err := h.Change("never", publisher.Change{Params: json.RawMessage(`{"n":5}`)})
		if err != nil || st.State != publisher.StateLive || st.Failures["unplugged"] != 1 || st.Restart.Attempts != 7 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// There are only so many reasons.
func TestManyReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		n := 0
		s.does(func(context.Context) error { n++; return wordy{fmt.Sprint("word", n)} })
		h := open(t, nil, s.kind)
		if _, err := h.Start("a", publisher.Start{Source: "script", Restart: publisher.RestartChange{Attempts: new(99)}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		st := h.wantState("a", publisher.StateFailed, "word")
		if len(st.Failures) != 17 || st.Failures["other"] != 84 {
			t.Errorf("failures %v", st.Failures)
		}
	})
}

// Policies that cannot be are refused, all that is wrong at once, and nothing is started or changed.
func TestBadPolicies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		h.start("b", "script", "")
		for _, c := range []struct {
			start publisher.Start
			want  []string
		}{
			{publisher.Start{StopAfter: new(-time.Second)}, []string{"stop_after"}},
			{publisher.Start{StopAfter: new(25 * time.Hour)}, []string{"stop_after"}},
			{publisher.Start{Restart: publisher.RestartChange{Attempts: new(-1), Delay: new(time.Millisecond)}}, []string{"restart.attempts", "restart.delay"}},
			{publisher.Start{Restart: publisher.RestartChange{Delay: new(time.Minute)}}, []string{"restart.longest"}},
			{publisher.Start{Restart: publisher.RestartChange{Longest: new(2 * time.Hour)}}, []string{"restart.longest"}},
		} {
			c.start.Source = "script"
			_, first := h.Start("a", c.start)
			_, second := h.Change("b", publisher.Change{StopAfter: c.start.StopAfter, Restart: c.start.Restart})
			for _, err := range []error{first, second} {
				failure, ok := errors.AsType[*publisher.ParamError](err)
				if !ok {
					t.Errorf("%+v: %v", c.start, err)
					continue
				}
				var names []string
				for _, p := range failure.Problems {
					names = append(names, p.Name)
				}
				if !slices.Equal(names, c.want) {
					t.Errorf("%+v: %v, want %v", c.start, names, c.want)
				}
			}
			h.wantGone("a")
		}
		if made, _, _ := s.seen(); len(made) != 1 {
			t.Errorf("%d were made", len(made))
		}
	})
}

// A source that is insisted on is tried until it can be made; what is asked for wrongly is refused all the same.
func TestInsist(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.makes(func() error { return &publisher.UnavailableError{Reason: errors.New("no such camera")} })
		h := open(t, nil, s.kind)
		start := publisher.Start{Source: "script", Insist: true}
		if _, err := h.Start("a", start); err != nil {
			t.Fatal(err)
		}
		h.wantState("a", publisher.StateWaiting, "no such camera")
		time.Sleep(1500 * time.Millisecond)
		st := h.wantState("a", publisher.StateWaiting, "no such camera")
		if st.Failures["not_made"] != 2 {
			t.Errorf("failures %v", st.Failures)
		}
		s.makes(nil)
		time.Sleep(2 * time.Second)
		h.wantState("a", publisher.StateLive, "")
		start.Params = json.RawMessage(`{"n":"x"}`)
		if _, err := h.Start("b", start); err == nil {
			t.Error("wrong parameters were taken")
		}
		s.makes(func() error {
			return &publisher.ParamError{Problems: []publisher.ParamProblem{{Name: "n", Detail: "is odd"}}}
		})
		start.Params = nil
		if _, err := h.Start("b", start); err == nil {
			t.Error("wrong parameters were taken")
		}
		h.wantGone("b")
		s.makes(func() error { return errors.New("never") })
		if _, err := h.Start("c", start); err != nil {
			t.Fatal(err)
		}
		if err := h.Stop(t.Context(), "c"); err != nil {
			t.Error(err)
		}
		h.wantGone("c")
	})
}
