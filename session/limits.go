package session

import (
	"net/netip"
	"sync"
)

// limits counts sessions, in all and by remote address. Its methods may be
// called from any goroutine.
type limits struct {
	// static after newLimits
	total, perAddress, connecting int

	mu sync.Mutex
	// guarded by mu
	sessions  int
	addresses map[netip.Addr]*addressCount
}

type addressCount struct{ sessions, connecting int }

func newLimits(total, perAddress, connecting int) *limits {
	return &limits{total: total, perAddress: perAddress, connecting: connecting, addresses: map[netip.Addr]*addressCount{}}
}

// reserve takes a place for one more session from addr, or says with a
// *wish.Refusal why there is none. Loopback addresses share only the limit on
// all sessions. An IPv6 address counts as its /64: whoever has one has them all.
func (l *limits) reserve(addr netip.Addr) (*place, error) {
	addr, counted := accountOf(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.checkLocked(addr, counted); err != nil {
		return nil, err
	}
	p := &place{limits: l, addr: addr, counted: counted, connecting: true}
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

// check says what reserve would say at this moment.
func (l *limits) check(addr netip.Addr) error {
	addr, counted := accountOf(addr)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.checkLocked(addr, counted)
}

func (l *limits) checkLocked(addr netip.Addr, counted bool) error {
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

// accountOf is the address that a session counts against, if any.
func accountOf(addr netip.Addr) (account netip.Addr, counted bool) {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	return addr, addr.IsValid() && !addr.IsLoopback()
}

// place is one session's share of the limits.
type place struct {
	// static after reserve
	limits  *limits
	addr    netip.Addr
	counted bool // against its address

	// guarded by limits.mu
	connecting, released bool
}

// connected says that the session has left the ones not yet connected.
func (p *place) connected() {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	p.connectedLocked()
}

func (p *place) connectedLocked() {
	if !p.connecting || p.released {
		return
	}
	p.connecting = false
	if p.counted {
		p.limits.addresses[p.addr].connecting--
	}
}

// release gives the place back. It is idempotent.
func (p *place) release() {
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
