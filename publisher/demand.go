package publisher

import (
	"context"
	"errors"
	"sync"
	"time"

	"weir/stream"
)

// reasonUnwatched is why a source on demand is idle.
const reasonUnwatched = "unwatched"

// errUnwatched is how a run ends that nobody watches any more.
var errUnwatched = errors.New("nobody watches")

// perform runs the source until it ends. On demand it first waits until the stream is watched, and ends the run some time
// after it no longer is: errUnwatched. It says for how long the source has run.
func (s *Supervisor) perform(ctx context.Context, e *entry, source Source, p *stream.Publication) (lived time.Duration, err error) {
	if !s.policyOf(e).onDemand {
		s.begun(e)
		began := time.Now()
		err = s.play(ctx, e, source, p)
		return time.Since(began), err
	}
	demand := p.Stream().Demand()
	if !await(ctx, p, demand) || !s.wake(ctx, e) {
		return 0, nil // ctx is done
	}
	began := time.Now()
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	var watching sync.WaitGroup
	left := false
	watching.Go(func() {
		if left = s.watch(own, e, demand); left {
			cancel()
		}
	})
	err = s.play(own, e, source, p)
	cancel()
	watching.Wait()
	if left && err == nil {
		err = errUnwatched
	}
	return time.Since(began), err
}

// await waits until the stream is watched, or the publication has ended, which the source then says; false: ctx is done.
func await(ctx context.Context, p *stream.Publication, demand <-chan bool) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-p.Done():
			return true
		case on := <-demand:
			if on {
				return true
			}
		}
	}
}

// watch returns true when the stream has not been watched for the time after which the source stops, false when ctx is
// done.
func (s *Supervisor) watch(ctx context.Context, e *entry, demand <-chan bool) bool {
	var gone <-chan time.Time // nil: somebody watches
	for {
		select {
		case <-ctx.Done():
			return false
		case <-gone:
			return true
		case on := <-demand:
			gone = nil
			if !on {
				timer := time.NewTimer(s.policyOf(e).stopAfter)
				defer timer.Stop()
				gone = timer.C
			}
		}
	}
}

// wake says that a source on demand begins; false: the goroutine is to end.
func (s *Supervisor) wake(ctx context.Context, e *entry) bool {
	if !e.own(ctx) {
		return false
	}
	defer e.release()
	s.mu.Lock()
	e.setLocked(StateLive, "")
	s.mu.Unlock()
	s.begun(e)
	s.event(e, "source_started")
	return true
}

// begun counts a run.
func (s *Supervisor) begun(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.runs++
}

// rest puts another source like it, which waits to be watched, in the place of one that ran. The stream stays.
func (s *Supervisor) rest(ctx context.Context, e *entry) (Source, *stream.Publication, error) {
	if !e.own(ctx) {
		return nil, nil, ctx.Err()
	}
	defer e.release()
	s.mu.Lock()
	k, params := e.kind, e.params
	s.mu.Unlock()
	source, p, err := s.open(e.stream, k, params)
	if err != nil {
		return nil, nil, err
	}
	s.mu.Lock()
	e.source = source
	e.setLocked(StateIdle, reasonUnwatched)
	s.mu.Unlock()
	s.event(e, "source_idle")
	return source, p, nil
}
