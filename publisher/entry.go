package publisher

import (
	"context"
	"log/slog"
	"maps"
	"time"
)

// An entry is a stream's source, in whatever state.
type entry struct {
	// static after Start
	stream string
	work   chan struct{} // one token: held by whoever starts, changes, restarts or stops the source
	gone   chan struct{} // closed when the entry is not the Supervisor's any more

	// guarded by Supervisor.mu
	kind     *checkedKind
	params   []byte
	private  bool
	state    State
	reason   string
	since    time.Time
	nextTry  time.Time
	restarts int
	runs     int
	failures map[string]int // by reason
	policy   policy
	task     *task  // nil: no goroutine
	source   Source // the one that runs or ran last; nil: none has
	stopping bool   // by Stop
	removed  bool
}

// statusLocked is the entry's snapshot without counters, and what has them.
func (e *entry) statusLocked() (Status, Source) {
	return Status{
		Stream: e.stream, Source: e.kind.Name, State: e.state, Reason: e.reason, Since: e.since, NextTry: e.nextTry,
		Private: e.private, Params: e.kind.params.Shown(e.params), Restarts: e.restarts,
		OnDemand: e.policy.onDemand, StopAfter: e.policy.stopAfter, Restart: e.policy.restart,
		Runs: e.runs, Failures: maps.Clone(e.failures),
	}, e.source
}

func (e *entry) setLocked(state State, reason string) {
	e.state, e.reason, e.since, e.nextTry = state, reason, time.Now(), time.Time{}
}

// release gives the token back.
func (e *entry) release() { <-e.work }

// insert makes the entry known, if its stream has none yet.
func (s *Supervisor) insert(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.entries[e.stream] != nil:
		return ErrExists
	case len(s.entries) >= maxSources:
		return ErrTooMany
	}
	s.entries[e.stream] = e
	return nil
}

// acquire takes the token of a stream's entry.
func (s *Supervisor) acquire(ctx context.Context, name string) (*entry, error) {
	s.mu.Lock()
	e := s.entries[name]
	s.mu.Unlock()
	if e == nil {
		return nil, ErrNotSupervised
	}
	select {
	case e.work <- struct{}{}:
	case <-e.gone:
		return nil, ErrNotSupervised
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.removed {
		e.release()
		return nil, ErrNotSupervised
	}
	return e, nil
}

// done gives the token back and returns how it stands.
func (s *Supervisor) done(e *entry) (Status, error) {
	s.mu.Lock()
	st, source := e.statusLocked()
	s.mu.Unlock()
	e.release()
	st.count(source)
	return st, nil
}

// drop makes the entry unknown, and says whether it was known.
func (s *Supervisor) drop(e *entry) bool {
	s.mu.Lock()
	if e.removed {
		s.mu.Unlock()
		return false
	}
	e.removed = true
	delete(s.entries, e.stream)
	private := e.private
	close(e.gone)
	s.mu.Unlock()
	if private {
		s.opts.Show(e.stream)
	}
	return true
}

// remove makes an entry unknown whose source has stopped.
func (s *Supervisor) remove(e *entry, reason string) {
	if s.drop(e) {
		s.event(e, "source_stopped", slog.String("reason", reason))
	}
}

// event tells of an entry's source.
func (s *Supervisor) event(e *entry, name string, attrs ...slog.Attr) {
	all := append([]slog.Attr{slog.String("stream", e.stream), slog.String("source", s.kindOf(e))}, attrs...)
	s.opts.Event(name, all...)
}

// kindOf names the entry's kind of source.
func (s *Supervisor) kindOf(e *entry) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.kind.Name
}
