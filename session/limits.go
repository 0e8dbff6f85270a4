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
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		addr = netip.PrefixFrom(addr, 64).Masked().Addr()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions >= l.total {
		return nil, refuseServerFull()
	}
	p := &place{limits: l, addr: addr, counted: addr.IsValid() && !addr.IsLoopback(), connecting: true}
	if p.counted {
		c := l.addresses[addr]
		switch {
		case c == nil:
			c = &addressCount{}
			l.addresses[addr] = c
		case c.sessions >= l.perAddress:
			return nil, refuseTooMany()
		case c.connecting >= l.connecting:
			return nil, refuseTooManyConnecting()
		}
		c.sessions++
		c.connecting++
	}
	l.sessions++
	return p, nil
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
