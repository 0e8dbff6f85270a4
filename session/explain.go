package session

import "fmt"

// Explain says what Egress would make of a request at this moment: a plan, or
// the refusal. It makes nothing, changes nothing and counts against no limit.
// Only what the WebRTC stack itself would refuse (offer_not_usable) it cannot
// foresee.
func (m *Manager) Explain(r Request) (plan *Plan, err error) {
	if !m.options.Registry.ValidName(r.Stream) {
		return nil, refuseNoSuchStream()
	}
	if !m.serving() {
		return nil, refuseDraining()
	}
	tracks := m.liveTracks(r)
	if len(tracks) == 0 {
		return nil, refuseNotLive()
	}
	if err := m.limits.check(r.Remote.Addr()); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			m.options.Logger.Error("offer made the parser panic", "stream", r.Stream, "err", fmt.Sprint(p))
			plan, err = nil, refuseOffer()
		}
	}()
	if plan, err = Negotiate(r.Offer, specsOf(tracks)); err != nil {
		return nil, err
	}
	if len(newRoute(m.ports, r.Local.Addr(), r.local()).addresses()) == 0 {
		return nil, refuseNoAddress()
	}
	return plan, nil
}

// serving says whether sessions can begin: the sockets are open, and Run is not
// ending.
func (m *Manager) serving() bool {
	select {
	case <-m.ready:
	default:
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.draining
}
