// Package slate plays in streams that have viewers and no publisher: a slate, which a publisher takes over at once.
//
// It is a package because it needs no more of the sources than that there is one: it has no kinds, no parameters and no second
// try, and the Supervisor knows nothing of it.
package slate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/internal/codec"
	"weir/publisher"
	"weir/stream"
)

// unwatched is for how long a slate without viewers stays.
const unwatched = 5 * time.Second

// Options configure a Keeper. All but Most and Logger are required.
type Options struct {
	Registry *stream.Registry // of the streams
	// Decoys hold the slates that no publisher ever takes over: for those who may
	// not know that the stream is live.
	Decoys *stream.Registry
	// New makes what plays in a stream that waits for its publisher.
	New    func(stream string) (publisher.Source, error)
	Most   int          // at once; 0 is 100
	Logger *slog.Logger // nil discards
}

// A Keeper has slates play in streams that have viewers and no publisher: as stand-ins,
// which a publisher takes over at once. Its methods may be called from any goroutine.
type Keeper struct {
	// static after New
	opts   Options
	ending chan struct{} // closed when Run ends

	running sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	playing int
	closed  bool
}

// New returns a Keeper. Nothing plays before Show.
func New(o Options) *Keeper {
	if o.Most <= 0 {
		o.Most = 100
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{opts: o, ending: make(chan struct{})}
}

// Run waits until ctx ends, then ends all slates and waits for them.
func (s *Keeper) Run(ctx context.Context) error {
	<-ctx.Done()
	s.mu.Lock()
	s.closed = true
	close(s.ending)
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// Show has a slate play in the stream of that name, unless it is published, and
// returns the stream. It goes when nobody watches. Where hidden is said the stream
// is another of that name, which nobody publishes. It fails with
// publisher.ErrTooMany, publisher.ErrClosed or an error of New's.
func (s *Keeper) Show(name string, hidden bool) (*stream.Stream, error) {
	registry := s.registry(hidden)
	if found, ok := registry.Find(name); ok && len(found.Promised()) > 0 {
		return found, nil
	}
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	source, err := s.opts.New(name)
	if err != nil {
		leave()
		return nil, fmt.Errorf("make a slate: %w", err)
	}
	p, err := registry.PublishWith(name, stream.PublishOptions{
		By: "slate", Specs: source.Specs(), Silent: silent(source.Specs()), StandIn: true,
	})
	if err != nil {
		leave()
		if found, ok := registry.Find(name); ok && errors.Is(err, stream.ErrPublished) {
			return found, nil // somebody was quicker
		}
		return nil, fmt.Errorf("show a slate: %w", err)
	}
	go func() {
		again := s.play(source, p)
		leave()
		if again {
			s.resume(name, hidden) // somebody may have come while it ended
		}
	}()
	return p.Stream(), nil
}

// Specs are those of the tracks that Show's stream would have, in their order.
// Nothing is played. It fails as Show does.
func (s *Keeper) Specs(name string, hidden bool) ([]stream.Spec, error) {
	var specs []stream.Spec
	if found, ok := s.registry(hidden).Find(name); ok {
		for _, t := range found.Promised() {
			specs = append(specs, t.Spec())
		}
	}
	if len(specs) > 0 {
		return specs, nil
	}
	leave, err := s.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	source, err := s.opts.New(name)
	if err != nil {
		return nil, fmt.Errorf("make a slate: %w", err)
	}
	return append(slices.Clone(source.Specs()), silent(source.Specs())...), nil
}

func (s *Keeper) registry(hidden bool) *stream.Registry {
	if hidden {
		return s.opts.Decoys
	}
	return s.opts.Registry
}

// Resume is Show for a stream whose publisher has left viewers behind. It does
// not block.
func (s *Keeper) Resume(name string) { s.resume(name, false) }

// resume does it in a goroutine that Run waits for.
func (s *Keeper) resume(name string, hidden bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Go(func() { s.showAgain(name, hidden) })
	}
}

func (s *Keeper) showAgain(name string, hidden bool) {
	found, ok := s.registry(hidden).Find(name)
	if !ok || found.Viewers() == 0 {
		return
	}
	if _, err := s.Show(name, hidden); err != nil {
		s.opts.Logger.Debug("no slate", "stream", name, "err", err)
	}
}

// enter takes a place among those that play.
func (s *Keeper) enter() (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, publisher.ErrClosed
	case s.playing >= s.opts.Most:
		return nil, publisher.ErrTooMany
	}
	s.playing++
	s.running.Add(1)
	return func() {
		s.mu.Lock()
		s.playing--
		s.mu.Unlock()
		s.running.Done()
	}, nil
}

// play plays until a publisher takes the stream over, nobody watches, all ends,
// or it fails: then it returns false.
func (s *Keeper) play(source publisher.Source, p *stream.Publication) bool {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- source.Run(ctx, p) }()
	failed := s.watch(p, ended)
	cancel()
	if failed == nil {
		failed = <-ended
	}
	p.Close("unwatched")
	if failed != nil && !errors.Is(failed, publisher.ErrPublicationEnded) {
		s.opts.Logger.Warn("slate cannot be played", "stream", p.Stream().Name(), "err", failed)
		return false
	}
	return true
}

var errSlateEnded = errors.New("the slate has ended by itself")

// watch returns nil when the slate is of no use any more, or why it has ended.
func (s *Keeper) watch(p *stream.Publication, ended <-chan error) error {
	look := time.NewTicker(unwatched)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			if err == nil {
				err = errSlateEnded
			}
			return err
		case <-p.Done():
			return nil
		case <-s.ending:
			return nil
		case <-look.C:
			if p.Stream().Viewers() == 0 {
				return nil
			}
		}
	}
}

// silent are the codecs that a publisher may come with, besides those.
func silent(played []stream.Spec) []stream.Spec {
	var specs []stream.Spec
	for _, f := range []codec.Format{
		publisher.H264(), publisher.VP8(),
		{Name: codec.VP9, ClockRate: 90000},
		{Name: codec.AV1, ClockRate: 90000},
		{Name: codec.H265, ClockRate: 90000},
		publisher.Opus(),
		{Name: codec.G722, ClockRate: 8000},
		{Name: codec.PCMU, ClockRate: 8000},
		{Name: codec.PCMA, ClockRate: 8000},
	} {
		if !plays(played, f) {
			specs = append(specs, stream.Spec{Format: f})
		}
	}
	return specs
}

func plays(played []stream.Spec, f codec.Format) bool {
	for _, spec := range played {
		if codec.Canonical(spec.Format.Name) == codec.Canonical(f.Name) {
			return true
		}
	}
	return false
}
