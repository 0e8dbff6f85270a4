package session_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"weir/internal/wish"
	"weir/session"
)

// refusal fails unless err is a refusal of the status and code.
func refusal(tb testing.TB, err error, status int, code string) wish.Refusal {
	tb.Helper()
	var r *wish.Refusal
	if !errors.As(err, &r) {
		tb.Fatalf("error %v, want refusal %d %s", err, status, code)
	}
	if r.Status != status || r.Code != code {
		tb.Fatalf("refused with %d %s (%s), want %d %s", r.Status, r.Code, r.Detail, status, code)
	}
	return *r
}

func TestMediaFlow(t *testing.T) {
	g := newGateway(t, session.Options{})
	for _, c := range []struct {
		name    string
		options playerOptions
		setup   string
	}{
		{"actpass", playerOptions{}, "passive"},
		{"passive", playerOptions{answering: true, settings: func(e *webrtc.SettingEngine) {
			if err := e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
				t.Error(err)
			}
		}}, "active"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, s, answer := g.join(t, c.options)
			if got := value(answer, "a=setup:"); got != c.setup {
				t.Errorf("setup:%s, want %s", got, c.setup)
			}
			p.plays(t)
			st := s.Stats()
			if !st.Connected || st.Packets == 0 || st.Candidates[0] == "" || len(st.Media) != 2 {
				t.Errorf("stats %+v", st)
			}
			eventually(t, within, func() string {
				for _, f := range s.Stats().Media {
					if f.Reports == 0 {
						return "no receiver report of " + f.Kind
					}
				}
				return ""
			})
			if err := g.Delete(context.Background(), s.Secret()); err != nil {
				t.Errorf("delete: %v", err)
			}
			eventually(t, within, func() string {
				if state := p.pc.ConnectionState(); state != webrtc.PeerConnectionStateClosed {
					return "player is " + state.String()
				}
				return ""
			})
			refusal(t, g.Delete(context.Background(), s.Secret()), 404, "no_such_session")
		})
	}
}

func TestAnswerCandidates(t *testing.T) {
	g := newGateway(t, session.Options{})
	for _, c := range []struct {
		name     string
		change   func(*session.Request)
		first    string // address, "" for any but loopback
		loopback bool
	}{
		{"ipv4", func(*session.Request) {}, "127.0.0.1", true},
		{"ipv6", func(r *session.Request) {
			r.Remote, r.Local = netip.MustParseAddrPort("[::1]:40000"), netip.MustParseAddrPort("[::1]:8080")
		}, "127.0.0.1", true},
		{"forwarded", func(r *session.Request) { r.Forwarded = true }, "", false},
		{"remote", func(r *session.Request) { r.Remote = netip.MustParseAddrPort("192.0.2.1:40000") }, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !c.loopback && !slices.ContainsFunc(g.Addresses(), func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }) {
				t.Skip("this machine has loopback addresses only")
			}
			r := g.request(newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false))
			c.change(&r)
			s, answer, err := g.Egress(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(session.ReasonDeleted)
			lines := values(answer, "a=candidate:")
			if len(lines) == 0 {
				t.Fatalf("no candidates in\n%s", answer)
			}
			for i, line := range lines {
				fields := strings.Fields(line)
				addr := netip.MustParseAddr(fields[4])
				if i == 0 && (c.first != "" && fields[4] != c.first || !addr.Is4()) {
					t.Errorf("first candidate %s, want %s", line, c.first)
				}
				if addr.IsLoopback() && !c.loopback {
					t.Errorf("loopback candidate %s", line)
				}
				if len(fields) != 8 || fields[2] != "udp" || fields[7] != "host" {
					t.Errorf("candidate %s", line)
				}
			}
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	g := newGateway(t, session.Options{})
	offer := newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false)
	egress := func(change func(*session.Request)) error {
		r := g.request(offer)
		change(&r)
		_, _, err := g.Egress(context.Background(), r)
		return err
	}
	refusal(t, egress(func(r *session.Request) { r.Stream = "-" }), 404, "no_such_stream")
	one := refusal(t, egress(func(r *session.Request) { r.Stream = "other" }), 409, "stream_not_live")
	if one.Headers["Retry-After"] != "2" {
		t.Errorf("headers %v", one.Headers)
	}
	var r *wish.Refusal
	if err := egress(func(r *session.Request) { r.Offer = "nonsense" }); !errors.As(err, &r) || r.Status != 400 {
		t.Errorf("nonsense: %v", err)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := g.Egress(canceled, g.request(offer)); err == nil {
		t.Error("a session for a client that has gone")
	}
	if n := len(g.Sessions()); n != 0 {
		t.Errorf("%d sessions remain", n)
	}
}

func TestLimits(t *testing.T) {
	g := newGateway(t, session.Options{MaxSessions: 4, MaxPerAddress: 3, MaxConnecting: 2})
	offer := newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false)
	from := func(addr string) (*session.Session, error) {
		r := g.request(offer)
		r.Remote = netip.MustParseAddrPort(addr)
		r.Forwarded = false
		s, _, err := g.Egress(context.Background(), r)
		return s, err
	}
	must := func(addr string) *session.Session {
		t.Helper()
		s, err := from(addr)
		if err != nil {
			t.Fatalf("from %s: %v", addr, err)
		}
		return s
	}
	if !slices.ContainsFunc(g.Addresses(), func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }) {
		t.Skip("this machine has loopback addresses only")
	}
	first := must("192.0.2.1:1")
	must("192.0.2.1:2")
	_, err := from("[::ffff:192.0.2.1]:3")
	if r := refusal(t, err, 429, "too_many_connecting"); r.Headers["Retry-After"] == "" {
		t.Error("no Retry-After")
	}
	first.Close(session.ReasonDeleted)
	must("192.0.2.1:3")
	must("192.0.2.2:1")
	must("192.0.2.2:2")
	_, err = from("192.0.2.3:1")
	if r := refusal(t, err, 503, "server_full"); r.Headers["Retry-After"] == "" {
		t.Error("no Retry-After")
	}
	_, err = from("127.0.0.1:1")
	refusal(t, err, 503, "server_full")
}

