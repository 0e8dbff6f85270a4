package session_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"weir/internal/codec"
	"weir/internal/wish"
	"weir/session"
	"weir/session/negotiate"
	"weir/stream"
)

// verdict is what a player is told, or "created".
func verdict(tb testing.TB, err error) wish.Refusal {
	tb.Helper()
	if err == nil {
		return wish.Refusal{Status: 201, Code: "created"}
	}
	r, ok := err.(*wish.Refusal) //nolint:errorlint // it is returned as it is
	if !ok {
		tb.Fatalf("not a refusal: %v", err)
	}
	return *r
}

// asked is what Egress makes of a request; it leaves no session.
func (g *gateway) asked(tb testing.TB, r session.Request) wish.Refusal {
	tb.Helper()
	s, _, err := g.Egress(context.Background(), r)
	if err == nil {
		s.Close(session.ReasonOperator)
	}
	return verdict(tb, err)
}

// explained is what Explain says of a request, which must be nothing but words.
func (g *gateway) explained(tb testing.TB, r session.Request) wish.Refusal {
	tb.Helper()
	const calls = 5 // what each left behind would be seen beside what the gateway does meanwhile
	before, places, sessions := runtime.NumGoroutine(), g.Places(), len(g.Sessions())
	var plan *negotiate.Plan
	var err error
	for range calls {
		plan, _, err = g.Explain(r)
	}
	if (plan == nil) == (err == nil) {
		tb.Errorf("plan %v and error %v", plan, err)
	}
	eventually(tb, within, func() string {
		if now := runtime.NumGoroutine(); now >= before+calls {
			return fmt.Sprintf("%d goroutines more", now-before)
		}
		return ""
	})
	if g.Places() != places || len(g.Sessions()) != sessions {
		tb.Error("it counts as a session")
	}
	return verdict(tb, err)
}

// Each recorded player's offer gets the same verdict as by a POST: on a stream
// that is live, one that is not, one that is hidden and a name that is none.
func TestExplainIsWhatEgressSays(t *testing.T) {
	g := newGateway(t, session.Options{MaxConnecting: 1000})
	offers := recorded(t, "")
	offers["nonsense"] = "nonsense"
	served := 0
	for name, offer := range offers {
		t.Run(name, func(t *testing.T) {
			var hidden, dead wish.Refusal
			for what, change := range map[string]func(*session.Request){
				"live":   func(*session.Request) {},
				"dead":   func(r *session.Request) { r.Stream = "nobody" },
				"hidden": func(r *session.Request) { r.Hidden = func() bool { return true } },
				"bad":    func(r *session.Request) { r.Stream = "-" },
			} {
				r := g.request(offer)
				change(&r)
				said := g.explained(t, r)
				if diff := cmp.Diff(g.asked(t, r), said); diff != "" {
					t.Errorf("%s: %s", what, diff)
				}
				switch {
				case what == "live" && said.Status == 201:
					served++
				case what == "hidden":
					hidden = said
				case what == "dead":
					dead = said
				}
			}
			if diff := cmp.Diff(dead, hidden); diff != "" || dead.Code != "stream_not_live" {
				t.Errorf("hidden differs from dead: %s", diff)
			}
		})
	}
	if served < 10 {
		t.Errorf("only %d offers are served", served)
	}
}

