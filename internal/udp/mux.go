package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/logging"
)

// errTaken is returned where the ufrag has a share of the socket already.
var errTaken = errors.New("ufrag in use")

// Mux tells apart who gets a datagram that comes by one socket. A STUN request is
// for the ufrag that it names, a response for who asked. All else is for the owner
// of the address that it comes from: the share that has had an answer from there to
// a check of its own, and has answered one; before there is such a one, the share
// that answered last. So naming another's address as a candidate gets nobody a
// packet of his, and who comes back from the same address has it as soon as the
// checks went both ways. Its methods may be called from any goroutine.
type Mux struct {
	// static after newMux
	socket *socket
	local  *net.UDPAddr
	logger logging.LeveledLogger
	ended  chan struct{} // closed when nothing is read any more
	spare  sync.Pool     // of *datagram

	mu sync.Mutex
	// guarded by mu
	closed bool
	shares map[string]*Share // by ufrag of this end
	owners map[netip.AddrPort]owner
	asked  map[transaction]question
}

// owner has what comes from an address.
type owner struct {
	share  *Share
	proved bool // checks went both ways
}

// question is a STUN request that has not been answered.
type question struct {
	share *Share
	to    netip.AddrPort
}

func newMux(s *socket, local *net.UDPAddr, logger logging.LeveledLogger) *Mux {
	return &Mux{
		socket: s, local: local, logger: logger, ended: make(chan struct{}),
		shares: map[string]*Share{}, owners: map[netip.AddrPort]owner{}, asked: map[transaction]question{},
	}
}

// GetConn gives the ufrag its share of the socket, whose address addr must be. What
// is lost on the way to it is counted in drops.
func (m *Mux) GetConn(ufrag string, addr net.Addr, drops *Drops) (*Share, error) {
	if addr.String() != m.local.String() {
		return nil, fmt.Errorf("share %s: %w", m.local, net.InvalidAddrError("another address"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return nil, net.ErrClosed
	case m.shares[ufrag] != nil:
		return nil, errTaken
	}
	s := newShare(m, ufrag, drops)
	m.shares[ufrag] = s
	return s, nil
}

// RemoveConnByUfrag closes the ufrag's share.
func (m *Mux) RemoveConnByUfrag(ufrag string) {
	m.mu.Lock()
	s := m.shares[ufrag]
	m.mu.Unlock()
	if s != nil {
		_ = s.Close() // it always returns nil
	}
}

// IsClosed says whether the socket is closed.
func (m *Mux) IsClosed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closed
}

// Close closes the socket and all shares, and waits until nothing is read any more.
func (m *Mux) Close() {
	m.shut()
	<-m.ended
}

func (m *Mux) shut() {
	m.mu.Lock()
	m.closed = true
	all := m.shares
	m.shares = map[string]*Share{}
	m.mu.Unlock()
	_ = m.socket.Close() // nobody is left whom that would matter to
	for _, s := range all {
		_ = s.Close() // it always returns nil
	}
}

const (
	// largest is how long a datagram can be that is taken.
	largest = 8192
	// room is for any datagram: Windows makes an error of one that is longer.
	room = 1 << 16
	// mostFailures is how many reads in a row may fail, and breath the time after
	// each. A socket that is closed then is opened anew by Ports, without shares.
	mostFailures = 100
	breath       = 10 * time.Millisecond
)

// read hands on what comes until the socket is closed, or of no use any more.
func (m *Mux) read() {
	defer close(m.ended)
	defer m.shut()
	b := make([]byte, room)
	for failures := 0; failures < mostFailures; {
		n, from, err := m.socket.ReadFromAddrPort(b)
		switch {
		case err == nil && n > largest:
			failures = 0
		case err == nil:
			failures, from = 0, canonical(from)
			if s := m.receiver(b[:n], from, time.Now); s != nil {
				s.put(b[:n], from)
			}
		case m.IsClosed():
			return
		default:
			m.logger.Errorf("read from %s: %v", m.local, err)
			failures++
			<-time.After(breath)
		}
	}
}

func canonical(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// receiver is whose a datagram is, nil for nobody.
func (m *Mux) receiver(b []byte, from netip.AddrPort, now func() time.Time) *Share {
	kind := classOf(b)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch kind {
	case request:
		if s := m.shares[ufragOf(b)]; s != nil && s.sources.admit(from, now, s.drops) {
			return s
		}
		return nil
	case success, failure:
		id := transactionOf(b)
		q, ok := m.asked[id]
		if !ok || q.to != from {
			return nil
		}
		delete(m.asked, id)
		if kind == success {
			m.provedLocked(q.share, from)
		}
		return q.share
	default:
		return m.owners[from].share
	}
}

// provedLocked makes the share the owner of the address that has answered it.
// Another who has proved it before gives it up only to one whom its user addresses.
func (m *Mux) provedLocked(s *Share, from netip.AddrPort) {
	if have := m.owners[from]; have.proved && have.share != s && !s.sources.known[from].answered {
		return
	}
	m.owners[from] = owner{share: s, proved: true}
	s.owns[from] = struct{}{}
}

// answeredLocked notes that the share's agent has answered a request from the
// address, which it does to those alone that have the password.
func (m *Mux) answeredLocked(s *Share, to netip.AddrPort) {
	known, ok := s.sources.known[to]
	if !ok || m.shares[s.ufrag] != s {
		return
	}
	known.answered = true
	s.sources.known[to] = known
	if !m.owners[to].proved {
		m.owners[to] = owner{share: s}
		s.owns[to] = struct{}{}
	}
}

// askedLocked notes a request, for the response. It may be of a share that was
// closed meanwhile: that has nothing any more.
func (m *Mux) askedLocked(s *Share, id transaction, to netip.AddrPort) {
	if m.shares[s.ufrag] != s {
		return
	}
	if len(s.asked) < maxAsked {
		s.asked = append(s.asked, id)
	} else {
		delete(m.asked, s.asked[s.oldest])
		s.asked[s.oldest] = id
		s.oldest = (s.oldest + 1) % maxAsked
	}
	m.asked[id] = question{share: s, to: to}
}

// forgetLocked takes away what the share has.
func (m *Mux) forgetLocked(s *Share) {
	if m.shares[s.ufrag] == s {
		delete(m.shares, s.ufrag)
	}
	for addr := range s.owns {
		if m.owners[addr].share == s {
			delete(m.owners, addr)
		}
	}
	for _, id := range s.asked {
		delete(m.asked, id)
	}
}
