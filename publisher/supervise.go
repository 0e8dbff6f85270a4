package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"weir/stream"
)

// Start starts a source on a stream. The stream is there for players when it returns: live, or, on demand, idle. It fails
// with ErrUnknownKind, ErrUnavailable, *ParamError, ErrExists, ErrTooMany, ErrClosed, stream.ErrName or
// stream.ErrPublished.
func (s *Supervisor) Start(name string, r Start) (Status, error) {
	next, err := s.read(name, r)
	if err != nil {
		return Status{}, err
	}
	leave, err := s.enter()
	if err != nil {
		return Status{}, err
	}
	defer leave()
	e := &entry{
		stream: name, work: make(chan struct{}, 1), gone: make(chan struct{}), kind: next.kind, params: next.params,
		private: next.private, state: StateStarting, since: time.Now(), failures: map[string]int{}, policy: next.policy,
	}
	e.work <- struct{}{} // nobody else has it
	if err := s.insert(e); err != nil {
		return Status{}, err
	}
	next.hide = next.private
	err = s.begin(e, next, nil, "source_started")
	if err != nil && r.Insist && !asked(err) {
		err = s.insist(e, next, err)
	}
	if err != nil {
		s.drop(e)
		return Status{}, err
	}
	return s.done(e)
}

// Check says what Start would refuse of what it is asked for, as far as that can be told without starting anything.
func (s *Supervisor) Check(name string, r Start) error {
	_, err := s.read(name, r)
	return err
}

// Try is Check and asks the kind besides, which may look at files and devices. Nothing is started.
func (s *Supervisor) Try(name string, r Start) error {
	next, err := s.read(name, r)
	if len(next.params) == 0 {
		return err
	}
	_, refused := next.kind.New(name, next.params)
	return together(err, refused)
}

// read says what a Start comes to.
func (s *Supervisor) read(name string, r Start) (next change, err error) {
	if !s.opts.Registry.ValidName(name) {
		return change{}, stream.ErrName
	}
	if next.kind, err = s.kind(r.Source); err != nil {
		return change{}, err
	}
	next.private = next.kind.Private
	if r.Private != nil {
		next.private = *r.Private
	}
	var wrong error
	next.params, err = next.kind.params.Patch(nil, r.Params)
	next.policy, wrong = next.kind.policy().changed(&r.OnDemand, r.StopAfter, r.Restart)
	return next, together(err, wrong)
}

// together is one error of two, nil where both are.
func together(first, second error) error {
	a, isA := errors.AsType[*ParamError](first)
	b, isB := errors.AsType[*ParamError](second)
	switch {
	case isA && isB:
		return &ParamError{Problems: slices.Concat(a.Problems, b.Problems)}
	case first != nil:
		return first
	default:
		return second
	}
}

// asked says that the error is about what was asked for, which no time heals.
func asked(err error) bool {
	_, wrong := errors.AsType[*ParamError](err)
	return wrong || errors.Is(err, ErrClosed) || errors.Is(err, stream.ErrName)
}

// Change changes a source: while it runs if it can take that, else by a new one that takes the stream over, so that viewers
// stay. A source that waits, also where it tries again by itself, failed or has ended starts anew, unless only its privacy is
// changed, or how it is started again and stopped. When Change fails all is as it was; see Start for the errors, besides which there is ErrNotSupervised.
func (s *Supervisor) Change(name string, c Change) (Status, error) {
	leave, err := s.enter()
	if err != nil {
		return Status{}, err
	}
	defer leave()
	e, err := s.acquire(context.Background(), name)
	if err != nil {
		return Status{}, err
	}
	next, err := s.plan(e, c)
	if err != nil {
		e.release()
		return Status{}, err
	}
	s.mu.Lock()
	before := e.private
	e.private = before || next.private // before anything private is fed
	s.mu.Unlock()
	err = s.apply(e, next)
	s.mu.Lock()
	e.private = before
	if err == nil {
		e.private, e.policy = next.private, next.policy
	}
	shown := before && !e.private
	s.mu.Unlock()
	if shown {
		s.opts.Show(e.stream)
	}
	if err != nil {
		e.release()
		return Status{}, err
	}
	return s.done(e)
}

// A change is what Change comes to.
type change struct {
	kind    *checkedKind
	params  []byte
	private bool
	hide    bool // the stream becomes private: whoever may not see it has to go, once nothing can fail
	policy  policy
	keep    bool // the source goes on: it is not asked for another
	live    bool // the source may take the parameters while it runs
}

