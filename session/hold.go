package session

import (
	"context"
	"time"
)

// hold lets a refused request wait, and tries again whenever the channel that
// await returns says that it may be worth it, at each Recheck, and for the last
// time when the time is up. The refusal stands where there is no room to wait in.
// A client that goes away or is barred, and the Manager's end, end the wait.
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
	for {
		again := m.rechecked() // before the questions: what changes behind them wakes
		if reason := barred(r.Barred); reason != "" {
			return nil, "", refuseBarred(reason)
		}
		ready, leave := await(r)
		last, err := m.wait(ctx, ready, again, up.C)
		leave()
		if err != nil {
			return nil, "", err
		}
		s, answer, err := try(ctx, r)
		if last || refusalCode(err) != refusalCode(refused) {
			return s, answer, err
		}
	}
}

// wait returns when it is worth another look: when ready or again closes, or for
// the last time when the time is up. Its error says why there is nothing to wait
// for any more.
func (m *Manager) wait(ctx context.Context, ready, again <-chan struct{}, up <-chan time.Time) (last bool, err error) {
	select {
	case <-ready:
		return false, nil
	case <-again:
		return false, nil
	case <-up:
		return true, nil
	case <-m.closing:
		return false, refuseDraining()
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// Recheck looks once more who may stay and who may come, when what Request's
// Barred or Hidden answer may have changed: sessions whose caller is barred end,
// and requests that are held try again. It does not wait for the ends.
func (m *Manager) Recheck() {
	m.mu.Lock()
	close(m.recheck)
	m.recheck = make(chan struct{})
	m.mu.Unlock()
	for _, s := range m.Sessions() {
		if reason := barred(s.barred); reason != "" {
			s.end(reason)
		}
	}
}

// rechecked is closed by the next Recheck.
func (m *Manager) rechecked() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.recheck
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
		again := m.rechecked()
		ready, leave := m.awaitLive(r)
		last, err := m.wait(ctx, ready, again, up.C)
		leave()
		if last || err != nil || !r.hidden() && m.live(r.Stream) {
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