// Whoever has an IPv6 address has 2^64 of them.
func TestLimitByNetwork(t *testing.T) {
	g := newGateway(t, session.Options{MaxPerAddress: 1})
	if !slices.ContainsFunc(g.Addresses(), func(a netip.AddrPort) bool { return !a.Addr().IsLoopback() }) {
		t.Skip("this machine has loopback addresses only")
	}
	r := g.request(newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false))
	from := func(addr string) error {
		r.Remote = netip.MustParseAddrPort(addr)
		_, _, err := g.Egress(context.Background(), r)
		return err
	}
	if err := from("[2001:db8:0:1::1]:1"); err != nil {
		t.Fatal(err)
	}
	refusal(t, from("[2001:db8:0:1:ffff::2]:1"), 429, "too_many_sessions")
	if err := from("[2001:db8:0:2::1]:1"); err != nil {
		t.Errorf("from another network: %v", err)
	}
}

// A player that is told one address alone reaches the server there, on each
// that this machine has.
func TestEachAddress(t *testing.T) {
	g := newGateway(t, session.Options{})
	for _, address := range g.Addresses() {
		t.Run(address.Addr().String(), func(t *testing.T) {
			if a := address.Addr(); a.Is6() && a.IsLoopback() && !slices.ContainsFunc(g.Addresses(), func(o netip.AddrPort) bool {
				return o.Addr().Is6() && !o.Addr().IsLoopback()
			}) {
				t.Skip("pion's player sends from no ::1, and there is no other IPv6 address")
			}
			p := newPlayer(t, playerOptions{settings: func(e *webrtc.SettingEngine) {
				e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
			}})
			r := g.request(p.offer(t, playerOptions{trickle: true}, false)) // we learn its address by its checks
			r.Local = netip.AddrPortFrom(address.Addr(), 8080)
			r.Remote = netip.AddrPortFrom(address.Addr(), 40000)
			s, answer, err := g.Egress(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(session.ReasonDeleted)
			one := ""
			for _, c := range values(answer, "a=candidate:") {
				if strings.Fields(c)[4] == address.Addr().String() {
					one = "a=candidate:" + c + "\r\n"
				}
			}
			if one == "" {
				t.Fatalf("no candidate for it in\n%s", answer)
			}
			p.accept(t, strings.Replace(without(answer, "a=candidate:"), "a=end-of-candidates\r\n", one+"a=end-of-candidates\r\n", 1))
			p.plays(t)
			if pair := s.Stats().Candidates; !strings.Contains(pair[0], address.String()) {
				t.Errorf("selected %v, want %v", pair, address)
			}
		})
	}
}
