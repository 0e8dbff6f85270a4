package udp

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAsked is how many checks may wait for their answers; older ones are lost.
	maxAsked = 256
	// maxWaiting is how many bytes may wait to be read, with overhead for each
	// datagram: of empty ones there is no end.
	maxWaiting = 1 << 20
	overhead   = 64
	// usual is how long a buffer may be that is kept for other datagrams.
	usual = 2048
)

// Share is an ICE agent's share of a socket: a net.PacketConn with the methods of
// ice.AddrPortReaderWriter. One goroutine reads; the other methods may be called
// from any.
type Share struct {
	// static after newShare
	mux    *Mux
	ufrag  string
	drops  *Drops
	filled chan struct{} // has a token when something may wait
	done   chan struct{} // closed by Close
	once   sync.Once

	// guarded by Mux.mu
	sources sources // that requests came from
	owns    map[netip.AddrPort]struct{}
	asked   []transaction // the newest, a ring when it is full
	oldest  int           // index in asked

	mu sync.Mutex
	// guarded by mu
	waiting []*datagram
	bytes   int // of waiting

	// owned by the reader
	batch []*datagram // taken from waiting
	next  int         // index in batch
}

// Drops count what has come for one user and was dropped.
type Drops struct {
	Sources atomic.Uint64 // checks from more addresses than one user may have
	Unread  atomic.Uint64 // datagrams that found no room to wait in
}

// datagram is one that has come.
type datagram struct {
	b    []byte
	from netip.AddrPort
}

// spareLater keeps what a datagram was in for another one.
func (m *Mux) spareLater(d *datagram) {
	if cap(d.b) <= usual {
		m.spare.Put(d)
	}
}

func newShare(m *Mux, ufrag string, drops *Drops) *Share {
	return &Share{
		mux: m, ufrag: ufrag, drops: drops, filled: make(chan struct{}, 1), done: make(chan struct{}),
		sources: newSources(), owns: map[netip.AddrPort]struct{}{},
	}
}

// put lets a datagram wait for the reader; one for which there is no room is lost.
func (s *Share) put(b []byte, from netip.AddrPort) {
	d, ok := s.mux.spare.Get().(*datagram)
	if !ok {
		d = &datagram{}
	}
	d.b, d.from = append(d.b[:0], b...), from
	s.mu.Lock()
	full := s.bytes+len(b)+overhead > maxWaiting
	if !full {
		s.waiting = append(s.waiting, d)
		s.bytes += len(b) + overhead
	}
	s.mu.Unlock()
	if full {
		s.drops.Unread.Add(1)
		s.mux.spareLater(d)
		return
	}
	select {
	case s.filled <- struct{}{}:
	default:
	}
}

// ReadFromAddrPort waits for the next datagram. It fails with net.ErrClosed.
func (s *Share) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for s.next == len(s.batch) {
		s.mu.Lock()
		s.batch, s.waiting = s.waiting, s.batch[:0]
		s.bytes, s.next = 0, 0
		s.mu.Unlock()
		if len(s.batch) > 0 {
			break
		}
		select {
		case <-s.filled:
		case <-s.done:
			return 0, netip.AddrPort{}, net.ErrClosed
		}
	}
	d := s.batch[s.next]
	s.batch[s.next] = nil
	s.next++
	n, from := copy(b, d.b), d.from
	s.mux.spareLater(d)
	return n, from, nil
}

// ReadFrom implements net.PacketConn.
func (s *Share) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := s.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort hands the datagram to the kernel or fails at once.
func (s *Share) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	select {
	case <-s.done:
		return 0, net.ErrClosed
	default:
	}
	switch classOf(b) {
	case request:
		s.mux.mu.Lock()
		s.mux.askedLocked(s, transactionOf(b), canonical(to))
		s.mux.mu.Unlock()
	case success:
		s.mux.mu.Lock()
		s.mux.answeredLocked(s, canonical(to))
		s.mux.mu.Unlock()
	default:
	}
	return s.mux.socket.WriteToAddrPort(b, to)
}

// WriteTo implements net.PacketConn.
func (s *Share) WriteTo(b []byte, to net.Addr) (int, error) {
	addr, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not a UDP address")
	}
	return s.WriteToAddrPort(b, addr.AddrPort())
}

// Close gives the share back. It is idempotent, and ends a read.
func (s *Share) Close() error {
	s.once.Do(func() {
		close(s.done)
		s.mux.mu.Lock()
		defer s.mux.mu.Unlock()
		s.mux.forgetLocked(s)
	})
	return nil
}

// LocalAddr is the socket's.
func (s *Share) LocalAddr() net.Addr { return s.mux.local }

// SetDeadline does nothing, as the next two: Close ends a read, no write waits.
func (s *Share) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.PacketConn.
func (s *Share) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.PacketConn.
func (s *Share) SetWriteDeadline(time.Time) error { return nil }
