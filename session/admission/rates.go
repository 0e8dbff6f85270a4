package admission

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostRates is how many addresses are remembered. Who is forgotten for the sake of
// others begins anew, which takes as many addresses as that.
const mostRates = 10_000

// Rates bounds how fast requests come from one remote address: a token bucket for
// each. Addresses count as sessions' do. Its methods may be called from any
// goroutine.
type Rates struct {
	// static after NewRates
	limit rate.Limit
	burst int // requests
	most  int // addresses

	mu sync.Mutex
	// guarded by mu
	addresses map[netip.Addr]*list.Element
	recent    *list.List // of *pace, the one asked for last in front
}

// pace is one address's bucket.
type pace struct {
	addr   netip.Addr
	bucket *rate.Limiter
}

// NewRates makes Rates for so many requests a second from one address in the long
// run, and so many at once.
func NewRates(perSecond, burst int) *Rates {
	return &Rates{
		limit: rate.Limit(perSecond), burst: burst, most: mostRates,
		addresses: map[netip.Addr]*list.Element{}, recent: list.New(),
	}
}

// Take counts one request from addr, or says with a *wish.Refusal that it comes too
// soon; then it is not counted.
func (r *Rates) Take(addr netip.Addr) error {
	addr, counted := Account(addr)
	if !counted {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	request := r.bucketLocked(addr).ReserveN(now, 1)
	if wait := request.DelayFrom(now); wait > 0 {
		request.CancelAt(now)
		return refuseTooFast(wait)
	}
	return nil
}

// bucketLocked is the address's, a new one where it is not remembered.
func (r *Rates) bucketLocked(addr netip.Addr) *rate.Limiter {
	if known, ok := r.addresses[addr]; ok {
		r.recent.MoveToFront(known)
		return known.Value.(*pace).bucket //nolint:errcheck,forcetypeassert // nothing else is in the list
	}
	if r.recent.Len() >= r.most {
		oldest := r.recent.Back()
		delete(r.addresses, r.recent.Remove(oldest).(*pace).addr) //nolint:errcheck,forcetypeassert // as above
	}
	p := &pace{addr: addr, bucket: rate.NewLimiter(r.limit, r.burst)}
	r.addresses[addr] = r.recent.PushFront(p)
	return p.bucket
}
