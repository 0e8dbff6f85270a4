package session

import (
	"fmt"

	"weir/session/negotiate"
	"weir/stream"
)

// Explain says what Egress would make of a request at this moment: a plan, or
// the refusal. Where the stream's policy would have the request wait for a
// publisher, held says so, and the refusal is what it would be told if none comes.
// It makes nothing, changes nothing and counts against no limit. Only what the
// WebRTC stack itself would refuse (offer_not_usable) it cannot foresee.
func (m *Manager) Explain(r Request) (plan *negotiate.Plan, held bool, err error) {
	var specs []stream.Spec
	return m.explain(r, func() (held bool, err error) {
		specs, held, err = m.played(r)
		return held, err
	}, func() (*negotiate.Plan, error) { return negotiate.Egress(r.Offer, specs) })
}

// ExplainIngest is Explain for Ingest: held says that the request would wait until
// the stream is free. That somebody else publishes the stream it foresees as far as
// that is a publisher with a session.
func (m *Manager) ExplainIngest(r Request) (plan *negotiate.Plan, held bool, err error) {
	return m.explain(r, func() (held bool, err error) {
		taken := m.checkFree(r)
		if taken == nil || m.options.Policy(r.Stream).TakeOver != TakeOverHold {
			return false, taken
		}
		return m.held(r, taken)
	}, func() (*negotiate.Plan, error) { return negotiate.Ingest(r.Offer) })
}

// played are the specs of what a player would see: of the stream, or of its slate.
// Else it would be held, or refused at once.
func (m *Manager) played(r Request) (specs []stream.Spec, held bool, err error) {
	if st := m.visible(r); st != nil {
		specs = specsOf(st.Offered())
	}
	if len(specs) > 0 {
		return specs, false, nil
	}
	switch m.options.Policy(r.Stream).Early {
	case EarlyHold:
		held, err = m.held(r, refuseNotLive())
		return nil, held, err
	case EarlySlate:
		if err := m.worthWhile(r); err != nil {
			return nil, false, err
		}
		specs, err = m.options.SlateSpecs(r.Stream, r.hidden())
	case EarlyRefuse:
	}
	if err != nil || len(specs) == 0 {
		return nil, false, refuseNotLive()
	}
	return specs, false, nil
}

// held says whether a request that is refused would wait, or what it is refused with
// at once.
func (m *Manager) held(r Request, refused error) (bool, error) {
	if err := m.worthWhile(r); err != nil {
		return false, err
	}
	return m.room.Free(r.Remote.Addr()), refused
}

// explain negotiates where check refuses nothing and there is a place.
func (m *Manager) explain(r Request, check func() (held bool, err error), decide func() (*negotiate.Plan, error),
) (plan *negotiate.Plan, held bool, err error) {
	if !m.options.Registry.ValidName(r.Stream) {
		return nil, false, refuseNoSuchStream()
	}
	if !m.serving() {
		return nil, false, refuseDraining()
	}
	defer func() {
		if p := recover(); p != nil {
			m.options.Logger.Error("offer made the parser panic", "stream", r.Stream, "err", fmt.Sprint(p))
			plan, held, err = nil, false, refuseOffer()
		}
	}()
	if held, err := check(); err != nil {
		return nil, held, err
	}
	if err := m.limits.Check(r.Remote.Addr()); err != nil {
		return nil, false, err
	}
	if plan, err = decide(); err != nil {
		return nil, false, err
	}
	if !m.peers.Conn(r.Local.Addr(), r.local()).Reachable() {
		return nil, false, refuseNoAddress()
	}
	return plan, false, nil
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
