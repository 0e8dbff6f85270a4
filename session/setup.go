package session

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/pion/webrtc/v4"

	"weir/internal/udp"
	"weir/internal/wish"
	"weir/session/admission"
	"weir/session/negotiate"
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
		protocol: protocol,
		created:  time.Now(),
		logger:   m.options.Logger.With("session", id.String(), "stream", r.Stream, "remote", remote),
		place:    p,
		route:    newRoute(m.ports, r.Local.Addr(), loopback),
		filter:   negotiate.CandidateFilter{MDNS: m.options.MDNS, Loopback: loopback},
		wake:     make(chan struct{}, 1),
		checking: make(chan struct{}),
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
func (s *Session) checkAddresses(r Request) error {
	local := r.Local.Addr().Unmap()
	if udp.Usable(local) && !s.manager.ports.Has(local) {
		s.manager.ports.Rescan(time.Second)
	}
	if len(s.route.addresses()) == 0 {
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
	s.ice.remoteUfrag, s.ice.remotePwd = s.plan.Ufrag, s.plan.Pwd
	s.ice.etag = newETag()
	s.ice.candidates = keys(candidates)
	return s.negotiate(ctx, s.plan.Ufrag, s.plan.Pwd, candidates)
}

// makePeerConnection makes one that can negotiate.
func (s *Session) makePeerConnection() error {
	cert, err := s.manager.certificates.forSession()
	if err != nil {
		return err
	}
	s.ice.fingerprint = cert.fingerprint
	if s.pc, err = s.newPeerConnection(cert); err != nil {
		return err
	}
	s.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.post() })
	s.pc.OnICEConnectionStateChange(func(webrtc.ICEConnectionState) {
		s.begun.Do(func() { close(s.checking) })
	})
	s.pc.OnICECandidate(s.gathered)
	s.pc.OnICEGatheringStateChange(s.gathers)
	return s.flow.connect(s.pc)
}

// negotiate gives pion the plan's offer with the player's ICE credentials, the
// first time or to restart ICE, and waits for our candidates.
func (s *Session) negotiate(ctx context.Context, ufrag, pwd string, candidates []negotiate.Candidate) error {
	lines := make([]string, len(candidates))
	for i, c := range candidates {
		lines[i] = c.Line
	}
	g := s.gather()
	offer := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: s.plan.Offer(ufrag, pwd, lines)}
	if err := s.pc.SetRemoteDescription(offer); err != nil {
		return fmt.Errorf("set remote description: %w", err)
	}
	answer, err := s.pc.CreateAnswer(nil)
	if err != nil {
		return fmt.Errorf("create answer: %w", err)
	}
	if err := s.pc.SetLocalDescription(answer); err != nil {
		return fmt.Errorf("set local description: %w", err)
	}
	return s.awaitCandidates(ctx, g, answer.SDP)
}

// local is what a description says of this end, whoever offers.
func (s *Session) local() negotiate.Local {
	id := uuid.New()
	local := negotiate.Local{
		Ufrag:       s.ice.ufrag,
		Pwd:         s.ice.pwd,
		Fingerprint: s.ice.fingerprint,
		Setup:       "passive",
		Candidates:  s.ice.local,
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
	text := s.plan.Answer(local)
	s.ice.options = firstAttribute(text, "ice-options") // a restart's reply repeats them
	return text
}

// firstAttribute is the value of the first such attribute in an SDP of our own, or "".
func firstAttribute(sdp, name string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(line, "a="+name+":"); ok {
			return strings.TrimRight(value, "\r\n")
		}
	}
	return ""
}

// newETag names an ICE session: strong, and never used twice (RFC 9110 8.8.3).
func newETag() string { return `"` + rand.Text() + `"` }
