package admission

import (
	"net/netip"
	"sync"
)

// Limits bounds the sessions that there are at once, in all and by remote
// address. Its methods may be called from any goroutine.
type Limits struct {
	// static after NewLimits
	total, perAddress, connecting int

	mu sync.Mutex
	// guarded by mu
	sessions  int
	addresses map[netip.Addr]*addressCount
}

type addressCount struct{ sessions, connecting int }

// NewLimits makes Limits for so many sessions in all, so many from one address,
// and so many of these that are not connected yet.
func NewLimits(total, perAddress, connecting int) *Limits {
	return &Limits{total: total, perAddress: perAddress, connecting: connecting, addresses: map[netip.Addr]*addressCount{}}
}

// Reserve takes a Place for one more session from addr, or says with a
// *wish.Refusal why there is none.
func (l *Limits) Reserve(addr netip.Addr) (*Place, error) {
	addr, counted := Account(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.checkLocked(addr, counted); err != nil {
		return nil, err
	}
	p := &Place{limits: l, addr: addr, counted: counted, connecting: true}
	if p.counted {
		c := l.addresses[addr]
		if c == nil {
			c = &addressCount{}
			l.addresses[addr] = c
		}
		c.sessions++
		c.connecting++
	}
	l.sessions++
	return p, nil
}

// Check says what Reserve would say at this moment.
func (l *Limits) Check(addr netip.Addr) error {
	addr, counted := Account(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkLocked(addr, counted)
}

func (l *Limits) checkLocked(addr netip.Addr, counted bool) error {
	if l.sessions >= l.total {
		return refuseServerFull()
	}
	c := l.addresses[addr]
	switch {
	case !counted || c == nil:
		return nil
	case c.sessions >= l.perAddress:
		return refuseTooMany()
	case c.connecting >= l.connecting:
		return refuseTooManyConnecting()
	default:
		return nil
	}
}

// Places is how many are taken at this moment.
func (l *Limits) Places() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sessions
}

// Account is the address that a session or a request from addr counts against.
// An IPv6 address counts as its /64: whoever has one has them all. Loopback
// addresses, and none at all, share only the limit in all: they are not counted.
func Account(addr netip.Addr) (account netip.Addr, counted bool) {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr, addr.IsValid() && !addr.IsLoopback()
}

// Place is one session's share of the Limits. Its methods may be called from any
// goroutine.
type Place struct {
	// static after Reserve
	limits  *Limits
	addr    netip.Addr
	counted bool // against its address

	// guarded by limits.mu
	connecting, released bool
}

// Connected says that the session has left the ones not yet connected. It is
// idempotent, and without effect after Release.
func (p *Place) Connected() {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	p.connectedLocked()
}

func (p *Place) connectedLocked() {
	if !p.connecting || p.released {
		return
	}
	p.connecting = false
	if p.counted {
		p.limits.addresses[p.addr].connecting--
	}
}

// Release gives the place back. It is idempotent.
func (p *Place) Release() {
	l := p.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.released {
		return
	}
	p.connectedLocked()
	p.released = true
	l.sessions--
	if !p.counted {
		return
	}
	c := l.addresses[p.addr]
	if c.sessions--; c.sessions == 0 {
		delete(l.addresses, p.addr)
	}
}
