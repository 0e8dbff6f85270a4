package admission

import (
	"net/netip"
	"sync"
)

// A Room bounds the requests that wait at once, in all and by remote address as
// sessions are. Its methods may be called from any goroutine.
type Room struct {
	// static after NewRoom
	total, perAddress int

	mu sync.Mutex
	// guarded by mu
	held      int
	addresses map[netip.Addr]int
}

// NewRoom makes one for so many requests in all, and so many from one address.
func NewRoom(total, perAddress int) *Room {
	return &Room{total: total, perAddress: perAddress, addresses: map[netip.Addr]int{}}
}

// Enter takes a place, if there is one. Then leave gives it back; it is to be
// called once.
func (r *Room) Enter(addr netip.Addr) (leave func(), ok bool) {
	addr, counted := Account(addr)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.freeLocked(addr, counted) {
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

// Free says whether Enter would find a place at this moment.
func (r *Room) Free(addr netip.Addr) bool {
	addr, counted := Account(addr)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.freeLocked(addr, counted)
}

func (r *Room) freeLocked(addr netip.Addr, counted bool) bool {
	return r.held < r.total && (!counted || r.addresses[addr] < r.perAddress)
}

// Held is how many requests wait at this moment.
func (r *Room) Held() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}
