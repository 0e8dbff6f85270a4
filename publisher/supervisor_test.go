package publisher_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/publisher"
	"weir/stream"
)

// A script is a kind of source that does as the test says. Its parameter n is
// there to be changed.
type script struct {
	kind publisher.Kind

	mu sync.Mutex
	// guarded by mu
	make    func() error                    // called by New; nil: nothing
	run     func(ctx context.Context) error // nil: until the end
	change  func(json.RawMessage) (bool, error)
	made    []string // parameters
	begun   []time.Time
	running int
}

const numberSchema = `{"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer","default":1,"maximum":9}}}`

func newScript(name string) *script {
	s := &script{}
	s.kind = publisher.Kind{Name: name, Schema: json.RawMessage(numberSchema), New: s.new}
	return s
}

func (s *script) new(_ string, params json.RawMessage) (publisher.Source, error) {
	s.mu.Lock()
	s.made = append(s.made, string(params))
	wait := s.make
	s.mu.Unlock()
	if wait != nil {
		if err := wait(); err != nil {
			return nil, err
		}
	}
	return scripted{s}, nil
}

// does sets what the script's sources do from now on.
func (s *script) does(run func(ctx context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.run = run
}

// makes sets what happens in New.
func (s *script) makes(wait func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.make = wait
}

func (s *script) seen() (made []string, begun []time.Time, running int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.made), slices.Clone(s.begun), s.running
}

type scripted struct{ *script }

func (s scripted) Specs() []stream.Spec { return []stream.Spec{{Format: publisher.Opus()}} }

func (s scripted) Change(params json.RawMessage) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.change == nil {
		return false, nil
	}
	return s.change(params)
}

func (s scripted) Run(ctx context.Context, p *stream.Publication) error {
	s.mu.Lock()
	s.begun = append(s.begun, time.Now())
	s.running++
	run := s.run
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
	}()
	if run != nil {
		return run(ctx)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-p.Done():
		return publisher.ErrPublicationEnded
	}
}

// A theatre is a registry with a Supervisor, both running.
type theatre struct {
	*publisher.Supervisor

	t        *testing.T
	registry *stream.Registry
	end      func() // ends the Supervisor and waits

	mu sync.Mutex
	// guarded by mu
	events []string
}

func (h *theatre) event(name string, attrs ...slog.Attr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	text := name
	for _, a := range attrs {
		if a.Key == "reason" {
			text += " " + a.Value.String()
		}
	}
	h.events = append(h.events, text)
}

// told are the events since the last call.
func (h *theatre) told() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	told := h.events
	h.events = nil
	return told
}

func (h *theatre) wantTold(want ...string) {
	h.t.Helper()
	synctest.Wait() // what is told is told behind what is done
	if diff := cmp.Diff(want, h.told()); diff != "" {
		h.t.Errorf("events: %s", diff)
	}
}

func open(t *testing.T, hide func(string), kinds ...publisher.Kind) *theatre {
	t.Helper()
	return openWith(t, publisher.SupervisorOptions{Kinds: kinds, Hide: hide})
}

func openWith(t *testing.T, o publisher.SupervisorOptions) *theatre {
	t.Helper()
	h := &theatre{t: t}
	h.registry = stream.New(stream.Options{Workers: 1, Event: h.event})
	o.Registry, o.Event = h.registry, h.event
	var err error
	h.Supervisor, err = publisher.NewSupervisor(o)
	if err != nil {
		t.Fatal(err)
	}
	var workers, supervisor sync.WaitGroup
	ctx, stop := context.WithCancel(context.Background())
	workers.Go(func() {
		if err := h.registry.Run(ctx); err != nil {
			t.Errorf("run registry: %v", err)
		}
	})
	own, end := context.WithCancel(context.Background())
	supervisor.Go(func() {
		if err := h.Run(own); err != nil {
			t.Errorf("run supervisor: %v", err)
		}
	})
	h.end = func() { end(); supervisor.Wait() }
	t.Cleanup(func() { h.end(); stop(); workers.Wait() })
	return h
}

