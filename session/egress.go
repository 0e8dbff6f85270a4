package session

import (
	"context"
	"errors"
	"fmt"

	"weir/session/negotiate"
	"weir/stream"
)

// Egress answers a WHEP player's offer with a session and the SDP answer, which
// holds all candidates. The tracks of the stream are in demand from then on.
// Where nobody publishes the stream, its policy may have the call wait for
// somebody, or the player see a slate. What the player is to be told is a
// *wish.Refusal. When ctx ends before the answer is ready nothing remains of the
// session.
func (m *Manager) Egress(ctx context.Context, r Request) (*Session, string, error) {
	s, answer, err := m.egress(ctx, r)
	if refusalCode(err) != codeNotLive {
		return s, answer, err
	}
	early := m.options.Policy(r.Stream).Early
	if early == EarlyRefuse {
		return nil, "", err
	}
	if err := m.worthWhile(r); err != nil {
		return nil, "", err
	}
	if early == EarlyHold {
		return m.hold(ctx, r, err, m.awaitLive, m.egress)
	}
	return m.egressSlate(ctx, r)
}

// worthWhile refuses what would be refused in the end, before anything is made
// or kept for it.
func (m *Manager) worthWhile(r Request) error {
	if err := m.limits.Check(r.Remote.Addr()); err != nil {
		return err
	}
	return negotiate.WellFormed(r.Offer)
}

// egress is Egress where nobody waits.
func (m *Manager) egress(ctx context.Context, r Request) (*Session, string, error) {
	s, answer, err := m.egressFrom(ctx, r, func() *stream.Stream { return m.visible(r) }, (*stream.Stream).Offered)
	if err == nil && r.hidden() {
		s.Close(ReasonPrivate)
		return nil, "", refuseNotLive()
	}
	return s, answer, err
}

// egressSlate is Egress where a slate is played, or the publisher who is away is
// waited for. Who may not know of the stream gets one that goes on whatever becomes
// of the stream.
func (m *Manager) egressSlate(ctx context.Context, r Request) (*Session, string, error) {
	hidden := r.hidden()
	shown := func() *stream.Stream {
		st, err := m.options.Slate(r.Stream, hidden)
		if err != nil {
			m.options.Logger.DebugContext(ctx, "no slate", "stream", r.Stream, "err", err)
		}
		return st
	}
	s, answer, err := m.egressFrom(ctx, r, shown, (*stream.Stream).Promised)
	if err == nil && !hidden && r.hidden() {
		s.Close(ReasonPrivate)
		hidden = true
		return m.egressFrom(ctx, r, shown, (*stream.Stream).Promised)
	}
	return s, answer, err
}

// egressFrom makes a session that plays the stream that find returns, nil for
// none, in those of its tracks that are offered.
func (m *Manager) egressFrom(ctx context.Context, r Request, find func() *stream.Stream,
	offered func(*stream.Stream) []*stream.Track,
) (*Session, string, error) {
	var st *stream.Stream
	return m.open(ctx, r, protocolWHEP, func() error {
		if st = find(); st == nil || len(offered(st)) == 0 {
			return refuseNotLive()
		}
		return nil
	}, func(s *Session) error { return s.play(r, st, offered(st)) })
}

// visible is the stream, if the caller may know of it.
func (m *Manager) visible(r Request) *stream.Stream {
	st, ok := m.options.Registry.Find(r.Stream)
	if !ok || r.hidden() {
		return nil
	}
	return st
}

// play negotiates a player's offer and adds a viewer to the stream.
func (s *Session) play(r Request, st *stream.Stream, tracks []*stream.Track) error {
	if len(tracks) == 0 {
		return refuseNotLive()
	}
	var err error
	p := newPlayback(s, specsOf(tracks))
	if s.plan, err = negotiate.Egress(r.Offer, p.specs); err != nil {
		return err
	}
	if err := s.checkAddresses(); err != nil {
		return err
	}
	accepted := s.plan.Accepted()
	chosen := make([]*stream.Track, len(accepted))
	for i, section := range accepted {
		chosen[i] = tracks[section.Track]
	}
	if p.viewer, err = addViewer(st, chosen); err != nil {
		return err
	}
	s.flow = p
	return nil
}

func specsOf(tracks []*stream.Track) []stream.Spec {
	specs := make([]stream.Spec, len(tracks))
	for i, t := range tracks {
		specs[i] = t.Spec()
		specs[i].Format = t.Format() // what is really sent, once that is known
	}
	return specs
}

func addViewer(st *stream.Stream, tracks []*stream.Track) (*stream.Viewer, error) {
	v, err := st.AddViewer(tracks)
	if errors.Is(err, stream.ErrNotLive) {
		return nil, refuseNotLive()
	}
	if err != nil {
		return nil, fmt.Errorf("add viewer: %w", err)
	}
	return v, nil
}
