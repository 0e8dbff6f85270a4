package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/wish"
	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// OfferOptions say of the other server what is known before it is asked.
type OfferOptions struct {
	// Local says that it is on this machine, where media may go by loopback.
	Local bool
	// Servers of STUN and TURN are asked for further candidates. Whoever names them
	// vouches that they may be spoken to, and names them by their addresses.
	Servers []wish.ICEServer
	// Whole says that the other server takes no candidates after the offer: what the
	// Servers say is waited for, for some seconds at most. Else it comes later, see
	// Session.Local.
	Whole bool
}

// How long an offer waits for candidates where servers are asked for some: those
// of our own addresses are there at once.
const (
	ownCandidates = 200 * time.Millisecond
	allCandidates = 3 * time.Second
)

// An Offering is a session that this end asks another server for: to pull a
// stream from it, or to push one to it. It is no Session before the answer has
// come. Answer or Close ends it; they are for one goroutine.
type Offering struct {
	// static after Manager.Pull or Manager.Push
	session *Session
	flow    offeringFlow
	terms   negotiate.Terms
	text    string
	pion    *negotiate.Plan // what pion is told of the sections
}

// An offeringFlow is a flow that is set up in two steps, around the answer.
type offeringFlow interface {
	flow
	// accept takes the plan that came of the answer, before pion hears of it.
	accept(p *negotiate.Plan) error
}

// Pull makes the offer by which a stream is played from another server (WHEP):
// what comes is written into the publication, whose specs are PullSpecs and
// alternatives. The publication stays the caller's, who may use it for one
// session after another; see stream.Publication.Anew.
func (m *Manager) Pull(ctx context.Context, p *stream.Publication, o OfferOptions) (*Offering, error) {
	return m.propose(ctx, p.Stream().Name(), protocolWHEP, o, func(s *Session) (*Offering, error) {
		return newOffering(s, &pull{session: s, publication: p}, negotiate.Pull()), nil
	})
}

// Push makes the offer by which a stream is published on another server (WHIP).
// It fails with stream.ErrNotLive where there is nothing to send.
func (m *Manager) Push(ctx context.Context, st *stream.Stream, o OfferOptions) (*Offering, error) {
	return m.propose(ctx, st.Name(), protocolWHIP, o, func(s *Session) (*Offering, error) {
		tracks := st.Offered()
		if len(tracks) == 0 {
			return nil, fmt.Errorf("push: %w", stream.ErrNotLive)
		}
		f := &push{playback: newPlayback(s, specsOf(tracks)), stream: st, tracks: tracks}
		return newOffering(s, f, negotiate.Push(f.specs)), nil
	})
}

func newOffering(s *Session, f offeringFlow, t negotiate.Terms) *Offering {
	s.plan = t.StandIn()
	return &Offering{session: s, flow: f, terms: t, pion: s.plan}
}

// propose makes a session's PeerConnection and offer.
func (m *Manager) propose(ctx context.Context, name, protocol string, o OfferOptions, begin func(*Session) (*Offering, error)) (*Offering, error) {
	select {
	case <-m.ready:
	case <-m.ended:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave, err := m.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	this := netip.IPv6Loopback() // sessions of our own count against no address
	place, err := m.limits.Reserve(this)
	if err != nil {
		return nil, err
	}
	r := Request{Stream: name}
	if o.Local {
		r.Remote = netip.AddrPortFrom(this, 0)
	}
	s, err := m.newSession(r, protocol, place)
	if err != nil {
		place.Release()
		return nil, err
	}
	s.offers, s.patience = true, ownCandidates
	if o.Whole {
		s.patience = allCandidates
	}
	for _, server := range o.Servers {
		s.servers = append(s.servers, peer.Server{URL: server.URL, Username: server.Username, Credential: server.Credential})
	}
	offering, err := begin(s)
	if err == nil {
		s.flow = offering.flow
		err = offering.open(ctx)
	}
	if err != nil {
		s.release(ReasonFailed)
		return nil, err
	}
	return offering, nil
}

// open has pion gather, and writes the offer.
func (o *Offering) open(ctx context.Context) error {
	s := o.session
	if !s.conn.Reachable() {
		return refuseNoAddress()
	}
	if err := s.makePeerConnection(); err != nil {
		return err
	}
	if err := s.propose(ctx, false); err != nil {
		return err
	}
	local := s.local()
	o.flow.describe(&local)
	o.text = o.terms.Offer(local)
	return nil
}

// propose has pion make an offer, the first one or one that restarts ICE, and
// waits for our candidates.
func (s *Session) propose(ctx context.Context, restart bool) error {
	return s.gathered(s.conn.Offer(ctx, restart))
}

// Offer is the SDP for the other server. It holds ICE credentials: never log it.
func (o *Offering) Offer() string { return o.text }

// Answer takes the other server's answer, which came from remote, and makes it
// a session that runs. Whatever it returns, the offering is over. It fails with
// ErrAnswer.
func (o *Offering) Answer(text string, remote netip.AddrPort) (made *Session, err error) {
	s := o.session
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("answer made the WebRTC stack panic", "err", fmt.Sprint(p))
			made, err = nil, fmt.Errorf("%w: panic", negotiate.ErrAnswer)
		}
		if err != nil {
			s.release(ReasonFailed)
		}
	}()
	leave, err := s.manager.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	plan, err := o.terms.Read(text)
	if err != nil {
		return nil, err
	}
	s.remote, s.created = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port()), time.Now()
	s.logger = s.manager.options.Logger.With("session", s.id, "stream", s.stream, "remote", s.remote)
	if err := o.flow.accept(plan); err != nil {
		return nil, err
	}
	s.plan = plan
	o.pion.TakeTransport(plan)
	s.standIn = o.pion
	s.ice.etag = newETag()
	if err := s.reply(plan.Ufrag, plan.Pwd, plan.Candidates); err != nil {
		s.logger.Warn("answer could not be set up", "err", err)
		return nil, fmt.Errorf("%w: not_usable", negotiate.ErrAnswer)
	}
	if err := s.flow.open(); err != nil {
		return nil, err
	}
	if err := s.manager.start(s); err != nil {
		return nil, err
	}
	s.logger.Info("session created", "protocol", s.protocol)
	s.event("session_created")
	return s, nil
}

