package session_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/session"
)

func ends(tb testing.TB, s *session.Session, limit time.Duration, reason string) {
	tb.Helper()
	select {
	case <-s.Done():
	case <-time.After(limit):
		tb.Fatalf("session has not ended after %v", limit)
	}
	if s.Reason() != reason {
		tb.Errorf("ended with %q, want %q", s.Reason(), reason)
	}
}

func TestSetupTimeout(t *testing.T) {
	g := newGateway(t, session.Options{SetupTimeout: 300 * time.Millisecond})
	s, _, err := g.Egress(context.Background(), g.request(newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false)))
	if err != nil {
		t.Fatal(err)
	}
	ends(t, s, within, session.ReasonSetup)
	_, err = g.patch(s, match(t, "*"), frag(""))
	refusal(t, err, 404, "no_such_session")
	refusal(t, g.Check(s.Secret()), 404, "no_such_session")
	if err := g.Delete(context.Background(), s.Secret()); err != nil {
		t.Errorf("first delete: %v", err)
	}
	refusal(t, g.Delete(context.Background(), s.Secret()), 404, "no_such_session")
}

// A player that does ICE and never begins DTLS ends with the set-up deadline.
func TestSetupTimeoutWithoutDTLS(t *testing.T) {
	g := newGateway(t, session.Options{SetupTimeout: 700 * time.Millisecond})
	p := newPlayer(t, playerOptions{settings: func(e *webrtc.SettingEngine) {
		if err := e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil { // both wait for the other
			t.Error(err)
		}
	}})
	s, answer, err := g.Egress(context.Background(), g.request(p.offer(t, playerOptions{}, false)))
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, strings.ReplaceAll(answer, "a=setup:passive", "a=setup:active"))
	eventually(t, within, func() string {
		if st := s.Stats().ICEState; st != "connected" {
			return "ICE is " + st
		}
		return ""
	})
	ends(t, s, within, session.ReasonSetup)
}

func TestVanishedPlayer(t *testing.T) {
	g := newGateway(t, session.Options{Consent: 1500 * time.Millisecond})
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	mux := webrtc.NewICEUDPMux(nil, conn)
	p, s, _ := g.join(t, playerOptions{settings: func(e *webrtc.SettingEngine) { e.SetICEUDPMux(mux) }})
	p.plays(t)
	if err := conn.Close(); err != nil { // as if its cable were cut
		t.Fatal(err)
	}
	began := time.Now()
	ends(t, s, within, session.ReasonConsent)
	if took := time.Since(began); took < time.Second {
		t.Errorf("noticed after %v", took)
	} else {
		webrtctest.InTime(t, "noticed", took, 3*time.Second)
	}
	_, err = g.patch(s, match(t, "*"), frag(""))
	refusal(t, err, 404, "no_such_session")
}

func TestPeerCloses(t *testing.T) {
	g := newGateway(t, session.Options{TombstoneExpiry: time.Hour})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	p.close()
	ends(t, s, within, session.ReasonPeer)
	if err := g.Delete(context.Background(), s.Secret()); err != nil {
		t.Errorf("first delete: %v", err)
	}
	refusal(t, g.Delete(context.Background(), s.Secret()), 404, "no_such_session")
}

func TestShutdown(t *testing.T) {
	g := newGateway(t, session.Options{})
	players := make([]*player, 10)
	sessions := make([]*session.Session, len(players))
	var wg sync.WaitGroup
	for i := range players {
		players[i], sessions[i], _ = g.join(t, playerOptions{})
	}
	for _, p := range players {
		p.plays(t)
	}
	began := time.Now()
	g.stop()
	for i, p := range players {
		wg.Go(func() {
			ends(t, sessions[i], within, session.ReasonShutdown)
			eventually(t, within, func() string {
				if state := p.pc.ConnectionState(); state != webrtc.PeerConnectionStateClosed {
					return fmt.Sprintf("player %d is %s", i, state)
				}
				return ""
			})
		})
	}
	wg.Wait()
	webrtctest.InTime(t, "all players are closed", time.Since(began), time.Second)
	_, _, err := g.Egress(context.Background(), g.request("v=0"))
	refusal(t, err, 503, "shutting_down")
}

