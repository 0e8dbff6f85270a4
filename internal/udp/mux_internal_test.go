package udp

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/logging"
)

// message is a STUN message of the binding method, with a username unless that is "".
func message(c class, id transaction, user string) []byte {
	b := binary.BigEndian.AppendUint16(nil, 1|uint16(c&2)<<7|uint16(c&1)<<4)
	b = append(binary.BigEndian.AppendUint32(append(b, 0, 0), magicCookie), id[:]...)
	if user != "" {
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, userName), uint16(len(user)))
		b = append(append(b, user...), make([]byte, -len(user)&3)...)
	}
	return b
}

// muxed is a Mux that nobody reads for, and two shares of it.
func muxed(t *testing.T) (m *Mux, a, b *Share) {
	t.Helper()
	return muxedWith(t, nil)
}

func muxedWith(t *testing.T, logger logging.LeveledLogger) (m *Mux, a, b *Share) {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSocket(conn)
	if err != nil {
		t.Fatal(err)
	}
	local := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(conn.LocalAddr().String()))
	m = newMux(s, local, logger)
	go m.read()
	t.Cleanup(m.Close)
	if a, err = m.GetConn("a", local, &Drops{}); err != nil {
		t.Fatal(err)
	}
	if b, err = m.GetConn("b", local, &Drops{}); err != nil {
		t.Fatal(err)
	}
	return m, a, b
}

// An address is with the share that checks went both ways with, whatever another
// does, until they do so with that one.
func TestAddressIsNotTaken(t *testing.T) {
	m, a, b := muxed(t)
	x := netip.MustParseAddrPort("127.0.0.1:9")
	var ids byte
	write := func(s *Share, c class) transaction {
		t.Helper()
		ids++
		id := transaction{ids}
		if _, err := s.WriteToAddrPort(message(c, id, "peer:own"), x); err != nil {
			t.Fatal(err)
		}
		return id
	}
	gets := func(want *Share, when string, datagram []byte) {
		t.Helper()
		if got := m.receiver(datagram, x, time.Now); got != want {
			t.Errorf("%s: %p has it, want %p (a is %p, b is %p)", when, got, want, a, b)
		}
	}
	media := []byte{0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}

	gets(nil, "of a stranger", media)
	gets(nil, "for nobody", message(request, transaction{99}, "c:x"))
	gets(a, "a check of a's user", message(request, transaction{99}, "a:x"))
	gets(nil, "before it was answered", media)
	write(a, success)
	gets(a, "once it was answered", media)
	gets(a, "an answer to a", message(success, write(a, request), ""))

	// b's user names a's address as a candidate of its own.
	id := write(b, request)
	gets(a, "b sends to it", media)
	gets(b, "it answers b, as some do to anybody", message(success, id, ""))
	gets(a, "it has answered b", media)
	// b's user sends by a false address, and cannot see what comes there.
	gets(b, "a check of b's user", message(request, transaction{99}, "b:x"))
	write(b, success)
	gets(a, "b has answered a check", media)
	gets(nil, "an answer that was guessed", message(success, transaction{77}, ""))

	// The client has come back from the same address, as b's user.
	gets(b, "an answer to b", message(success, write(b, request), ""))
	gets(b, "checks went both ways", media)
	gets(a, "the session of before asks on", message(failure, write(a, request), ""))
	gets(b, "it does not matter", media)
	_ = b.Close()
	gets(nil, "b has ended", media)
	gets(nil, "b has ended", message(request, transaction{99}, "b:x"))
	if len(m.owners) != 0 || len(m.asked) != 0 {
		t.Errorf("left over: %v, %v", m.owners, m.asked)
	}
}

