package slate_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"weir/publisher"
	"weir/publisher/slate"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a source that writes nothing and counts its runs.
type still struct{ running *atomic.Int32 }

func (still) Specs() []stream.Spec {
	return []stream.Spec{{Format: publisher.H264()}, {Format: publisher.VP8()}}
}

func (s still) Run(ctx context.Context, p *stream.Publication) error {
	s.running.Add(1)
	defer s.running.Add(-1)
	select {
	case <-ctx.Done():
		return nil
	case <-p.Done():
		return publisher.ErrPublicationEnded
	}
}

// slates run until the test ends or end is called.
func slates(t *testing.T, most int) (s *slate.Keeper, r *stream.Registry, running *atomic.Int32, end func()) {
	t.Helper()
	running = &atomic.Int32{}
	r = stream.New(stream.Options{Left: func(name string) { s.Resume(name) }})
	decoys := stream.New(stream.Options{})
	s = slate.New(slate.Options{
		Registry: r, Decoys: decoys, Most: most,
		New: func(string) (publisher.Source, error) { return still{running}, nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{r.Run, decoys.Run, s.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	end = func() { cancel(); wg.Wait() }
	t.Cleanup(end)
	return s, r, running, end
}

// A slate plays while somebody watches and nobody publishes.
func TestSlates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, running, _ := slates(t, 0)
		st, err := s.Show("live", false)
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Show("live", false)
		if err != nil || again != st || st.Publication() != nil || len(st.Offered()) != 9 {
			t.Errorf("shown again: %v, %d tracks", err, len(st.Offered()))
		}
		v, err := st.AddViewer(st.Offered()[:1])
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if running.Load() != 1 {
			t.Fatalf("%d play", running.Load())
		}
		p, err := r.Publish("live", "somebody", still{}.Specs())
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if running.Load() != 0 {
			t.Error("it plays beside the publisher")
		}
		p.Close("end of media")
		synctest.Wait()
		if running.Load() != 1 || len(st.Offered()) != 9 {
			t.Error("it does not come back")
		}
		v.Close()
		time.Sleep(time.Minute)
		if running.Load() != 0 || len(r.Streams()) != 0 {
			t.Errorf("%d play for nobody, %d streams", running.Load(), len(r.Streams()))
		}
	})
}

// What would be shown is known before it is, and where nothing would be shown.
func TestSlatesSpecs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, running, end := slates(t, 1)
		before, err := s.Specs("live", false)
		if err != nil || running.Load() != 0 || len(r.Streams()) != 0 {
			t.Errorf("%v, %d play", err, running.Load())
		}
		st, err := s.Show("live", false)
		if err != nil {
			t.Fatal(err)
		}
		var shown []stream.Spec
		for _, track := range st.Offered() {
			shown = append(shown, track.Spec())
		}
		after, err := s.Specs("live", false)
		if diff := cmp.Diff(shown, before); diff != "" || err != nil || !cmp.Equal(shown, after) {
			t.Errorf("%v: %s", err, diff)
		}
		if _, err := s.Specs("more", false); !errors.Is(err, publisher.ErrTooMany) {
			t.Errorf("another one: %v", err)
		}
		end()
		if _, err := s.Specs("more", false); !errors.Is(err, publisher.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// There are as many as may be, none after the end, and a hidden one is nobody
// else's.
func TestSlatesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r, running, end := slates(t, 2)
		live, err := s.Show("live", false)
		if err != nil {
			t.Fatal(err)
		}
		hidden, err := s.Show("live", true)
		if err != nil || hidden == live {
			t.Errorf("the hidden one is the other: %v", err)
		}
		if _, err := s.Show("more", false); !errors.Is(err, publisher.ErrTooMany) {
			t.Errorf("a third one: %v", err)
		}
		if _, err := r.Publish("live", "somebody", still{}.Specs()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if running.Load() != 1 || len(hidden.Offered()) != 9 {
			t.Error("the hidden one has gone with the other")
		}
		end()
		if _, err := s.Show("live", false); !errors.Is(err, publisher.ErrClosed) || running.Load() != 0 {
			t.Errorf("after the end: %v, %d play", err, running.Load())
		}
	})
}