// A stream's policy is heard: what it would make of a player that comes before the
// publisher, and of a publisher that comes while another publishes, is what a POST
// comes to.
func TestExplainByPolicy(t *testing.T) {
	slates := stream.New(stream.Options{NewFlusher: session.NewFlusher})
	cards := []stream.Spec{{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}}}
	shown := 0
	g := newGateway(t, session.Options{
		HoldTime: 50 * time.Millisecond, MaxConnecting: 1000,
		Policy: func(name string) session.Policy {
			early, takeOver := session.EarlyRefuse, session.TakeOverSame
			switch name {
			case "hold":
				early, takeOver = session.EarlyHold, session.TakeOverHold
			case "slate", "none":
				early, takeOver = session.EarlySlate, session.TakeOverRefuse
			}
			return session.Policy{Early: early, TakeOver: takeOver}
		},
		Slate: func(name string, _ bool) (*stream.Stream, error) {
			if name == "none" {
				return nil, stream.ErrNotLive
			}
			shown++
			p, err := slates.PublishWith(name, stream.PublishOptions{By: "slate", Specs: cards, StandIn: true})
			if err != nil {
				return nil, err
			}
			return p.Stream(), nil
		},
		SlateSpecs: func(name string, _ bool) ([]stream.Spec, error) {
			if name == "none" {
				return nil, stream.ErrNotLive
			}
			return cards, nil
		},
	})
	offer := newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false)
	for name, want := range map[string]struct {
		code string
		held bool
	}{
		"refuse": {"stream_not_live", false}, "hold": {"stream_not_live", true}, "slate": {"created", false}, "none": {"stream_not_live", false},
	} {
		for what, offer := range map[string]string{"good": offer, "bad": "nonsense"} {
			r := g.request(offer)
			r.Stream = name
			said := g.explained(t, r)
			plan, held, _ := g.Explain(r)
			if shown != 0 {
				t.Fatal("to explain shows a slate")
			}
			if diff := cmp.Diff(g.asked(t, r), said); diff != "" || what == "good" && said.Code != want.code || held != (want.held && what == "good") {
				t.Errorf("%s, %s offer: %s, held %t: %s", name, what, said.Code, held, diff)
			}
			if plan != nil && plan.Accepted()[0].Format.Name != codec.VP8 {
				t.Errorf("%s: a plan for %s", name, plan.Accepted()[0].Format.Name)
			}
			shown = 0
		}
	}
	offer = recorded(t, "publish/")["chromium-156-simulcast"]
	for name, held := range map[string]bool{"refuse": false, "hold": true, "slate": false} {
		if _, err := g.registry.Publish(name, "somebody", cards); err != nil {
			t.Fatal(err)
		}
		r := g.request(offer)
		r.Stream = name
		plan, got, err := g.ExplainIngest(r)
		_, _, asked := g.Ingest(context.Background(), r)
		if diff := cmp.Diff(verdict(t, asked), verdict(t, err)); diff != "" || plan != nil || got != held || verdict(t, err).Code != "stream_published" {
			t.Errorf("publishing into %s: %v, held %t: %s", name, err, got, diff)
		}
	}
}

// Where there is no more room to wait in, nobody would be held.
func TestExplainNoRoom(t *testing.T) {
	g := newGateway(t, session.Options{
		MaxHeld: 1, Policy: func(string) session.Policy { return session.Policy{Early: session.EarlyHold} },
	})
	r := g.request(newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false))
	r.Stream = "nobody"
	ctx, leave := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _, _ = g.Egress(ctx, r)
	}()
	eventually(t, within, func() string {
		if g.Held() == 0 {
			return "nobody is held"
		}
		return ""
	})
	if _, held, err := g.Explain(r); held || verdict(t, err).Code != "stream_not_live" {
		t.Errorf("held %t, %v", held, err)
	}
	leave()
	<-ended
}

// The plan is the one that the session has.
func TestExplainPlan(t *testing.T) {
	g := newGateway(t, session.Options{})
	for name, offer := range recorded(t, "") {
		plan, _, err := g.Explain(g.request(offer))
		if err != nil {
			continue
		}
		s, _, err := g.Egress(context.Background(), g.request(offer))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var accepted []session.MediaStats
		for _, section := range plan.Accepted() {
			accepted = append(accepted, session.MediaStats{
				Kind: section.Kind, Codec: codec.Canonical(section.Format.Name), Fmtp: section.Format.Fmtp, PayloadType: section.PayloadType,
			})
		}
		st := s.Stats()
		diff := cmp.Diff(accepted, st.Media, cmpopts.IgnoreFields(session.MediaStats{}, "Profile", "SSRC", "Sent"))
		if diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, m := range st.Media {
			if m.Codec == "H264" && m.Profile == "" && m.Fmtp != "" {
				t.Errorf("%s: no profile of %q", name, m.Fmtp)
			}
		}
		s.Close(session.ReasonOperator)
		if s.Reason() != "ended_by_operator" {
			t.Errorf("ended with %s", s.Reason())
		}
	}
}

