package publisher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"weir/stream"
)

// maxSources is how many sources a Supervisor has at most.
const maxSources = 1000

// publishedBy names the Supervisor as publisher, so that a changed source takes its stream over.
const publishedBy = "supervisor"

// SupervisorOptions configure a Supervisor. Registry is required.
type SupervisorOptions struct {
	Registry *stream.Registry
	Kinds    []Kind       // in the order in which they are offered
	Logger   *slog.Logger // nil discards
	// Event is told what happens; it must not block. Nil tells nobody.
	Event func(name string, attrs ...slog.Attr)
	// Hide is told of a stream that has become private, when Private says so already and before anything private is fed
	// to it: whoever may not see that has to go. It may block. Nil does nothing.
	Hide func(stream string)
	// Show is told of a stream that was private and is no longer, since it is public now or has no source, when Private says
	// so already: whoever waits for it may know of it. Nil does nothing.
	Show func(stream string)
}

// A Supervisor holds the sources of our own by stream: starts, changes, restarts and stops them. Its methods may be called
// from any goroutine. Each source runs in a goroutine of the Supervisor's, which Stop and Run wait for.
type Supervisor struct {
	// static after NewSupervisor
	opts  SupervisorOptions
	kinds map[string]*checkedKind

	running sync.WaitGroup // sources, and calls of Start and Change

	mu sync.Mutex
	// guarded by mu
	entries map[string]*entry
	closed  bool
}

// NewSupervisor checks the kinds and their schemas; it starts nothing.
func NewSupervisor(o SupervisorOptions) (*Supervisor, error) {
	if o.Registry == nil {
		return nil, errors.New("supervisor: Options need a Registry")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Event == nil {
		o.Event = func(string, ...slog.Attr) {}
	}
	if o.Hide == nil {
		o.Hide = func(string) {}
	}
	if o.Show == nil {
		o.Show = func(string) {}
	}
	s := &Supervisor{opts: o, kinds: map[string]*checkedKind{}, entries: map[string]*entry{}}
	s.opts.Kinds = slices.Clone(o.Kinds)
	for i, k := range s.opts.Kinds {
		checked, err := checkKind(k)
		if err == nil && s.kinds[k.Name] != nil {
			err = errors.New("there are two of it")
		}
		if err != nil {
			return nil, fmt.Errorf("kind of source %q: %w", k.Name, err)
		}
		s.kinds[k.Name], s.opts.Kinds[i] = checked, checked.Kind
	}
	return s, nil
}

// Run returns when ctx has ended and every source has stopped. Sources may be started before it; none can be after it.
func (s *Supervisor) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.closed = true
	for _, e := range s.entries {
		if e.task != nil {
			e.task.cancel()
		}
	}
	s.mu.Unlock()
	s.running.Wait()
	s.mu.Lock()
	left := slices.Collect(maps.Values(s.entries))
	s.mu.Unlock()
	for _, e := range left {
		s.remove(e, "shutdown")
	}
	return nil
}

// Kinds are those that there are, also those that cannot run here, each with a schema.
func (s *Supervisor) Kinds() []Kind { return slices.Clone(s.opts.Kinds) }

// Private says whether the stream is private. It is false for a stream that no source of ours feeds.
func (s *Supervisor) Private(stream string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[stream]
	return e != nil && e.private
}

// Status says how it stands with a stream's source; false if none of ours feeds it.
func (s *Supervisor) Status(stream string) (Status, bool) {
	s.mu.Lock()
	e := s.entries[stream]
	if e == nil {
		s.mu.Unlock()
		return Status{}, false
	}
	st, source := e.statusLocked()
	s.mu.Unlock()
	st.count(source)
	return st, true
}

// All are the sources at this moment, sorted by stream.
func (s *Supervisor) All() []Status {
	s.mu.Lock()
	all := make([]Status, 0, len(s.entries))
	sources := make(map[string]Source, len(s.entries))
	for name, e := range s.entries {
		st, source := e.statusLocked()
		all, sources[name] = append(all, st), source
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b Status) int { return strings.Compare(a.Stream, b.Stream) })
	for i := range all {
		all[i].count(sources[all[i].Stream])
	}
	return all
}

// count reads the counters of a source that counts.
func (st *Status) count(source Source) {
	if c, ok := source.(Counter); ok {
		st.Renditions = c.Stats()
	}
	if p, ok := source.(Placer); ok {
		st.Place = new(p.Place())
	}
	st.follow(source)
}

// kind returns a kind that can run here.
func (s *Supervisor) kind(name string) (*checkedKind, error) {
	k := s.kinds[name]
	if k == nil {
		return nil, ErrUnknownKind
	}
	if k.Missing != nil {
		return nil, &UnavailableError{Reason: k.Missing}
	}
	return k, nil
}
