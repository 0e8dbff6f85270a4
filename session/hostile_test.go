package session_test

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"weir/session"
)

// Who names a player's address as a candidate of its own gets nothing of what that
// player sends.
func TestAnothersAddressAsCandidate(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	host, port, err := net.SplitHostPort(strings.Fields(s.Stats().Candidates[1])[1])
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o := playerOptions{trickle: true}
		offer := newPlayer(t, o).offer(t, o, false)
		offer = strings.ReplaceAll(offer, "a=ice-pwd", "a=candidate:1 1 udp 2130706431 "+host+" "+port+" typ host\r\na=ice-pwd")
		if _, _, err := g.Egress(t.Context(), g.request(offer)); err != nil {
			t.Fatal(err)
		}
	}
	asked := func() (n uint64) {
		for _, m := range s.Stats().Media {
			n += m.KeyFrames
		}
		return n
	}
	before := asked()
	const requests = 50
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range requests {
		<-tick.C
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: s.SSRC()}}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, within, func() string {
		if asked() < before+requests {
			return "some of what the player said"
		}
		return ""
	})
}

// A client that comes back from the same address, before its old session has
// ended, is served.
func TestBackFromTheSameAddress(t *testing.T) {
	g := newGateway(t, session.Options{})
	join := func(at *net.UDPAddr) (conn *net.UDPConn, s *session.Session) {
		t.Helper()
		conn, err := net.ListenUDP("udp4", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		mux := webrtc.NewICEUDPMux(nil, conn)
		p, s, _ := g.join(t, playerOptions{settings: func(e *webrtc.SettingEngine) { e.SetICEUDPMux(mux) }})
		p.plays(t)
		return conn, s
	}
	conn, old := join(&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	at, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		t.Fatal("no UDP address")
	}
	_ = conn.Close() // it has vanished
	join(at)
	if old.Reason() != "" {
		t.Errorf("the old session has ended: %s", old.Reason())
	}
}

// Checks that come from ever new addresses make no more candidates than a client
// may have.
func TestSourcesWithoutEnd(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	flood(t, s, g.local(t))
	p.plays(t)
}

// The same holds for who answers an offer of ours.
func TestSourcesWithoutEndOfAServer(t *testing.T) {
	t.Parallel()
	from, to := newGateway(t, session.Options{}), newGateway(t, session.Options{})
	p := pulled(t, to, "copy")
	_, s := pull(t, from, to, p)
	played(t, p, 50)
	flood(t, s, netip.MustParseAddrPort(strings.Fields(s.Stats().Candidates[0])[1]))
	played(t, p, 50)
}

// flood sends checks with the session's passwords from 300 addresses to one of its own.
func flood(t *testing.T, s *session.Session, local netip.AddrPort) {
	t.Helper()
	credentials := s.Credentials() // our ufrag and password, the player's
	to := net.UDPAddrFromAddrPort(local)
	conns := make([]*net.UDPConn, 300)
	for i := range conns {
		conn, err := net.DialUDP("udp4", nil, to)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write(check(credentials[0]+":"+credentials[2], credentials[1])); err != nil {
			t.Fatal(err)
		}
		conns[i] = conn
	}
	answered, deadline := 0, time.Now().Add(within)
	b := make([]byte, 1500)
	for i, conn := range conns {
		if i == 1 { // the first is answered, so the others have been or never will be
			deadline = time.Now().Add(300 * time.Millisecond)
		}
		_ = conn.SetReadDeadline(deadline)
		n, err := conn.Read(b)
		var timeout net.Error
		if err != nil && (!errors.As(err, &timeout) || !timeout.Timeout()) {
			t.Fatal(err)
		}
		if n > 0 {
			answered++
		}
	}
	if answered == 0 || answered > 100 {
		t.Errorf("%d of %d sources were answered", answered, len(conns))
	}
	if s.Stats().Drops["too_many_addresses"] == 0 {
		t.Error("nothing is counted")
	}
}
