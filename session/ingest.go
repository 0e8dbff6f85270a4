package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"weir/session/negotiate"
	"weir/stream"
)

// Ingest answers a WHIP client's offer with a session and the SDP answer, which
// holds all candidates. The stream is the publisher's from then on. Where it is
// published already, its policy decides whether who did so under the same token,
// or without one from the same address, is taken over; anybody else is refused,
// or waits. What the client is to be told is a *wish.Refusal. When ctx ends
// before the answer is ready nothing remains of the session.
func (m *Manager) Ingest(ctx context.Context, r Request) (*Session, string, error) {
	s, answer, err := m.ingest(ctx, r)
	if refusalCode(err) != codePublished || m.options.Policy(r.Stream).TakeOver != TakeOverHold {
		return s, answer, err
	}
	if err := m.worthWhile(r); err != nil {
		return nil, "", err
	}
	return m.hold(ctx, r, err, m.awaitFree, m.ingest)
}

// ingest is Ingest where nobody waits.
func (m *Manager) ingest(ctx context.Context, r Request) (*Session, string, error) {
	return m.open(ctx, r, protocolWHIP, func() error { return m.checkFree(r) }, func(s *Session) error { return s.publish(r) })
}

// checkFree refuses who cannot have the stream at present. Publishing decides;
// this is to know before anything is made.
func (m *Manager) checkFree(r Request) error {
	p := m.publication(r.Stream)
	policy := m.options.Policy(r.Stream).TakeOver
	if p == nil || policy == TakeOverSame && p.By() == publisherOf(r) {
		return nil
	}
	return refusePublished(policy)
}

// publication is the one that feeds the stream of that name, or nil.
func (m *Manager) publication(name string) *stream.Publication {
	st, ok := m.options.Registry.Find(name)
	if !ok {
		return nil
	}
	return st.Publication()
}

// publisherOf names who publishes: the token, where there is one, else the
// remote address.
func publisherOf(r Request) string {
	if r.Token != "" {
		return "token " + r.Token
	}
	addr, _ := accountOf(r.Remote.Addr())
	return "address " + addr.String()
}

// publish negotiates a publisher's offer.
func (s *Session) publish(r Request) error {
	var err error
	if s.plan, err = negotiate.Ingest(r.Offer); err != nil {
		return err
	}
	if err := s.checkAddresses(r); err != nil {
		return err
	}
	s.publisher = publisherOf(r)
	s.flow = newIngress(s)
	return nil
}

// open takes the stream.
func (g *ingress) open() error {
	s := g.session
	takeOver := s.manager.options.Policy(s.stream).TakeOver
	publication, err := s.manager.options.Registry.PublishWith(s.stream, stream.PublishOptions{
		By: s.publisher, Specs: s.plan.Specs(), Alternatives: true, Policy: takeOver.stream(), Report: g.summary,
	})
	switch {
	case errors.Is(err, stream.ErrPublished):
		return refusePublished(takeOver)
	case errors.Is(err, stream.ErrClosed):
		return refuseDraining()
	case err != nil:
		return fmt.Errorf("publish: %w", err)
	}
	tracks := map[string]*stream.Track{}
	for _, t := range publication.Tracks() {
		tracks[strings.ToLower(t.Spec().Format.Name)] = t
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.publication, g.tracks = publication, tracks
	g.running.Go(g.report)
	return nil
}

// summary is what the session knows of its publisher, for who looks at the
// stream.
func (g *ingress) summary() stream.PublisherReport {
	var r stream.PublisherReport
	for _, m := range g.sections() {
		r.Packets += m.Received.Packets
		r.Lost += m.Received.GivenUp
		r.Recovered += m.Received.Recovered
		r.NACKs += m.Received.Asked
		r.KeyFramesAsked += m.KeyFrames
		r.Jitter, r.RTT = max(r.Jitter, m.Jitter), m.RTT
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, in := range g.inputs {
		r.KeyFramesAnswered += in.answered
		r.KeyFrameFeedback = r.KeyFrameFeedback || in.section.KeyFrames()
	}
	r.Clocked = g.clock.set
	return r
}