func (h *theatre) start(name, kind, params string) publisher.Status {
	h.t.Helper()
	st, err := h.Start(name, publisher.Start{Source: kind, Params: json.RawMessage(params)})
	if err != nil {
		h.t.Fatalf("start: %v", err)
	}
	return st
}

func (h *theatre) live(name string) bool {
	s, ok := h.registry.Find(name)
	return ok && len(s.Tracks()) > 0
}

func (h *theatre) wantState(name string, want publisher.State, reason string) publisher.Status {
	h.t.Helper()
	synctest.Wait()
	st, ok := h.Status(name)
	if !ok || st.State != want || !strings.Contains(st.Reason, reason) || reason == "" && st.Reason != "" {
		h.t.Errorf("%v: %s is %q (%s), want %q (%s)", ok, name, st.State, st.Reason, want, reason)
	}
	if live := h.live(name); live != (want == publisher.StateLive) {
		h.t.Errorf("the stream is live: %v, source is %q", live, st.State)
	}
	return st
}

func (h *theatre) wantGone(name string) {
	h.t.Helper()
	if st, ok := h.Status(name); ok {
		h.t.Errorf("%s is still known: %+v", name, st)
	}
	if h.live(name) {
		h.t.Errorf("%s is still live", name)
	}
	if h.Private(name) {
		h.t.Errorf("%s is private", name)
	}
}

func TestStartAndStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		st := h.start("a", "script", `{"n": 2}`)
		if !h.live("a") {
			t.Error("the stream is not live when Start returns")
		}
		want := publisher.Status{
			Stream: "a", Source: "script", State: publisher.StateLive, Params: json.RawMessage(`{"n":2}`), Since: time.Now(),
			StopAfter: publisher.DefaultStopAfter, Restart: publisher.DefaultRestart(), Failures: map[string]int{},
		}
		st.Runs = 0 // it may have begun
		if diff := cmp.Diff(want, st); diff != "" {
			t.Error(diff)
		}
		h.start("B", "script", "")
		synctest.Wait()
		if all := h.All(); len(all) != 2 || all[0].Stream != "B" || all[1].Stream != "a" {
			t.Errorf("all: %+v", all)
		}
		if err := h.Stop(t.Context(), "a"); err != nil {
			t.Errorf("stop: %v", err)
		}
		h.wantGone("a")
		if err := h.Stop(t.Context(), "a"); !errors.Is(err, publisher.ErrNotSupervised) {
			t.Errorf("stop again: %v", err)
		}
		h.wantTold("stream_live", "source_started", "stream_live", "source_started", "stream_ended stopped", "source_stopped stopped")
		h.end()
		h.wantGone("B")
		h.wantTold("stream_ended shutdown", "source_stopped shutdown")
		if _, _, running := s.seen(); running != 0 {
			t.Errorf("%d run still", running)
		}
		if _, err := h.Start("c", publisher.Start{Source: "script"}); !errors.Is(err, publisher.ErrClosed) {
			t.Errorf("start after the end: %v", err)
		}
		if _, err := h.Change("B", publisher.Change{}); !errors.Is(err, publisher.ErrClosed) {
			t.Errorf("change after the end: %v", err)
		}
	})
}

func TestStartRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		camera := publisher.Kind{Name: "camera", Missing: errors.New("no camera was found")}
		h := open(t, nil, s.kind, camera)
		h.start("taken", "script", "")
		other, err := h.registry.Publish("other", "somebody", []stream.Spec{{Format: publisher.Opus()}})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close("end of test")
		for _, c := range []struct {
			name, kind, params string
			want               error
		}{
			{"-", "script", "", stream.ErrName},
			{"a", "scripts", "", publisher.ErrUnknownKind},
			{"a", "camera", "", publisher.ErrUnavailable},
			{"taken", "script", "", publisher.ErrExists},
			{"other", "script", "", stream.ErrPublished},
		} {
			_, err := h.Start(c.name, publisher.Start{Source: c.kind, Params: json.RawMessage(c.params)})
			if !errors.Is(err, c.want) {
				t.Errorf("%s %s: %v, want %v", c.name, c.kind, err, c.want)
			}
			if c.want == publisher.ErrUnavailable && !strings.Contains(err.Error(), "no camera was found") { //nolint:errorlint // of the table
				t.Errorf("%v does not say why", err)
			}
		}
		if _, err := h.Start("a", publisher.Start{Source: "script", Params: json.RawMessage(`{"n":10}`)}); err == nil || err.Error() != "n must be a whole number of at most 9" {
			t.Errorf("bad parameter: %v", err)
		}
		s.makes(func() error { return errors.New("no such thing") })
		if _, err := h.Start("a", publisher.Start{Source: "script"}); err == nil || !strings.Contains(err.Error(), "no such thing") {
			t.Errorf("a source that cannot be made: %v", err)
		}
		if all := h.All(); len(all) != 1 || all[0].Stream != "taken" {
			t.Errorf("all: %+v", all)
		}
		if kinds := h.Kinds(); len(kinds) != 2 || kinds[1].Name != "camera" || !json.Valid(kinds[1].Schema) {
			t.Errorf("kinds: %+v", kinds)
		}
	})
}

func TestTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		for i := range 1000 {
			h.start(fmt.Sprint("s", i), "script", "")
		}
		if _, err := h.Start("one-more", publisher.Start{Source: "script"}); !errors.Is(err, publisher.ErrTooMany) {
			t.Errorf("the 1001st: %v", err)
		}
	})
}

// A source that fails at once is tried after 1, 2, 4 and 8 seconds, and then no
// more. A change starts it anew.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(context.Context) error { return errors.New("cable is out") })
		h := open(t, nil, s.kind)
		zero := time.Now()
		h.start("a", "script", "")
		for i, next := range []time.Duration{time.Second, 3 * time.Second, 7 * time.Second, 15 * time.Second} {
			st := h.wantState("a", publisher.StateWaiting, "cable is out")
			if !st.NextTry.Equal(zero.Add(next)) || st.Restarts != i {
				t.Errorf("try %d: next after %v, %d restarts", i, st.NextTry.Sub(zero), st.Restarts)
			}
			time.Sleep(time.Until(st.NextTry))
		}
		st := h.wantState("a", publisher.StateFailed, "cable is out")
		if !st.NextTry.IsZero() || st.Restarts != 4 {
			t.Errorf("failed, and yet %+v", st)
		}
		time.Sleep(time.Hour)
		if _, begun, _ := s.seen(); len(begun) != 5 {
			t.Errorf("%d attempts, want 5", len(begun))
		}
		s.does(nil)
		if _, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{}`)}); err != nil {
			t.Errorf("change: %v", err)
		}
		if st := h.wantState("a", publisher.StateLive, ""); st.Restarts != 0 {
			t.Errorf("%d restarts of a new start", st.Restarts)
		}
		told := strings.Join(h.told(), ", ")
		if strings.Count(told, "source_waiting cable is out") != 4 || strings.Count(told, "source_failed cable is out") != 1 ||
			!strings.HasSuffix(told, "stream_live, source_changed") {
			t.Errorf("events: %s", told)
		}
	})
}

// A source that has lived for half a minute has its failures forgiven.
func TestLongLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(30 * time.Second):
				return errors.New("again")
			}
		})
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		time.Sleep(10*31*time.Second + time.Millisecond)
		if st := h.wantState("a", publisher.StateLive, ""); st.Restarts != 10 {
			t.Errorf("%d restarts, want 10", st.Restarts)
		}
	})
}

// A source that cannot be made again counts as one that failed.
func TestCannotBeMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(context.Context) error { return errors.New("first") })
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		synctest.Wait()
		s.makes(func() error { return errors.New("unplugged") })
		time.Sleep(time.Second)
		h.wantState("a", publisher.StateWaiting, "unplugged")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		s.makes(nil)
		other, err := h.registry.Publish("a", "somebody", []stream.Spec{{Format: publisher.Opus()}})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if st, _ := h.Status("a"); st.State != publisher.StateWaiting || !strings.Contains(st.Reason, stream.ErrPublished.Error()) {
			t.Errorf("a stream that another has taken: %+v", st)
		}
		other.Close("end")
		s.does(nil)
		time.Sleep(8 * time.Second)
		h.wantState("a", publisher.StateLive, "")
	})
}

func TestMediaEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(context.Context) error { return nil })
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		h.wantState("a", publisher.StateIdle, "ended")
		h.wantTold("stream_live", "source_started", "stream_ended ended", "source_stopped ended")
		if _, err := h.Start("a", publisher.Start{Source: "script"}); !errors.Is(err, publisher.ErrExists) {
			t.Errorf("start: %v", err)
		}
		if _, err := h.Change("a", publisher.Change{Private: new(true)}); err != nil {
			t.Errorf("make it private: %v", err)
		}
		h.wantState("a", publisher.StateIdle, "ended")
		s.does(nil)
		if _, err := h.Change("a", publisher.Change{Source: new("script")}); err != nil {
			t.Errorf("start anew: %v", err)
		}
		h.wantState("a", publisher.StateLive, "")
		s.does(func(context.Context) error { return nil })
		if _, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{"n":2}`)}); err != nil {
			t.Errorf("change: %v", err)
		}
		h.wantState("a", publisher.StateIdle, "ended")
		if err := h.Stop(t.Context(), "a"); err != nil {
			t.Errorf("stop: %v", err)
		}
		h.wantGone("a")
	})
}