// plan says what a Change comes to, without doing it.
func (s *Supervisor) plan(e *entry, c Change) (next change, err error) {
	s.mu.Lock()
	base := e.params
	next = change{kind: e.kind, private: e.private}
	live, before, public, source := e.state == StateLive, e.policy, !e.private, e.source
	s.mu.Unlock()
	live = live && !hesitates(source)
	if next.policy, err = before.changed(c.OnDemand, c.StopAfter, c.Restart); err != nil {
		return change{}, err
	}
	same := c.Source == nil || *c.Source == next.kind.Name
	if !same {
		if next.kind, err = s.kind(*c.Source); err != nil {
			return change{}, err
		}
		base, next.private = nil, next.private || next.kind.Private
	}
	if c.Private != nil {
		next.private = *c.Private
	}
	if next.params, err = next.kind.params.Patch(base, c.Params); err != nil {
		return change{}, err
	}
	demand := next.policy.onDemand == before.onDemand
	next.keep = demand && (c.Source == nil && c.Params == nil || same && live && slices.Equal(next.params, base))
	next.hide = public && next.private
	next.live = demand && same && live && !next.hide // it could fail, or feed what is private before they are gone
	return next, nil
}

// apply lets the entry's source take its new parameters, or puts another in its place.
func (s *Supervisor) apply(e *entry, next change) error {
	if next.keep {
		if next.hide {
			s.opts.Hide(e.stream)
		}
		s.event(e, "source_changed")
		return nil
	}
	s.mu.Lock()
	source, t := e.source, e.task
	s.mu.Unlock()
	if c, ok := source.(Changer); ok && next.live {
		done, err := c.Change(slices.Clone(next.params))
		if err != nil {
			return next.kind.veiled(fmt.Errorf("change the source: %w", err), next.params)
		}
		if done {
			s.mu.Lock()
			e.params = next.params
			s.mu.Unlock()
			s.event(e, "source_changed")
			return nil
		}
	}
	return s.begin(e, next, t, "source_changed")
}

// begin makes a source, gives it the stream, and runs it when the one that old runs, if any, has ended. The event is told
// before the source can end.
func (s *Supervisor) begin(e *entry, next change, old *task, event string) error {
	source, p, err := s.open(e.stream, next.kind, next.params)
	if err != nil {
		return err
	}
	if next.hide {
		s.opts.Hide(e.stream)
	}
	if old != nil {
		old.cancel() // its publication is over
		<-old.done
	}
	if next.policy.onDemand && event == "source_started" {
		event = "source_idle"
	}
	if err := s.launch(e, next, source, p, func() { s.event(e, event) }); err != nil {
		p.Close("shutdown")
		return err
	}
	return nil
}

// launch runs a source, once it was told of, in a goroutine of its own. The caller is in running, so that Run does not miss
// it.
func (s *Supervisor) launch(e *entry, next change, source Source, p *stream.Publication, tell func()) error {
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		cancel()
		return ErrClosed
	}
	e.kind, e.params, e.source, e.task, e.restarts, e.policy = next.kind, next.params, source, t, 0, next.policy
	if next.policy.onDemand {
		e.setLocked(StateIdle, reasonUnwatched)
	} else {
		e.setLocked(StateLive, "")
	}
	s.mu.Unlock()
	tell()
	s.running.Go(func() { s.supervise(ctx, e, t, source, p, nil) })
	return nil
}

// insist is launch for a source that could not be made.
func (s *Supervisor) insist(e *entry, next change, cause error) error {
	if next.hide {
		s.opts.Hide(e.stream)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t := &task{cancel: cancel, done: make(chan struct{})}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		cancel()
		return ErrClosed
	}
	e.task = t
	s.mu.Unlock()
	s.running.Go(func() { s.supervise(ctx, e, t, nil, nil, cause) })
	return nil
}

// open makes a source and publishes what it has.
func (s *Supervisor) open(name string, k *checkedKind, params []byte) (Source, *stream.Publication, error) {
	source, err := k.New(name, slices.Clone(params))
	if err != nil {
		return nil, nil, k.veiled(fmt.Errorf("make the source: %w", err), params)
	}
	a, ok := source.(Alternator)
	p, err := s.opts.Registry.PublishWith(name, stream.PublishOptions{
		By: publishedBy, Specs: source.Specs(), Alternatives: ok && a.Alternatives(),
	})
	if err != nil {
		return nil, nil, err
	}
	return source, p, nil
}

// Stop ends a stream's source and waits until nothing of it runs and the stream is no longer live. When ctx ends before, it
// ends all the same, some time later.
func (s *Supervisor) Stop(ctx context.Context, name string) error {
	e, err := s.acquire(ctx, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	t := e.task
	e.stopping = true
	s.mu.Unlock()
	if t == nil {
		s.remove(e, "stopped")
		return nil
	}
	t.cancel()
	select { // the token is never given back: the goroutine removes the entry
	case <-e.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enter keeps Run from returning until leave is called.
func (s *Supervisor) enter() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.running.Add(1)
	return s.running.Done, nil
}