// Checks of one user come from so many addresses and no more, then one a minute.
func TestSourcesAreLimited(t *testing.T) {
	m, a, b := muxed(t)
	now := time.Now()
	clock := func() time.Time { return now }
	check := func(user string, port int) bool {
		from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(port))
		return m.receiver(message(request, transaction{1}, user), from, clock) != nil
	}
	taken := 0
	for port := range 1000 {
		if check("a:x", port) {
			taken++
		}
	}
	if dropped := a.drops.Sources.Load(); taken != maxSources || len(a.sources.known) != maxSources || dropped != 1000-maxSources {
		t.Errorf("%d sources are taken, %d kept, %d dropped", taken, len(a.sources.known), dropped)
	}
	if !check("a:x", 1) || check("a:x", 2000) || !check("b:x", 2000) {
		t.Error("a known source is refused, or one too many taken, or another user has to suffer")
	}
	now = now.Add(3*sourceEvery + time.Second)
	for port := range 5 {
		if got := check("a:x", 3000+port); got != (port < 3) {
			t.Errorf("source %d after three minutes: %v", port, got)
		}
	}
	if len(b.sources.known) != 1 {
		t.Errorf("b has %d sources", len(b.sources.known))
	}
}

// Of what nobody reads so much is kept.
func TestUnreadIsLimited(t *testing.T) {
	_, a, _ := muxed(t)
	from := netip.MustParseAddrPort("127.0.0.1:9")
	for range 2000 {
		a.put(make([]byte, 1000), from)
	}
	b := make([]byte, largest)
	read := 0
	for a.bytes > 0 || a.next < len(a.batch) {
		if n, _, err := a.ReadFromAddrPort(b); n != 1000 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
		read++
	}
	if lost := a.drops.Unread.Load(); read != maxWaiting/(1000+overhead) || lost != uint64(2000-read) {
		t.Errorf("%d were kept, %d lost", read, lost)
	}
	for range 50_000 {
		a.put(nil, from)
	}
	if len(a.waiting) > maxWaiting/overhead {
		t.Errorf("%d empty ones are kept", len(a.waiting))
	}
	for len(a.waiting) > 0 || a.next < len(a.batch) {
		if n, _, err := a.ReadFromAddrPort(b); n != 0 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	_ = a.Close()
	if _, _, err := a.ReadFromAddrPort(b); err == nil {
		t.Error("read after the end")
	}
}

// What a share still writes while it is closed leaves nothing behind.
func TestClosedShareHasNothing(t *testing.T) {
	m, a, b := muxed(t)
	x := netip.MustParseAddrPort("127.0.0.1:9")
	for _, s := range []*Share{a, b} {
		if m.receiver(message(request, transaction{9}, s.ufrag+":x"), x, time.Now) != s {
			t.Fatal("a check is not taken")
		}
	}
	_ = a.Close()
	m.shut() // which closes b
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, s := range []*Share{a, b} {
		m.askedLocked(s, transaction{byte(i)}, x)
		m.answeredLocked(s, x)
	}
	if len(m.owners) != 0 || len(m.asked) != 0 {
		t.Errorf("left over: %v, %v", m.owners, m.asked)
	}
}

// A read that fails now and then ends nothing, and a datagram that is too long is lost alone.
func TestReadingGoesOn(t *testing.T) {
	failed := make(chan struct{}, 1)
	m, a, _ := muxedWith(t, logging.NewDefaultLeveledLoggerForScope("udp", logging.LogLevelError, signal(failed)))
	if err := m.socket.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	<-failed
	if err := m.socket.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	conn, err := net.DialUDP("udp4", nil, m.local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	long, short := message(request, transaction{1}, "a:x"), message(request, transaction{2}, "a:x")
	for _, datagram := range [][]byte{append(long, make([]byte, largest)...), short} {
		if _, err := conn.Write(datagram); err != nil {
			t.Fatal(err)
		}
	}
	b := make([]byte, largest)
	if n, _, err := a.ReadFromAddrPort(b); err != nil || !bytes.Equal(b[:n], short) {
		t.Errorf("%d bytes, %v, want the short one", n, err)
	}
}

// signal is a writer that tells of each write.
type signal chan<- struct{}

func (s signal) Write(b []byte) (int, error) {
	select {
	case s <- struct{}{}:
	default:
	}
	return len(b), nil
}

// However a request is damaged, its username is not looked for outside of it.
func FuzzUfrag(f *testing.F) {
	f.Add(message(request, transaction{1}, "ufrag:x"))
	f.Add(message(request, transaction{1}, ""))
	f.Fuzz(func(t *testing.T, b []byte) {
		if classOf(b) != noSTUN && len(ufragOf(b)) > len(b) {
			t.Error("longer than the message")
		}
	})
}
