package publisher

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"weir/stream"
)

// How a source that fails is started again.
const (
	firstBackoff = time.Second
	mostBackoff  = 30 * time.Second
	longLife     = 30 * time.Second // after which earlier failures no longer count
	mostFailures = 5                // in a row
)

// A task is the goroutine that runs an entry's source.
type task struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine touches neither source nor publication any more
}

// supervise runs a source, and others like it when it fails, until the media end, it has failed too often, or ctx is done.
func (s *Supervisor) supervise(ctx context.Context, e *entry, t *task, source Source, p *stream.Publication) {
	defer s.leave(e, t)
	defer close(t.done)
	defer t.cancel()
	for failures := 0; ; {
		began := time.Now()
		err := s.veiled(e, source.Run(ctx, p))
		s.tally(e, source)
		if ctx.Err() != nil {
			p.Close(s.ending(e))
			return
		}
		if errors.Is(err, ErrPublicationEnded) {
			err = errors.New("publication has ended: " + p.Reason())
		}
		p.Close(closing(err))
		if time.Since(began) >= longLife {
			failures = 0
		}
		if err == nil {
			s.settle(ctx, e, StateIdle, "ended")
			return
		}
		for { // until there is another one
			failures++
			if failures >= mostFailures {
				s.settle(ctx, e, StateFailed, err.Error())
				return
			}
			if !s.wait(ctx, e, backoff(failures), err) {
				return
			}
			if source, p, err = s.restart(ctx, e); err == nil {
				break
			}
			if ctx.Err() != nil {
				return
			}
		}
	}
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

// closing is the reason with which a publication ends whose source has ended.
func closing(err error) string {
	if err != nil {
		return "failed"
	}
	return "ended"
}

// backoff is how long to wait after so many failures in a row.
func backoff(failures int) time.Duration {
	return min(firstBackoff<<(failures-1), mostBackoff)
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
	e.setLocked(StateLive, "")
	s.mu.Unlock()
	s.event(e, "source_started")
	return source, p, nil
}
