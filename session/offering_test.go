package session_test

import (
	"errors"
	"strings"
	"testing"

	"weir/internal/wish"
	"weir/session"
	"weir/session/negotiate"
	"weir/stream"
)

// pulled publishes a stream that Pull feeds.
func pulled(t *testing.T, g *gateway, name string) *stream.Publication {
	t.Helper()
	p, err := g.registry.PublishWith(name, stream.PublishOptions{By: "test", Specs: negotiate.PullSpecs(), Alternatives: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close("end of test") })
	return p
}

// played waits until so many packets of sound and of pictures have come.
func played(t *testing.T, p *stream.Publication, more uint64) {
	t.Helper()
	before := map[string]uint64{}
	for _, track := range p.Tracks() {
		before[track.Format().Name] = track.Stats().Packets
	}
	eventually(t, within, func() string {
		for _, track := range p.Tracks() {
			name := track.Format().Name
			if (name == "H264" || name == "opus") && track.Stats().Packets < before[name]+more {
				return "packets of " + name
			}
		}
		return ""
	})
}

// pull makes a session of to that pulls what from publishes into the publication,
// and returns both ends.
func pull(t *testing.T, from, to *gateway, p *stream.Publication) (origin, s *session.Session) {
	t.Helper()
	o, err := to.Pull(t.Context(), p, session.OfferOptions{Local: true})
	if err != nil {
		t.Fatal(err)
	}
	origin, answer, err := from.Egress(t.Context(), session.Request{Stream: "test", Offer: o.Offer(), Remote: from.loopback})
	if err != nil {
		t.Fatal(err)
	}
	s, err = o.Answer(answer, from.loopback)
	if err != nil {
		t.Fatal(err)
	}
	return origin, s
}

func TestPull(t *testing.T) {
	t.Parallel()
	from, to := newGateway(t, session.Options{}), newGateway(t, session.Options{})
	p := pulled(t, to, "copy")
	for range 2 { // one session after another, into one publication
		p.Anew()
		origin, s := pull(t, from, to, p)
		played(t, p, 50)
		fragment, err := s.BeginRestart(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		fragment, err = wish.ParseFragment([]byte(fragment.String()))
		if err != nil {
			t.Fatal(err)
		}
		patched, err := origin.Restart(t.Context(), fragment)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.FinishRestart(*patched.Restart); err != nil {
			t.Fatal(err)
		}
		played(t, p, 50)
		if stats := s.Stats(); stats.Packets == 0 || s.Signs() == 0 || !s.Connected() {
			t.Errorf("stats: %+v", stats)
		}
		s.Close("test")
		if p.Reason() != "" {
			t.Errorf("the publication ended with the session: %s", p.Reason())
		}
	}
}

func TestPush(t *testing.T) {
	t.Parallel()
	from, to := newGateway(t, session.Options{}), newGateway(t, session.Options{})
	st, _ := from.registry.Find("test")
	o, err := from.Push(t.Context(), st, session.OfferOptions{Local: true})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(o.Offer(), "profile-level-id=42e01f") {
		t.Errorf("the offer does not say the stream's profile:\n%s", o.Offer())
	}
	_, answer, err := to.Ingest(t.Context(), session.Request{Stream: "copy", Offer: o.Offer(), Remote: to.loopback})
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Answer(answer, to.loopback)
	if err != nil {
		t.Fatal(err)
	}
	copied, _ := to.registry.Find("copy")
	played(t, copied.Publication(), 100)
	eventually(t, within, func() string {
		if s.Signs() == 0 {
			return "a report of the other server's"
		}
		return ""
	})
	s.Close("test")
	silent, err := from.Push(t.Context(), pulled(t, from, "silent").Stream(), session.OfferOptions{Local: true})
	if err != nil {
		t.Fatalf("a stream that is live and silent: %v", err)
	}
	silent.Close()
}

// An offering ends with an answer that is of no use.
func TestAnswersThatAreOfNoUse(t *testing.T) {
	t.Parallel()
	from, to := newGateway(t, session.Options{}), newGateway(t, session.Options{})
	p := pulled(t, to, "copy")
	good := func(t *testing.T, o *session.Offering) string {
		t.Helper()
		_, answer, err := from.Egress(t.Context(), session.Request{Stream: "test", Offer: o.Offer(), Remote: from.loopback})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	for name, spoil := range map[string]func(string) string{
		"empty":        func(string) string { return "" },
		"nothing sent": func(s string) string { return strings.ReplaceAll(s, "a=sendonly", "a=inactive") },
	} {
		t.Run(name, func(t *testing.T) {
			o, err := to.Pull(t.Context(), p, session.OfferOptions{Local: true})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.Answer(spoil(good(t, o)), from.loopback); !errors.Is(err, negotiate.ErrAnswer) {
				t.Errorf("got %v", err)
			}
		})
	}
	if n := len(to.Sessions()); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	o, err := to.Pull(t.Context(), p, session.OfferOptions{})
	if err != nil && !strings.Contains(err.Error(), "no_address") {
		t.Fatal(err)
	}
	if err == nil {
		if strings.Contains(o.Offer(), "127.0.0.1") {
			t.Error("another machine is told of loopback")
		}
		o.Close()
	}
}
