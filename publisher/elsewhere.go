package publisher

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"weir/stream"
)

// followEvery is the time between two looks at a source whose media come from elsewhere.
const followEvery = 250 * time.Millisecond

// follow says of a source that runs what it says itself, where its media come from elsewhere.
func (st *Status) follow(source Source) {
	if st.State != StateLive {
		return
	}
	latest := func(at time.Time) {
		if at.After(st.Since) {
			st.Since = at
		}
	}
	if h, ok := source.(Hesitator); ok {
		reason, since := h.Trouble()
		latest(since)
		if reason != "" {
			st.State, st.Reason = StateWaiting, reason
			return
		}
	}
	if b, ok := source.(Beginner); ok {
		begun := b.Begun()
		latest(begun)
		if begun.IsZero() {
			st.State = StateStarting
		}
	}
}

// hesitates says whether a source waits by itself.
func hesitates(source Source) bool {
	st := Status{State: StateLive}
	st.follow(source)
	return st.State == StateWaiting
}

// play runs a source, and tells meanwhile what becomes of its media where they come from elsewhere.
func (s *Supervisor) play(ctx context.Context, e *entry, source Source, p *stream.Publication) error {
	told := Status{State: StateLive}
	_, hesitates := source.(Hesitator)
	_, begins := source.(Beginner)
	if begins {
		told.State = StateStarting
	} else if !hesitates {
		return source.Run(ctx, p)
	}
	own, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	following.Go(func() { s.tell(own, e, source, told) })
	defer following.Wait()
	defer cancel()
	return source.Run(ctx, p)
}

// tell tells when a source becomes live, and when and why it waits by itself, until ctx is done. It was told to be as told
// says.
func (s *Supervisor) tell(ctx context.Context, e *entry, source Source, told Status) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := Status{State: StateLive}
		now.follow(source)
		if now.State == told.State && now.Reason == told.Reason {
			continue
		}
		told = now
		switch now.State {
		case StateLive:
			s.event(e, "source_live")
		case StateWaiting:
			s.event(e, "source_waiting", slog.String("reason", now.Reason), slog.String("level", "warning"))
		case StateStarting, StateIdle, StateFailed: // nothing has become of it yet; the last two are not its own to say
		}
	}
}
