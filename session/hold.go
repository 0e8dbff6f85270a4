package session

import (
	"context"
	"time"
)

// hold lets a refused request wait, and tries again whenever the channel that
// await returns says that it may be worth it. The refusal stands where there is
// no room to wait in, and when the time is up. A client that goes away, and the
// Manager's end, end the wait.
func (m *Manager) hold(ctx context.Context, r Request, refused error, await func(Request) (ready <-chan struct{}, leave func()),
	try func(context.Context, Request) (*Session, string, error),
) (*Session, string, error) {
	vacate, ok := m.room.Enter(r.Remote.Addr())
	if !ok {
		return nil, "", refused
	}
	defer vacate()
	up := time.NewTimer(m.options.HoldTime)
	defer up.Stop()
	code := refusalCode(refused)
	for {
		ready, leave := await(r)
		err := m.wait(ctx, ready, up.C, refused)
		leave()
		if err != nil {
			return nil, "", err
		}
		if s, answer, err := try(ctx, r); refusalCode(err) != code {
			return s, answer, err
		}
	}
}

// wait returns nil when ready closes, refused when the time is up, and else why
// there is nothing to wait for any more.
func (m *Manager) wait(ctx context.Context, ready <-chan struct{}, up <-chan time.Time, refused error) error {
	select {
	case <-ready:
		return nil
	case <-up:
		return refused
	case <-m.closing:
		return refuseDraining()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Await waits until the stream is live, as far as who asks may know, for d or
// HoldTime at most. There is room for as many as for requests that are held,
// beside those; where there is none it does not wait. It returns early when ctx or the Manager ends.
func (m *Manager) Await(ctx context.Context, r Request, d time.Duration) {
	vacate, ok := m.lookers.Enter(r.Remote.Addr())
	if !ok {
		return
	}
	defer vacate()
	up := time.NewTimer(min(d, m.options.HoldTime))
	defer up.Stop()
	for {
		ready, leave := m.awaitLive(r)
		err := m.wait(ctx, ready, up.C, refuseNotLive())
		leave()
		if err != nil || !r.hidden() {
			return
		}
	}
}

// Held is how many requests wait at this moment.
func (m *Manager) Held() int { return m.room.Held() }

// awaitLive is for a player: somebody publishes the stream. Who may not know of
// it waits for the end.
func (m *Manager) awaitLive(r Request) (ready <-chan struct{}, leave func()) {
	if r.hidden() {
		return nil, func() {}
	}
	return m.options.Registry.Await(r.Stream)
}

// awaitFree is for a publisher: nobody publishes the stream any more.
func (m *Manager) awaitFree(r Request) (ready <-chan struct{}, leave func()) {
	if p := m.publication(r.Stream); p != nil {
		return p.Done(), func() {}
	}
	free := make(chan struct{})
	close(free)
	return free, func() {}
}
