package publisher

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"weir/stream"
)

// A task is the goroutine that runs an entry's source.
type task struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine touches neither source nor publication any more
}

// longLife is after which time earlier failures no longer count.
const longLife = 30 * time.Second

// supervise runs a source, and others like it when it fails or, on demand, is watched again, until the media end, it has
// failed too often, or ctx is done. A nil source could not be made, for the reason err.
func (s *Supervisor) supervise(ctx context.Context, e *entry, t *task, source Source, p *stream.Publication, err error) {
	defer s.leave(e, t)
	defer close(t.done)
	defer t.cancel()
	failures, reason := 0, failureToMake
	for {
		if source == nil {
			if source, p = s.revive(ctx, e, &failures, err, reason); source == nil {
				return
			}
		}
		var lived time.Duration
		lived, err = s.perform(ctx, e, source, p)
		s.tally(e, source)
		if ctx.Err() == nil && errors.Is(err, errUnwatched) {
			next, published, again := s.rest(ctx, e)
			if again == nil {
				source, p = next, published
				continue
			}
			err, reason = again, failureToMake
		} else {
			reason = failureOfSource
		}
		switch {
		case ctx.Err() != nil:
			p.Close(s.ending(e))
			return
		case err == nil:
			p.Close("ended")
			s.settle(ctx, e, StateIdle, "ended")
			return
		case errors.Is(err, ErrPublicationEnded):
			err = endedError{p.Reason()}
		}
		p.Close("failed")
		if lived >= longLife {
			failures = 0
		}
		source = nil
	}
}

// An endedError is ErrPublicationEnded with the reason of the end.
type endedError struct{ reason string }

func (e endedError) Error() string { return "publication has ended: " + e.reason }

func (endedError) Unwrap() error { return ErrPublicationEnded }

// revive makes the source anew, after a time that grows with the failures in a row; nil: the goroutine is to end.
func (s *Supervisor) revive(ctx context.Context, e *entry, failures *int, err error, reason string) (Source, *stream.Publication) {
	for {
		how, mine := s.failed(ctx, e, reasonOf(err, reason))
		if !mine {
			return nil, nil
		}
		*failures++
		err = s.veiled(e, err)
		if *failures > how.Attempts {
			s.settle(ctx, e, StateFailed, err.Error())
			return nil, nil
		}
		if !s.wait(ctx, e, how.after(*failures), err) {
			return nil, nil
		}
		source, p, again := s.restart(ctx, e)
		if again == nil {
			return source, p
		}
		if err, reason = again, failureToMake; errors.Is(again, stream.ErrPublished) {
			reason = failureToPublish
		}
	}
}

// failed counts a failure, and says how the source is started again; false: the goroutine is to end.
func (s *Supervisor) failed(ctx context.Context, e *entry, reason string) (Restart, bool) {
	if !e.own(ctx) {
		return Restart{}, false
	}
	defer e.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := e.failures[reason]; !known && len(e.failures) >= mostReasons {
		reason = failureOther
	}
	e.failures[reason]++
	return e.policy.restart, true
}

func (s *Supervisor) policyOf(e *entry) policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.policy
}

// veiled hides what is secret among the parameters of the entry's source.
func (s *Supervisor) veiled(e *entry, err error) error {
	s.mu.Lock()
	k, params := e.kind, e.params
	s.mu.Unlock()
	return k.veiled(err, params)
}

// tally logs what became of a source's pictures and sounds.
func (s *Supervisor) tally(e *entry, source Source) {
	c, ok := source.(Counter)
	if !ok {
		return
	}
	for _, r := range c.Stats() {
		s.opts.Logger.Info("source ended", "stream", e.stream, "codec", r.Spec.Format.Name, "packets", r.Packets, "bytes", r.Bytes)
		if r.Skipped > 0 {
			s.opts.Logger.Warn("the machine was too slow for the source", "stream", e.stream, "codec", r.Spec.Format.Name,
				"reason", "skipped", "count", r.Skipped)
		}
	}
}

// ending is why the goroutine of an entry was told to end.
func (s *Supervisor) ending(e *entry) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.stopping:
		return "stopped"
	case s.closed:
		return "shutdown"
	default:
		return "changed"
	}
}

// leave is the last that the goroutine does: it removes the entry if that was to stop.
func (s *Supervisor) leave(e *entry, t *task) {
	s.mu.Lock()
	stopped := e.stopping && e.task == t
	s.mu.Unlock()
	if stopped {
		s.remove(e, "stopped")
	}
}

// own takes the entry's token as its goroutine, unless that is to end.
func (e *entry) own(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case e.work <- struct{}{}:
		return true
	}
}

// settle ends the entry's goroutine in a state that lasts.
func (s *Supervisor) settle(ctx context.Context, e *entry, state State, reason string) {
	if !e.own(ctx) {
		return
	}
	defer e.release()
	s.mu.Lock()
	e.setLocked(state, reason)
	e.task = nil
	s.mu.Unlock()
	if state == StateFailed {
		s.opts.Logger.Error("source failed", "stream", e.stream, "source", s.kindOf(e), "reason", reason)
		s.event(e, "source_failed", slog.String("reason", reason), slog.String("level", "warning"))
		return
	}
	s.event(e, "source_stopped", slog.String("reason", reason))
}

// wait is the time between two attempts; false: the goroutine is to end.
func (s *Supervisor) wait(ctx context.Context, e *entry, d time.Duration, err error) bool {
	if !e.own(ctx) {
		return false
	}
	s.mu.Lock()
	e.setLocked(StateWaiting, err.Error())
	e.nextTry = e.since.Add(d)
	s.mu.Unlock()
	e.release()
	s.opts.Logger.Warn("source is started again", "stream", e.stream, "source", s.kindOf(e), "reason", err, "duration", d)
	s.event(e, "source_waiting", slog.String("reason", err.Error()), slog.String("level", "warning"), slog.Duration("duration", d))
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// restart makes the entry's source anew.
func (s *Supervisor) restart(ctx context.Context, e *entry) (Source, *stream.Publication, error) {
	if !e.own(ctx) {
		return nil, nil, ctx.Err()
	}
	defer e.release()
	s.mu.Lock()
	k, params := e.kind, e.params
	e.setLocked(StateStarting, e.reason)
	e.restarts++
	s.mu.Unlock()
	source, p, err := s.open(e.stream, k, params)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	e.source = source
	if e.policy.onDemand { // it begins when somebody watches
		e.setLocked(StateIdle, reasonUnwatched)
		s.mu.Unlock()
		s.event(e, "source_idle")
		return source, p, nil
	}
	e.setLocked(StateLive, "")
	s.mu.Unlock()
	s.event(e, "source_started")
	return source, p, nil
}