// reply gives pion the other server's credentials and candidates.
func (s *Session) reply(ufrag, pwd string, values []string) error {
	candidates, _ := s.usable(values)
	candidates = candidates[:min(len(candidates), s.manager.options.MaxCandidates)]
	lines := make([]string, len(candidates))
	for i, c := range candidates {
		lines[i] = c.Line
	}
	s.mu.Lock()
	s.ice.remoteUfrag, s.ice.remotePwd, s.ice.candidates = ufrag, pwd, keys(candidates)
	s.mu.Unlock()
	return s.conn.Accept(s.standIn.Offer(ufrag, pwd, lines))
}

// Close gives up an offering that was not answered.
func (o *Offering) Close() { o.session.release(ReasonFailed) }

// Local is this end's ICE credentials and candidates, all that there are so far,
// for the other server of an Offering's session. It is a secret.
func (s *Session) Local() wish.Fragment {
	accepted := s.plan.Accepted()
	candidates, more := s.conn.Candidates()
	s.mu.Lock()
	defer s.mu.Unlock()
	return wish.Fragment{
		Ufrag: s.ice.ufrag, Pwd: s.ice.pwd, Options: negotiate.ICEOptions,
		Sections: []wish.FragmentSection{{
			Media: accepted[0].Kind, Mid: accepted[0].Mid, Candidates: candidates, EndOfCandidates: !more,
		}},
	}
}

// errNotOffering is returned where the session was the other end's wish.
var errNotOffering = errors.New("the other end made the offer")

// BeginRestart begins an ICE restart of an Offering's session, and returns what
// the other server has to know. No media flows until FinishRestart: one that is
// not finished means the end of the session.
func (s *Session) BeginRestart(ctx context.Context) (wish.Fragment, error) {
	if !s.offers {
		return wish.Fragment{}, errNotOffering
	}
	select {
	case <-s.conn.Checking():
	case <-s.stop:
		return wish.Fragment{}, refuseNoSession(s.Reason())
	case <-ctx.Done():
		return wish.Fragment{}, ctx.Err()
	}
	if err := s.propose(ctx, true); err != nil {
		return wish.Fragment{}, err
	}
	return s.Local(), nil
}

// FinishRestart takes the other server's reply to what BeginRestart returned.
func (s *Session) FinishRestart(f wish.Fragment) error {
	if !s.offers {
		return errNotOffering
	}
	if !negotiate.ValidCredentials(f.Ufrag, f.Pwd) {
		return fmt.Errorf("%w: ice_credentials", negotiate.ErrAnswer)
	}
	if err := s.reply(f.Ufrag, f.Pwd, f.Candidates()); err != nil {
		return err
	}
	s.logger.Info("ice restarted")
	return nil
}

// Signs counts what has come from the other end by RTP and RTCP: while it stands
// still nothing comes.
func (s *Session) Signs() uint64 {
	var n uint64
	for _, m := range s.flow.sections() {
		n += m.Reports + m.NACKs + m.KeyFrames
		if m.Received != nil {
			n = n - m.NACKs - m.KeyFrames + m.Received.Packets + m.Received.Duplicates + m.Received.Clock.NTP
		}
	}
	return n
}

// Connected says whether the session has been connected.
func (s *Session) Connected() bool { return s.connected.Load() }

// Shaken says whether nothing at all comes from the other end at present, not
// even what keeps the way open.
func (s *Session) Shaken() bool {
	switch s.conn.ICEState() {
	case webrtc.ICEConnectionStateDisconnected, webrtc.ICEConnectionStateFailed:
		return true
	default:
		return false
	}
}