// Limits count as they stand, and explaining does not use them up.
func TestExplainLimits(t *testing.T) {
	for _, c := range []struct {
		options session.Options
		code    string
	}{
		{session.Options{MaxSessions: 1}, "server_full"},
		{session.Options{MaxPerAddress: 1}, "too_many_sessions"},
		{session.Options{MaxConnecting: 1}, "too_many_connecting"},
	} {
		t.Run(c.code, func(t *testing.T) {
			g := newGateway(t, c.options)
			r := g.request(newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false))
			r.Remote = netip.MustParseAddrPort("192.0.2.1:1")
			for range 3 {
				if said := g.explained(t, r); said.Code == "no_address" {
					t.Skip("this machine has loopback addresses only")
				} else if said.Code != "created" {
					t.Fatalf("the first: %s", said.Code)
				}
			}
			s, _, err := g.Egress(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close(session.ReasonDeleted)
			said := g.explained(t, r)
			if diff := cmp.Diff(g.asked(t, r), said); diff != "" || said.Code != c.code {
				t.Errorf("%s: %s", said.Code, diff)
			}
		})
	}
}

func TestExplainWhenEnding(t *testing.T) {
	g := newGateway(t, session.Options{})
	r := g.request(newPlayer(t, playerOptions{}).offer(t, playerOptions{}, false))
	g.stop()
	said := g.explained(t, r)
	if diff := cmp.Diff(g.asked(t, r), said); diff != "" || said.Code != "shutting_down" {
		t.Errorf("%s: %s", said.Code, diff)
	}
}

// End takes a stream's players away, and nobody else's.
func TestEndStream(t *testing.T) {
	g := newGateway(t, session.Options{})
	p, s, _ := g.join(t, playerOptions{})
	p.plays(t)
	g.End("other", session.ReasonPrivate)
	if s.Reason() != "" {
		t.Errorf("ended with %s", s.Reason())
	}
	g.End("test", session.ReasonPrivate)
	if s.Reason() != session.ReasonPrivate || len(g.Sessions()) != 0 {
		t.Errorf("reason %q, %d sessions", s.Reason(), len(g.Sessions()))
	}
}

// Recheck takes away those that are barred, and nobody else.
func TestRecheckEndsBarred(t *testing.T) {
	g := newGateway(t, session.Options{})
	var reason atomic.Pointer[string]
	reason.Store(new(""))
	one := newPlayer(t, playerOptions{})
	r := g.request(one.offer(t, playerOptions{}, false))
	r.Barred = func() string { return *reason.Load() }
	s, _, err := g.Egress(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := g.join(t, playerOptions{})
	g.Recheck()
	if s.Reason() != "" {
		t.Errorf("ended with %s", s.Reason())
	}
	reason.Store(new(session.ReasonRevoked))
	g.Recheck()
	<-s.Done()
	if s.Reason() != session.ReasonRevoked || other.Reason() != "" {
		t.Errorf("reasons %q and %q", s.Reason(), other.Reason())
	}
	if _, err := g.Find(s.Secret()); verdict(t, err).Code != session.ReasonRevoked {
		t.Errorf("then it is %v", err)
	}
	if _, _, err := g.Egress(t.Context(), r); verdict(t, err).Code != session.ReasonRevoked || len(g.Sessions()) != 1 {
		t.Errorf("barred while it is made: %v, %d sessions", err, len(g.Sessions()))
	}
}
