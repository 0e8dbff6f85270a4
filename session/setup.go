package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"weir/internal/wish"
	"weir/session/admission"
	"weir/session/negotiate"
	"weir/session/peer"
)

// open makes a session of either protocol. check refuses what no place need be
// taken for; join negotiates the offer into the session's plan and flow.
func (m *Manager) open(ctx context.Context, r Request, protocol string, check func() error, join func(*Session) error) (*Session, string, error) {
	if !m.options.Registry.ValidName(r.Stream) {
		return nil, "", refuseNoSuchStream()
	}
	select {
	case <-m.ready:
	case <-m.ended:
	case <-ctx.Done():
		return nil, "", ctx.Err()
	}
	leave, err := m.enter()
	if err != nil {
		return nil, "", err
	}
	defer leave()
	if err := check(); err != nil {
		return nil, "", err
	}
	place, err := m.limits.Reserve(r.Remote.Addr())
	if err != nil {
		return nil, "", err
	}
	s, err := m.newSession(r, protocol, place)
	if err != nil {
		place.Release()
		return nil, "", err
	}
	answer, err := s.setUp(ctx, join)
	if err == nil {
		err = m.start(s)
	}
	if err != nil {
		s.release(ReasonFailed)
		return nil, "", err
	}
	for _, name := range s.plan.Leniencies {
		m.options.Leniency(name)
	}
	s.logger.Info("session created", "duration", time.Since(s.created))
	s.event("session_created", slog.String("remote", r.Remote.Addr().String()))
	if reason := barred(s.barred); reason != "" { // after the last Recheck that did not know of it
		s.Close(reason)
		return nil, "", refuseBarred(reason)
	}
	return s, answer, nil
}

func (m *Manager) newSession(r Request, protocol string, p *admission.Place) (*Session, error) {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make session secret: %w", err)
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return nil, fmt.Errorf("make session id: %w", err)
	}
	remote := netip.AddrPortFrom(r.Remote.Addr().Unmap(), r.Remote.Port())
	loopback := r.local()
	return &Session{
		manager: m, id: id.String(), secret: hex.EncodeToString(secret), stream: r.Stream, remote: remote,
		token:    r.Token,
		barred:   r.Barred,
		protocol: protocol,
		created:  time.Now(),
		logger:   m.options.Logger.With("session", id.String(), "stream", r.Stream, "remote", remote),
		place:    p,
		conn:     m.peers.Conn(r.Local.Addr(), loopback),
		filter:   negotiate.CandidateFilter{MDNS: m.options.MDNS, Loopback: loopback},
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		patching: make(chan struct{}, 1),
	}, nil
}

// setUp negotiates and makes the session's PeerConnection and answer. Whatever
// it leaves behind release takes away, also when it fails. A panic of a parser
// below is the offer's fault and ends with it.
func (s *Session) setUp(ctx context.Context, join func(*Session) error) (answer string, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.logger.Error("offer made the WebRTC stack panic", "err", fmt.Sprint(p))
			answer, err = "", refuseOffer()
		}
	}()
	if err := join(s); err != nil {
		return "", err
	}
	if err := s.connect(ctx); err != nil {
		var refusal *wish.Refusal
		if errors.As(err, &refusal) || ctx.Err() != nil {
			return "", err
		}
		s.logger.Warn("offer could not be set up", "err", err)
		return "", refuseOffer()
	}
	answer = s.answer()
	return answer, s.flow.open()
}

// checkAddresses refuses an offer while there is no address to answer it with.
func (s *Session) checkAddresses() error {
	s.conn.Look()
	if !s.conn.Reachable() {
		return refuseNoAddress()
	}
	return nil
}

// connect makes the PeerConnection and takes it to where its candidates are
// gathered.
func (s *Session) connect(ctx context.Context) error {
	if err := s.makePeerConnection(); err != nil {
		return err
	}
	candidates, _ := s.usable(s.plan.Candidates)
	candidates = candidates[:min(len(candidates), s.manager.options.MaxCandidates)]
	s.ice.remoteUfrag, s.ice.remotePwd = s.plan.Ufrag, s.plan.Pwd
	s.ice.etag = newETag()
	s.ice.candidates = keys(candidates)
	return s.negotiate(ctx, s.plan.Ufrag, s.plan.Pwd, candidates)
}

// makePeerConnection makes one that can negotiate.
func (s *Session) makePeerConnection() error {
	setup := peer.Setup{
		Logger: s.logger, Plan: s.plan, Offers: s.offers, Servers: s.servers, Patience: s.patience,
		Deadline: func() time.Time { // for safety: the session ends before
			return s.created.Add(s.manager.options.SetupTimeout + 5*time.Second)
		},
		Changed: s.post, Ended: s.stop,
	}
	s.flow.prepare(&setup)
	if err := s.conn.Open(setup); err != nil {
		return err
	}
	return s.flow.connect()
}

// negotiate gives pion the plan's offer with the player's ICE credentials, the
// first time or to restart ICE, and waits for our candidates.
func (s *Session) negotiate(ctx context.Context, ufrag, pwd string, candidates []negotiate.Candidate) error {
	lines := make([]string, len(candidates))
	for i, c := range candidates {
		lines[i] = c.Line
	}
	return s.gathered(s.conn.Answer(ctx, s.plan.Offer(ufrag, pwd, lines)))
}

// gathered takes this end's side of a new ICE session, or why there is none.
func (s *Session) gathered(ice peer.ICE, err error) error {
	switch {
	case errors.Is(err, peer.ErrEnded):
		return refuseNoSession(s.Reason())
	case err != nil:
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ice.ufrag, s.ice.pwd, s.ice.local, s.ice.more = ice.Ufrag, ice.Pwd, ice.Candidates, ice.More
	if len(s.ice.local) == 0 {
		return refuseNoAddress()
	}
	return nil
}

// local is what a description says of this end, whoever offers.
func (s *Session) local() negotiate.Local {
	id := uuid.New()
	local := negotiate.Local{
		Ufrag:       s.ice.ufrag,
		Pwd:         s.ice.pwd,
		Fingerprint: s.conn.Fingerprint(),
		Setup:       "passive",
		Candidates:  s.ice.local,
		Trickles:    s.ice.more,
		StreamID:    s.stream,
	}
	for _, b := range id[:8] {
		local.SessionID = local.SessionID<<8 | uint64(b)
	}
	return local
}

// answer is the SDP for the other end.
func (s *Session) answer() string {
	local := s.local()
	if s.plan.Setup == "passive" {
		local.Setup = "active"
	}
	s.flow.describe(&local)
	return s.plan.Answer(local)
}

// newETag names an ICE session: strong, and never used twice (RFC 9110 8.8.3).
func newETag() string { return `"` + rand.Text() + `"` }