// Run returns when also those sessions have given everything back that were
// being set up.
func TestShutdownDuringSetUp(t *testing.T) {
	offer := newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false)
	for range 10 {
		g := newGateway(t, session.Options{})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					_, _, err := g.Egress(context.Background(), g.request(offer))
					var r *wish.Refusal
					if errors.As(err, &r) && r.Code == "shutting_down" {
						return
					}
					if err != nil {
						t.Errorf("egress: %v", err)
						return
					}
				}
			})
		}
		eventually(t, within, func() string {
			if g.Places() < 8 {
				return "no sessions yet"
			}
			return ""
		})
		g.stop()
		if n := g.Places(); n != 0 {
			t.Errorf("%d sessions left", n)
		}
		wg.Wait()
	}
}

func TestCertificateRenewal(t *testing.T) {
	g := newGateway(t, session.Options{CertificateLife: 2 * time.Second})
	p, s, answer := g.join(t, playerOptions{})
	first := value(answer, "a=fingerprint:")
	p.plays(t)
	eventually(t, within, func() string {
		q, other, answer := g.join(t, playerOptions{})
		q.plays(t)
		defer q.close()
		defer other.Close(session.ReasonDeleted)
		if value(answer, "a=fingerprint:") == first {
			return "new sessions still have the first certificate"
		}
		return ""
	})
	eventually(t, within, func() string {
		if s.Stats().Age < 2500*time.Millisecond {
			return "the first certificate has not expired yet"
		}
		return ""
	})
	p.plays(t) // running sessions keep theirs
	offer := p.offer(t, playerOptions{}, true)
	patched, err := g.patch(s, match(t, "*"), frag(offer))
	if err != nil {
		t.Fatal(err)
	}
	p.accept(t, restarted(answer, *patched.Restart))
	p.plays(t)
}

func TestJoinLeaveLeavesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes six seconds")
	}
	g := newGateway(t, session.Options{})
	cycle := func(n int) {
		for i := range n {
			p, s, _ := g.join(t, playerOptions{})
			p.plays(t)
			if i%2 == 0 {
				s.Close(session.ReasonDeleted)
				p.close()
			} else {
				p.close()
				<-s.Done()
			}
		}
	}
	cycle(5)
	before := runtime.NumGoroutine()
	cycle(50)
	eventually(t, within, func() string {
		if now := runtime.NumGoroutine(); now > before {
			return fmt.Sprintf("%d goroutines, %d before", now, before)
		}
		return ""
	})
}

func TestPorts(t *testing.T) {
	g := newGateway(t, session.Options{})
	addresses := g.Addresses()
	if len(addresses) == 0 {
		t.Fatal("no addresses")
	}
	for _, a := range addresses {
		if a.Port() != addresses[0].Port() || a.Port() == 0 {
			t.Errorf("ports differ: %v", addresses)
		}
	}
	if !g.has(netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("no loopback among %v", addresses)
	}
	other, err := session.New(session.Options{Registry: g.registry, Logger: discard(), UDPPort: int(addresses[0].Port())})
	if err != nil {
		t.Fatal(err)
	}
	err = other.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(addresses[0].Port())) {
		t.Errorf("a taken port: %v", err)
	}
	_, _, err = other.Egress(context.Background(), g.request("v=0"))
	refusal(t, err, 503, "shutting_down")
}

func (g *gateway) has(a netip.Addr) bool {
	for _, p := range g.Addresses() {
		if p.Addr() == a {
			return true
		}
	}
	return false
}

// A player on this machine needs one address, and can still restart ICE.
func TestSettledSession(t *testing.T) {
	var o session.Options
	o.SettleSoon()
	g := newGateway(t, o)
	p, s, answer := g.join(t, playerOptions{})
	p.plays(t)
	for range 2 {
		eventually(t, within, func() string {
			if n := s.OpenConns(); n != 1 {
				return fmt.Sprintf("has a share of %d sockets", n)
			}
			return ""
		})
		p.plays(t)
		patched, err := g.patch(s, match(t, "*"), frag(p.offer(t, playerOptions{}, true)))
		if err != nil {
			t.Fatal(err)
		}
		if n, all := s.OpenConns(), len(g.Addresses()); n != all {
			t.Errorf("after a restart has a share of %d sockets, want %d", n, all)
		}
		p.accept(t, restarted(answer, *patched.Restart))
		p.plays(t)
	}
}
