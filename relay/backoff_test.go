package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/relay"
	"weir/session"
	"weir/stream"
)

// slow makes no offer, and takes longer for that than a session must live for the
// failures before it not to count. It notes the time between attempts.
type slow struct {
	waits []time.Duration
	ended time.Time
	done  context.CancelFunc // called after enough of them
}

func (s *slow) attempt() (*session.Offering, error) {
	if !s.ended.IsZero() {
		s.waits = append(s.waits, time.Since(s.ended))
	}
	time.Sleep(6 * time.Second) // of the test's own clock
	s.ended = time.Now()
	if len(s.waits) == 7 {
		s.done()
	}
	return nil, errors.New("no offer")
}

func (s *slow) Pull(context.Context, *stream.Publication, session.OfferOptions) (*session.Offering, error) {
	return s.attempt()
}

func (s *slow) Push(context.Context, *stream.Stream, session.OfferOptions) (*session.Offering, error) {
	return s.attempt()
}

// Attempts that take long and never connect come less and less often.
func TestSlowFailures(t *testing.T) {
	t.Parallel()
	const url = "http://127.0.0.1:9/x"
	for name, run := range map[string]func(ctx context.Context, t *testing.T, r *relay.Relay, p *stream.Publication){
		"pull": func(ctx context.Context, t *testing.T, r *relay.Relay, p *stream.Publication) {
			t.Helper()
			params, err := json.Marshal(map[string]string{"url": url})
			if err != nil {
				t.Fatal(err)
			}
			source, err := r.Kind().New("live", params)
			if err != nil {
				t.Fatal(err)
			}
			if err := source.Run(ctx, p); err != nil {
				t.Error(err)
			}
		},
		"push": func(ctx context.Context, t *testing.T, r *relay.Relay, _ *stream.Publication) {
			t.Helper()
			if _, err := r.Push("live", relay.PushStart{URL: url}); err != nil { //nolint:contextcheck // a push ends with Run
				t.Fatal(err)
			}
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				sessions := &slow{done: cancel}
				registry := stream.New(stream.Options{})
				p, err := registry.Publish("live", "test", []stream.Spec{{Format: codec.Format{Name: codec.Opus, ClockRate: 48000, Channels: 2}}})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close("end of test")
				r, err := relay.New(relay.Options{Sessions: sessions, Registry: registry, Hops: relay.NewHops(), Hosts: nodeOptions{}.allowed(t)})
				if err != nil {
					t.Fatal(err)
				}
				run(ctx, t, r, p)
				if first, last := sessions.waits[0], sessions.waits[6]; first > 2*time.Second || last < 10*time.Second {
					t.Errorf("the times between attempts do not grow: %v", sessions.waits)
				}
			})
		})
	}
}
