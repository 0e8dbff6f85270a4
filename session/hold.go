package session

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// hold lets a refused request wait, and tries again whenever the channel that
// await returns says that it may be worth it. The refusal stands where there is
// no room to wait in, and when the time is up. A client that goes away, and the
// Manager's end, end the wait.
func (m *Manager) hold(ctx context.Context, r Request, refused error, await func(Request) (ready <-chan struct{}, leave func()),
	try func(context.Context, Request) (*Session, string, error),
) (*Session, string, error) {
	vacate, ok := m.room.enter(r.Remote.Addr())
	if !ok {
		return nil, "", refused
	}
	defer vacate()
	up := time.NewTimer(m.options.HoldTime)
	defer up.Stop()
	code := refusalCode(refused)
	for {
		ready, leave := await(r)
		err := refused
		select {
		case <-ready:
			err = nil
		case <-up.C:
		case <-m.closing:
			err = refuseDraining()
		case <-ctx.Done():
			err = ctx.Err()
		}
		leave()
		if err != nil {
			return nil, "", err
		}
		if s, answer, err := try(ctx, r); refusalCode(err) != code {
			return s, answer, err
		}
	}
}

// Held is how many requests wait at this moment.
func (m *Manager) Held() int {
	m.room.mu.Lock()
	defer m.room.mu.Unlock()
	return m.room.held
}

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

// A room bounds the requests that are held, in all and by remote address as
// sessions are. Its methods may be called from any goroutine.
type room struct {
	// static after newRoom
	total, perAddress int

	mu sync.Mutex
	// guarded by mu
	held      int
	addresses map[netip.Addr]int
}

func newRoom(total, perAddress int) *room {
	return &room{total: total, perAddress: perAddress, addresses: map[netip.Addr]int{}}
}

// enter takes a place, which leave gives back, if there is one.
func (r *room) enter(addr netip.Addr) (leave func(), ok bool) {
	addr, counted := accountOf(addr)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held >= r.total || counted && r.addresses[addr] >= r.perAddress {
		return nil, false
	}
	r.held++
	if counted {
		r.addresses[addr]++
	}
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.held--
		if !counted {
			return
		}
		if r.addresses[addr]--; r.addresses[addr] == 0 {
			delete(r.addresses, addr)
		}
	}, true
}
