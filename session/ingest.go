package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/pion/rtcp"

	"weir/session/admission"
	"weir/session/ingress"
	"weir/session/negotiate"
	"weir/session/peer"
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

// live says whether somebody publishes the stream of that name who is not away.
func (m *Manager) live(name string) bool {
	st, ok := m.options.Registry.Find(name)
	return ok && st.Live()
}

// publisherOf names who publishes: the token, where there is one, else the
// remote address.
func publisherOf(r Request) string {
	if r.Token != "" {
		return "token " + r.Token
	}
	addr, _ := admission.Account(r.Remote.Addr())
	return "address " + addr.String()
}

// publish negotiates a publisher's offer.
func (s *Session) publish(r Request) error {
	var err error
	if s.plan, err = negotiate.Ingest(r.Offer); err != nil {
		return err
	}
	if err := s.checkAddresses(); err != nil {
		return err
	}
	s.publisher = publisherOf(r)
	s.flow = &ingest{session: s, receiver: newReceiver(s)}
	return nil
}

// ingest is the flow from a publisher.
type ingest struct {
	// static after publish
	session  *Session
	receiver *ingress.Receiver

	// static after open
	publication *stream.Publication
}

// newReceiver makes what takes the media of a session's publisher.
func newReceiver(s *Session) *ingress.Receiver {
	return ingress.New(ingress.Options{
		Sections:  s.plan.Sections,
		CNAME:     s.id,
		Connected: s.connected.Load,
		Send:      func(packets []rtcp.Packet) { _ = s.conn.WriteRTCP(packets) }, // it is said again
		RoundTrip: s.conn.RoundTrip,
		Flooded:   func() { s.end(ReasonStreams) },
	})
}

func (f *ingest) prepare(s *peer.Setup) { s.Receives, s.Buffer = true, f.receiver.Buffer }

func (f *ingest) connect() error { return nil }

func (f *ingest) describe(*negotiate.Local) {}

// open takes the stream.
func (f *ingest) open() error {
	s := f.session
	takeOver := s.manager.options.Policy(s.stream).TakeOver
	publication, err := s.manager.options.Registry.PublishWith(s.stream, stream.PublishOptions{
		By: s.publisher, Specs: s.plan.Specs(), Alternatives: true, Policy: takeOver.stream(), Report: f.receiver.Summary,
	})
	switch {
	case errors.Is(err, stream.ErrPublished):
		return refusePublished(takeOver)
	case errors.Is(err, stream.ErrClosed):
		return refuseDraining()
	case err != nil:
		return fmt.Errorf("publish: %w", err)
	}
	f.publication = publication
	f.receiver.Start(publication)
	return nil
}

func (f *ingest) begin() {}

func (f *ingest) over() <-chan struct{} { return f.publication.Done() }

func (f *ingest) why() string {
	switch f.publication.Reason() {
	case "taken_over":
		return ReasonTaken
	case "shutdown":
		return ReasonShutdown
	default:
		return ReasonFailed
	}
}

func (f *ingest) halt(reason string) {
	if f.publication != nil {
		f.publication.Close(reason)
	}
	f.receiver.Stop()
}

func (f *ingest) wait() { f.receiver.Wait() }

func (f *ingest) counted() (packets, bytes uint64) { return f.receiver.Counted() }

func (f *ingest) sections() []MediaStats { return f.session.received(f.receiver) }