func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, other := newScript("script"), newScript("other")
		h := open(t, nil, s.kind, other.kind)
		h.start("a", "script", `{"n":2}`)
		h.told()
		change := func(c publisher.Change, kind, params string, news ...string) {
			t.Helper()
			st, err := h.Change("a", c)
			if err != nil || st.Source != kind || string(st.Params) != params || st.State != publisher.StateLive {
				t.Errorf("%+v became %+v, %v", c, st, err)
			}
			h.wantTold(append(news, "source_changed")...)
		}
		const over = "stream_live taken_over"
		change(publisher.Change{Params: json.RawMessage(`{"n":3}`)}, "script", `{"n":3}`, over)
		change(publisher.Change{Params: json.RawMessage(`{"n":3}`)}, "script", `{"n":3}`)
		change(publisher.Change{Params: json.RawMessage(`{"n":null}`)}, "script", `{"n":1}`, over)
		change(publisher.Change{Params: json.RawMessage(`{"n":4}`)}, "script", `{"n":4}`, over)
		change(publisher.Change{Source: new("other")}, "other", `{"n":1}`, over)
		other.mu.Lock()
		other.change = func(p json.RawMessage) (bool, error) {
			if string(p) == `{"n":5}` {
				return true, nil
			}
			return false, map[bool]error{true: errors.New("not now")}[string(p) == `{"n":6}`]
		}
		other.mu.Unlock()
		change(publisher.Change{Params: json.RawMessage(`{"n":5}`)}, "other", `{"n":5}`)
		for _, c := range []publisher.Change{
			{Params: json.RawMessage(`{"n":6}`)},
			{Params: json.RawMessage(`{"n":60}`)},
			{Params: json.RawMessage(`{"m":1}`), Private: new(true)},
			{Source: new("third")},
			{Params: json.RawMessage(`[]`)},
		} {
			if st, err := h.Change("a", c); err == nil {
				t.Errorf("%+v became %+v", c, st)
			}
			if st := h.wantState("a", publisher.StateLive, ""); st.Source != "other" || string(st.Params) != `{"n":5}` || st.Private {
				t.Errorf("a failed change did %+v", st)
			}
		}
		s.makes(func() error { return errors.New("cannot") })
		if _, err := h.Change("a", publisher.Change{Source: new("script"), Private: new(true)}); err == nil {
			t.Error("no error")
		}
		if st := h.wantState("a", publisher.StateLive, ""); st.Source != "other" || st.Private {
			t.Errorf("a failed change did %+v", st)
		}
		if _, err := h.Change("b", publisher.Change{}); !errors.Is(err, publisher.ErrNotSupervised) {
			t.Errorf("nothing to change: %v", err)
		}
		_, _, running := s.seen()
		if _, _, others := other.seen(); running != 0 || others != 1 {
			t.Errorf("%d and %d run, want 0 and 1", running, others)
		}
		h.wantTold()
	})
}

