package session

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// holding is a Manager that takes requests though it has no sockets: what it
// answers ends with no_address or before.
func holding(t *testing.T, o Options) *Manager {
	t.Helper()
	o.Registry, o.Logger = stream.New(stream.Options{}), slog.New(slog.DiscardHandler)
	o.Policy = func(name string) Policy {
		if name == "refusing" {
			return Policy{TakeOver: TakeOverRefuse}
		}
		return Policy{Early: EarlyHold, TakeOver: TakeOverHold}
	}
	m, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	close(m.ready)
	return m
}

// A description that is well-formed, but offers nothing.
const emptyOffer = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"

func from(addr string) Request {
	return Request{Stream: "live", Offer: emptyOffer, Remote: netip.MustParseAddrPort(addr)}
}

// result is what became of a request, and when.
type result struct {
	code  string
	err   error
	after time.Duration
}

func ask(ctx context.Context, call func(context.Context, Request) (*Session, string, error), r Request) <-chan result {
	done := make(chan result, 1)
	begun := time.Now()
	go func() {
		_, _, err := call(ctx, r)
		done <- result{refusalCode(err), err, time.Since(begun)}
	}()
	return done
}

func publishLive(t *testing.T, m *Manager) *stream.Publication {
	t.Helper()
	p, err := m.options.Registry.Publish("live", "somebody", []stream.Spec{{Format: codec.Format{Name: codec.VP8, ClockRate: 90000}}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func want(t *testing.T, got result, code string, after time.Duration) {
	t.Helper()
	if got.code != code || got.after != after {
		t.Errorf("%s (%v) after %v, want %s after %v", got.code, got.err, got.after, code, after)
	}
}

func (m *Manager) nobodyIsHeld(t *testing.T) {
	t.Helper()
	if n := m.Held(); n != 0 {
		t.Errorf("%d are held", n)
	}
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, Options{})
		late := ask(t.Context(), m.Egress, from("192.0.2.1:1"))
		want(t, <-late, codeNotLive, 20*time.Second)
		r := from("192.0.2.1:1")
		r.Stream = "refusing"
		want(t, <-ask(t.Context(), m.Egress, r), codeNotLive, 0)

		r = from("192.0.2.1:1")
		r.Offer = "nonsense" // is not kept
		want(t, <-ask(t.Context(), m.Egress, r), "sdp_malformed", 0)

		held := ask(t.Context(), m.Egress, from("192.0.2.1:1"))
		time.Sleep(time.Second)
		p := publishLive(t, m)
		want(t, <-held, "no_media", time.Second) // the offer is negotiated, at once

		publishing := ask(t.Context(), m.Ingest, from("192.0.2.1:1"))
		time.Sleep(time.Second)
		p.Close("end of test")
		want(t, <-publishing, "no_media", time.Second)

		p = publishLive(t, m)
		want(t, <-ask(t.Context(), m.Ingest, from("192.0.2.1:1")), codePublished, 20*time.Second)
		p.Close("end of test")
		m.nobodyIsHeld(t)
	})
}

// A stream that the caller may not know of is as one that nobody publishes, also
// where it begins, or becomes private, while the request is held.
func TestHoldTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, Options{})
		var private atomic.Bool
		r := from("192.0.2.1:1")
		r.Hidden = private.Load
		before := ask(t.Context(), m.Egress, r)
		time.Sleep(time.Second)
		private.Store(true)
		p := publishLive(t, m)
		during := ask(t.Context(), m.Egress, r)
		time.Sleep(time.Second)
		p.Close("end of test")
		want(t, <-before, codeNotLive, 20*time.Second)
		want(t, <-during, codeNotLive, 20*time.Second)
		m.nobodyIsHeld(t)
	})
}

func TestHoldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, Options{MaxHeld: 5, MaxHeldPerAddress: 2})
		ctx, leave := context.WithCancel(t.Context())
		one := ask(ctx, m.Egress, from("192.0.2.1:1"))
		two := ask(t.Context(), m.Egress, from("192.0.2.1:2"))
		synctest.Wait()
		want(t, <-ask(t.Context(), m.Egress, from("192.0.2.1:3")), codeNotLive, 0)
		leave() // its place is free at once
		if got := <-one; !errors.Is(got.err, context.Canceled) || got.after != 0 {
			t.Errorf("%v after %v", got.err, got.after)
		}
		all := []<-chan result{two}
		for _, addr := range []string{"192.0.2.1:3", "127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"} {
			all = append(all, ask(t.Context(), m.Egress, from(addr)))
		}
		synctest.Wait()
		want(t, <-ask(t.Context(), m.Egress, from("192.0.2.2:1")), codeNotLive, 0)
		time.Sleep(time.Second)
		m.drain()
		for _, held := range all {
			want(t, <-held, "shutting_down", time.Second)
		}
		m.nobodyIsHeld(t)
	})
}

// What is asked for anew: who was barred goes at once, a stream that may be known
// of now is answered, and at the deadline all is looked at once more.
func TestHoldLooksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := holding(t, Options{})
		var private, revoked atomic.Bool
		private.Store(true)
		r := from("192.0.2.1:1")
		r.Hidden = private.Load
		p := publishLive(t, m)
		held := ask(t.Context(), m.Egress, r)
		shown := make(chan time.Duration, 1)
		go func() {
			begun := time.Now()
			m.Await(t.Context(), r, 15*time.Second)
			shown <- time.Since(begun)
		}()
		barred := from("192.0.2.1:2")
		barred.Hidden = private.Load
		barred.Barred = func() string {
			if revoked.Load() {
				return ReasonRevoked
			}
			return ""
		}
		leaves := ask(t.Context(), m.Egress, barred)
		publishes := ask(t.Context(), m.Ingest, barred)
		time.Sleep(time.Second)
		m.Recheck() // nothing has changed
		time.Sleep(time.Second)
		revoked.Store(true)
		m.Recheck()
		want(t, <-leaves, ReasonRevoked, 2*time.Second)
		want(t, <-publishes, ReasonRevoked, 2*time.Second)
		time.Sleep(time.Second)
		private.Store(false)
		m.Recheck()
		want(t, <-held, "no_media", 3*time.Second) // the offer is negotiated
		if after := <-shown; after != 3*time.Second {
			t.Errorf("who looks is told after %v", after)
		}

		private.Store(true)
		held = ask(t.Context(), m.Egress, r)
		time.Sleep(time.Second)
		private.Store(false) // nobody is told
		want(t, <-held, "no_media", 20*time.Second)
		p.Close("end of test")
		m.nobodyIsHeld(t)
	})
}
