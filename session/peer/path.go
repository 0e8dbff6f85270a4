package peer

import (
	"sync"
	"sync/atomic"
)

// path says whether there is a selected candidate pair. Where there is none pion's
// writer waits for the ICE agent, once for each packet, and whoever writes has
// other sessions to serve.
type path struct {
	open atomic.Bool

	mu sync.Mutex
	// guarded by mu
	restarting bool // the pair of before does not count any more
}

// restart closes the path until settled is called and a new pair was selected.
func (p *path) restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarting = true
	p.open.Store(false)
}

// settled ends what restart began: pion has dropped the pair of before.
func (p *path) settled(selected func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.restarting = false
	p.open.Store(selected())
}

// look takes note of a pair that was selected. What pion's callback says may be out
// of date, and it must not ask; selected says what is.
func (p *path) look(selected func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.restarting {
		p.open.Store(selected())
	}
}