// A stream is private before anything private is fed to it, and whoever must not
// see it has been told to go.
func TestPrivate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain, camera := newScript("open"), newScript("camera")
		camera.kind.Private = true
		var h *theatre
		var hidden []string
		made := 0
		hide := func(name string) {
			list, _, _ := camera.seen()
			if !h.Private(name) || len(list) != made {
				t.Errorf("%s: private %v, %d cameras made, want %d", name, h.Private(name), len(list), made)
			}
			hidden = append(hidden, name)
		}
		camera.makes(func() error {
			made++
			if !h.Private("a") && !h.Private("c") {
				t.Error("a camera is made for a stream that is not private")
			}
			return nil
		})
		h = open(t, hide, plain.kind, camera.kind)
		check := func(name string, private bool, hides int) {
			t.Helper()
			st, _ := h.Status(name)
			if st.Private != private || h.Private(name) != private || len(hidden) != hides {
				t.Errorf("%s: private %v, hidden %v", name, st.Private, hidden)
			}
		}
		must := func(_ publisher.Status, err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		h.start("a", "open", "")
		check("a", false, 0)
		must(h.Change("a", publisher.Change{Source: new("camera")}))
		check("a", true, 1)
		must(h.Change("a", publisher.Change{Source: new("open")})) // it is not made public by the way
		check("a", true, 1)
		must(h.Change("a", publisher.Change{Private: new(false)}))
		check("a", false, 1)
		must(h.Change("a", publisher.Change{Private: new(true)}))
		check("a", true, 2)
		must(h.Start("b", publisher.Start{Source: "open", Private: new(true)}))
		check("b", true, 3)
		h.start("c", "camera", "")
		check("c", true, 4)
		camera.makes(nil)
		must(h.Start("d", publisher.Start{Source: "camera", Private: new(false)}))
		check("d", false, 4)
		if h.Private("nobody") {
			t.Error("a stream without a source is private")
		}
	})
}

// What fails throws nobody out, and leaves the stream as public as it was.
func TestFailureHidesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain, camera := newScript("open"), newScript("camera")
		camera.kind.Private = true
		var hidden []string
		h := open(t, func(name string) {
			if _, _, running := camera.seen(); running > 0 {
				t.Errorf("%s is fed while it is watched", name)
			}
			hidden = append(hidden, name)
		}, plain.kind, camera.kind)
		want := func(private bool, names ...string) {
			t.Helper()
			synctest.Wait()
			if !slices.Equal(hidden, names) || h.Private("ours") != private {
				t.Errorf("hidden %v, want %v; private %v", hidden, names, h.Private("ours"))
			}
		}
		other, err := h.registry.Publish("other", "somebody", []stream.Spec{{Format: publisher.Opus()}})
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close("end of test")
		if _, err := h.Start("other", publisher.Start{Source: "camera"}); !errors.Is(err, stream.ErrPublished) {
			t.Error(err)
		}
		want(false)
		h.start("ours", "open", "")
		camera.makes(func() error { return errors.New("unplugged") })
		for _, c := range []publisher.Change{
			{Source: new("camera")},
			{Source: new("camera"), Private: new(true)},
			{Private: new(true), Params: json.RawMessage(`{"n":10}`)},
		} {
			if _, err := h.Change("ours", c); err == nil {
				t.Error("no error")
			}
			want(false)
		}
		camera.makes(nil)
		if _, err := h.Change("ours", publisher.Change{Source: new("camera")}); err != nil {
			t.Error(err)
		}
		want(true, "ours")
		if err := h.Stop(t.Context(), "ours"); err != nil {
			t.Error(err)
		}
		h.start("ours", "open", "")
		if _, err := h.Change("ours", publisher.Change{Private: new(true)}); err != nil {
			t.Error(err)
		}
		want(true, "ours", "ours")
		plain.mu.Lock()
		plain.change = func(json.RawMessage) (bool, error) { return false, errors.New("not now") }
		plain.mu.Unlock()
		if _, err := h.Change("ours", publisher.Change{Private: new(false)}); err != nil {
			t.Error(err)
		}
		if _, err := h.Change("ours", publisher.Change{Private: new(true), Params: json.RawMessage(`{"n":2}`)}); err != nil {
			t.Errorf("it begins anew instead: %v", err)
		}
		want(true, "ours", "ours", "ours")
		if _, err := h.Start("other", publisher.Start{Source: "camera", Insist: true}); err != nil || !h.Private("other") {
			t.Error(err)
		}
		want(true, "ours", "ours", "ours", "other")
	})
}

func TestStopDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(context.Context) error { return errors.New("no") })
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		h.wantState("a", publisher.StateWaiting, "no")
		before := time.Now()
		if err := h.Stop(t.Context(), "a"); err != nil || time.Since(before) != 0 {
			t.Errorf("stop: %v after %v", err, time.Since(before))
		}
		h.wantGone("a")
		time.Sleep(time.Minute)
		if _, begun, _ := s.seen(); len(begun) != 1 {
			t.Errorf("%d attempts after the end", len(begun)-1)
		}
	})
}

func TestChangeDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(context.Context) error { return errors.New("no") })
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		h.wantState("a", publisher.StateWaiting, "no")
		if _, err := h.Change("a", publisher.Change{Private: new(true)}); err != nil {
			t.Error(err)
		}
		h.wantState("a", publisher.StateWaiting, "no")
		s.does(nil)
		if _, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{"n":2}`)}); err != nil {
			t.Error(err)
		}
		h.wantState("a", publisher.StateLive, "")
		time.Sleep(time.Minute)
		made, begun, running := s.seen()
		if len(begun) != 2 || running != 1 || !slices.Equal(made, []string{`{"n":1}`, `{"n":2}`}) {
			t.Errorf("made %v, begun %v, %d run", made, begun, running)
		}
	})
}

// Stop waits for a Start that is under way, and takes away what it made.
func TestStopDuringStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.makes(func() error { time.Sleep(time.Second); return nil })
		h := open(t, nil, s.kind)
		var starting sync.WaitGroup
		starting.Go(func() { h.start("a", "script", "") })
		h.wantState("a", publisher.StateStarting, "")
		if _, err := h.Start("a", publisher.Start{Source: "script"}); !errors.Is(err, publisher.ErrExists) {
			t.Errorf("a second start: %v", err)
		}
		if err := h.Stop(t.Context(), "a"); err != nil {
			t.Errorf("stop: %v", err)
		}
		h.wantGone("a")
		starting.Wait()
		h.wantGone("a")
	})
}

// What is under way when the Supervisor ends leaves nothing.
func TestEndDuringStartAndChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		h := open(t, nil, s.kind)
		h.start("old", "script", "")
		s.makes(func() error { time.Sleep(time.Second); return nil })
		var calls sync.WaitGroup
		calls.Go(func() {
			if _, err := h.Start("new", publisher.Start{Source: "script"}); !errors.Is(err, publisher.ErrClosed) {
				t.Errorf("start: %v", err)
			}
		})
		calls.Go(func() {
			if _, err := h.Change("old", publisher.Change{Params: json.RawMessage(`{"n":2}`)}); !errors.Is(err, publisher.ErrClosed) {
				t.Errorf("change: %v", err)
			}
		})
		synctest.Wait()
		h.end()
		h.wantGone("old")
		h.wantGone("new")
		calls.Wait()
	})
}

// A source that does not end at once is stopped all the same, when Stop no
// longer waits.
func TestStopGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript("script")
		s.does(func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(5 * time.Second)
			return nil
		})
		h := open(t, nil, s.kind)
		h.start("a", "script", "")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := h.Stop(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stop: %v", err)
		}
		if _, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{"n":2}`)}); !errors.Is(err, publisher.ErrNotSupervised) {
			t.Errorf("change: %v", err)
		}
		h.wantGone("a")
		if _, err := h.Start("a", publisher.Start{Source: "script"}); err != nil {
			t.Errorf("start again: %v", err)
		}
	})
}

