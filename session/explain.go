package session

import (
	"fmt"

	"weir/session/negotiate"
)

// Explain says what Egress would make of a request at this moment: a plan, or
// the refusal. It makes nothing, changes nothing and counts against no limit; of
// a policy by which the request would wait, or see a slate, it knows nothing.
// Only what the WebRTC stack itself would refuse (offer_not_usable) it cannot
// foresee.
func (m *Manager) Explain(r Request) (*negotiate.Plan, error) {
	return m.explain(r, func() (*negotiate.Plan, error) {
		st := m.visible(r)
		if st == nil {
			return nil, refuseNotLive()
		}
		tracks := st.Offered()
		if len(tracks) == 0 {
			return nil, refuseNotLive()
		}
		if err := m.limits.Check(r.Remote.Addr()); err != nil {
			return nil, err
		}
		return negotiate.Egress(r.Offer, specsOf(tracks))
	})
}

// ExplainIngest is Explain for Ingest. That somebody else publishes the stream
// it foresees as far as that is a publisher with a session.
func (m *Manager) ExplainIngest(r Request) (*negotiate.Plan, error) {
	return m.explain(r, func() (*negotiate.Plan, error) {
		if err := m.checkFree(r); err != nil {
			return nil, err
		}
		if err := m.limits.Check(r.Remote.Addr()); err != nil {
			return nil, err
		}
		return negotiate.Ingest(r.Offer)
	})
}

func (m *Manager) explain(r Request, decide func() (*negotiate.Plan, error)) (plan *negotiate.Plan, err error) {
	if !m.options.Registry.ValidName(r.Stream) {
		return nil, refuseNoSuchStream()
	}
	if !m.serving() {
		return nil, refuseDraining()
	}
	defer func() {
		if p := recover(); p != nil {
			m.options.Logger.Error("offer made the parser panic", "stream", r.Stream, "err", fmt.Sprint(p))
			plan, err = nil, refuseOffer()
		}
	}()
	if plan, err = decide(); err != nil {
		return nil, err
	}
	if !m.peers.Conn(r.Local.Addr(), r.local()).Reachable() {
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
