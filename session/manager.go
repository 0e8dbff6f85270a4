package session

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"weir/internal/wish"
	"weir/session/admission"
	"weir/session/peer"
)

// Manager holds the sessions by their secret: it creates, finds, limits and
// closes them. It implements wish.Sessions. Its methods may be called from any
// goroutine.
type Manager struct {
	// static after New
	options    Options
	limits     *admission.Limits
	room       *admission.Room // of requests that are held
	lookers    *admission.Room // of those that Await
	tombstones *admission.Tombstones
	peers      *peer.Factory
	ready      chan struct{} // closed when Run has opened the sockets
	closing    chan struct{} // closed when Run begins to end
	ended      chan struct{} // closed when Run has returned

	running sync.WaitGroup // sessions being set up, and the goroutines of the others

	mu sync.Mutex
	// guarded by mu
	sessions map[string]*Session // by secret
	draining bool
	recheck  chan struct{} // closed, and another made, by Recheck
}

var _ wish.Sessions = (*Manager)(nil)

// New makes a Manager. It takes no session until Run has opened its sockets.
func New(o Options) (*Manager, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	peers, err := peer.New(peer.Options{
		Logger: o.Logger, UDPPort: o.UDPPort, MDNS: o.MDNS, Consent: o.Consent, CertificateLife: o.CertificateLife,
	})
	if err != nil {
		return nil, err
	}
	return &Manager{
		options:    o,
		limits:     admission.NewLimits(o.MaxSessions, o.MaxPerAddress, o.MaxConnecting),
		room:       admission.NewRoom(o.MaxHeld, o.MaxHeldPerAddress),
		lookers:    admission.NewRoom(o.MaxHeld, o.MaxHeldPerAddress),
		tombstones: admission.NewTombstones(o.TombstoneExpiry, o.MaxTombstones),
		peers:      peers,
		ready:      make(chan struct{}),
		closing:    make(chan struct{}),
		ended:      make(chan struct{}),
		sessions:   map[string]*Session{},
		recheck:    make(chan struct{}),
	}, nil
}

// Run opens the UDP sockets and serves until ctx ends; then it closes every
// session with a DTLS close and returns when they have given everything back.
// It fails at once when the UDP port can be had on no address. It may be called
// once.
func (m *Manager) Run(ctx context.Context) error {
	defer close(m.ended)
	defer m.drain()
	if err := m.peers.Open(); err != nil {
		return err
	}
	defer m.peers.Close()
	defer m.shutdown()
	close(m.ready)
	tick := time.NewTicker(m.options.Rescan)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			m.peers.Rescan()
			m.tombstones.Sweep()
		}
	}
}

// drain lets no further session in, and nobody wait for one.
func (m *Manager) drain() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.draining {
		m.draining = true
		close(m.closing)
	}
}

// shutdown ends all sessions, side by side, and waits.
func (m *Manager) shutdown() {
	m.drain()
	for _, s := range m.Sessions() {
		s.end(ReasonShutdown)
	}
	m.running.Wait()
}

// Ready is closed when Run has opened the sockets: from then on sessions can
// begin.
func (m *Manager) Ready() <-chan struct{} { return m.ready }

// Addresses are those that media can come from, all of one port; none before
// Ready.
func (m *Manager) Addresses() []netip.AddrPort { return m.peers.Addresses() }

// enter keeps Run from returning until leave is called, unless the Manager is
// ending.
func (m *Manager) enter() (leave func(), err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining {
		return nil, refuseDraining()
	}
	m.running.Add(1)
	return m.running.Done, nil
}

// start registers a session and runs it, unless the Manager is ending.
func (m *Manager) start(s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.draining {
		return refuseDraining()
	}
	m.sessions[s.secret] = s
	m.running.Go(s.run)
	return nil
}

// forget makes the session unknown.
func (m *Manager) forget(s *Session) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, s.secret)
}

// Find returns the session with the secret, or refuses with 404.
func (m *Manager) Find(secret string) (*Session, error) {
	m.mu.Lock()
	s := m.sessions[secret]
	m.mu.Unlock()
	if s == nil {
		return nil, refuseNoSession(m.tombstones.Reason(secret))
	}
	return s, nil
}

// Lookup returns the session with the ID, which is no secret.
func (m *Manager) Lookup(id string) (*Session, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sessions {
		if s.id == id {
			return s, true
		}
	}
	return nil, false
}

// End ends the sessions that others have of a stream, side by side, and waits until none of its
// media reaches their players.
func (m *Manager) End(stream, reason string) {
	var ending []*Session
	for _, s := range m.Sessions() {
		if s.stream == stream && !s.offers {
			s.end(reason)
			ending = append(ending, s)
		}
	}
	for _, s := range ending {
		<-s.done
	}
}

// Sessions are those alive at this moment, in no order.
func (m *Manager) Sessions() []*Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]*Session, 0, len(m.sessions))
	for _, s := range m.sessions {
		all = append(all, s)
	}
	return all
}

// Check refuses where there is no such session (wish.Sessions).
func (m *Manager) Check(secret string) error {
	_, err := m.Find(secret)
	return err
}

// Delete ends the session for its player and waits until media has stopped
// (wish.Sessions). A session that the server or DTLS has ended can be deleted
// once more while it is remembered.
func (m *Manager) Delete(ctx context.Context, secret string) error {
	s, err := m.Find(secret)
	if err != nil {
		if m.tombstones.Take(secret) {
			return nil
		}
		return err
	}
	s.end(ReasonDeleted)
	select {
	case <-s.done:
	case <-ctx.Done(): // it ends all the same
		return nil
	}
	if s.Reason() != ReasonDeleted {
		m.tombstones.Take(secret)
	}
	return nil
}

// Patch adds remote candidates or restarts ICE (wish.Sessions): RFC 9725 4.3,
// draft-ietf-wish-whep-04 4.5. PATCHes of one session are handled one at a time,
// so that the entity-tag decides between those that overlap.
func (m *Manager) Patch(ctx context.Context, secret string, match wish.Match, f wish.Fragment) (wish.Patched, error) {
	s, err := m.Find(secret)
	if err != nil {
		return wish.Patched{}, err
	}
	if match.Missing() {
		return wish.Patched{}, refuseNoPrecondition()
	}
	patched, err := s.patch(ctx, match, f)
	if err != nil {
		s.logger.DebugContext(ctx, "patch refused", "reason", refusalCode(err))
	}
	return patched, err
}