// A change while the source runs leaves the viewer's line whole: one number
// after the other, and timestamps that follow the time.
func TestViewersStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sounds []*fake
		kind := publisher.Kind{Name: "sound", Schema: json.RawMessage(numberSchema), New: func(string, json.RawMessage) (publisher.Source, error) {
			sounds = append(sounds, &fake{})
			return publisher.NewProgram(time.Now(), audio(t, sounds[len(sounds)-1])), nil
		}}
		h := open(t, nil, kind)
		h.start("a", "sound", "")
		s, _ := h.registry.Find("a")
		v, err := s.AddViewer(s.Tracks())
		if err != nil {
			t.Fatal(err)
		}
		r := &recorder{}
		v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
		v.Start()
		defer v.Close()
		for n := 2; n < 6; n++ {
			time.Sleep(time.Second)
			st, err := h.Change("a", publisher.Change{Params: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))})
			if err != nil || len(st.Renditions) != 1 {
				t.Fatalf("change: %v, %+v", err, st)
			}
		}
		time.Sleep(time.Second)
		synctest.Wait()
		units := r.units()
		if len(sounds) != 5 || len(units) < 240 || s.Viewers() != 1 {
			t.Fatalf("%d sources, %d units, %d viewers", len(sounds), len(units), s.Viewers())
		}
		for i := 1; i < len(units); i++ {
			before, now := units[i-1], units[i]
			passed := now.at.Sub(before.at)
			ticks := time.Duration(now.Timestamp-before.Timestamp) * time.Second / 48000
			if now.SequenceNumber != before.SequenceNumber+1 || now.SSRC != before.SSRC || ticks <= 0 || (ticks-passed).Abs() > 25*time.Millisecond {
				t.Errorf("unit %d: number %d after %d, %v of media in %v", i, now.SequenceNumber, before.SequenceNumber, ticks, passed)
			}
		}
		for i, f := range sounds[:4] {
			if f.seen().open {
				t.Errorf("encoder of source %d is still open", i)
			}
		}
		st, _ := h.Status("a")
		if n := st.Renditions; len(n) != 1 || n[0].Units == 0 || !n[0].Running {
			t.Errorf("renditions %+v", n)
		}
	})
}

// The bit rate of a program changes without a new source.
func TestProgramChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		made := 0
		kind := publisher.Kind{Name: "picture", Schema: json.RawMessage(numberSchema), New: func(string, json.RawMessage) (publisher.Source, error) {
			made++
			r := video(t, f)
			return publisher.NewProgram(time.Now(), r).WithChange(func(params json.RawMessage) (bool, error) {
				var p struct{ N int }
				err := json.Unmarshal(params, &p)
				r.SetBitRate(p.N * 1000)
				return true, err
			}), nil
		}}
		h := open(t, nil, kind)
		h.start("a", "picture", "")
		s, _ := h.registry.Find("a")
		v, err := s.AddViewer(s.Tracks())
		if err != nil {
			t.Fatal(err)
		}
		defer v.Close()
		time.Sleep(time.Second)
		if _, err := h.Change("a", publisher.Change{Params: json.RawMessage(`{"n":7}`)}); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Second)
		if got := f.seen(); got.bitRate != 7000 || got.opened != 1 || made != 1 {
			t.Errorf("bit rate %d, %d encoders, %d sources", got.bitRate, got.opened, made)
		}
	})
}

// Whatever comes together, nothing is left and nothing is done twice.
func TestAllAtOnce(t *testing.T) {
	s := newScript("script")
	fails := make(chan struct{}, 1)
	s.does(func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-fails:
			return errors.New("failed")
		}
	})
	h := open(t, nil, s.kind)
	names := []string{"a", "b", "c"}
	var callers sync.WaitGroup
	for i := range 12 {
		callers.Go(func() {
			for n := range 60 {
				name := names[(i+n)%len(names)]
				switch (i + n/3) % 5 {
				case 0, 1:
					_, _ = h.Start(name, publisher.Start{Source: "script", Private: new(n%2 == 0)})
				case 2:
					_, _ = h.Change(name, publisher.Change{Params: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n%9)), Private: new(n%3 == 0)})
				case 3:
					_ = h.Stop(t.Context(), name)
				default:
					select {
					case fails <- struct{}{}:
					default:
					}
					h.All()
				}
			}
		})
	}
	callers.Wait()
	h.end()
	for _, name := range names {
		h.wantGone(name)
	}
	if _, _, running := s.seen(); running != 0 {
		t.Errorf("%d run still", running)
	}
}
