package stream

import (
	"context"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/stream/joining"
)

// Options configure a Registry. The zero value works.
type Options struct {
	// Workers is the number of goroutines that send; 0 is one a core.
	Workers int
	// NewFlusher makes a worker's Flusher; nil is one that does nothing.
	NewFlusher func() Flusher
	// Logger gets a line when a stream begins or ends; nil discards it.
	Logger *slog.Logger
	// Event is told what happens; it must not block. Nil tells nobody.
	Event func(name string, attrs ...slog.Attr)
	// Left is told the name of a stream whose publisher has left; viewers may
	// have stayed. It must not block. Nil tells nobody.
	Left func(stream string)
	// Reserved are names that no stream may have.
	Reserved []string
	// Refused says of a name whether no stream may have it, besides those. It is
	// asked often and must not block. Nil refuses none.
	Refused func(name string) bool
	// DemandGrace is how long a track stays in demand after its last viewer
	// has left; 0 is 5 s.
	DemandGrace time.Duration
	// Join is for viewers that come in the middle.
	Join JoinOptions
}

// A Registry holds the live streams by name and runs the workers that send.
// Its methods may be called from any goroutine.
type Registry struct {
	// static after New
	opts    Options
	workers []*worker
	epoch   time.Time // zero of the monotonic nanoseconds
	replays *joining.Budget

	cached  atomic.Int64 // about the bytes of all caches
	boundAt atomic.Int64 // when they were last made smaller

	mu sync.Mutex
	// guarded by mu
	streams map[string]*Stream
	awaited map[string]*awaited // by name: who waits for a stream
	closed  bool
}

type noFlusher struct{}

func (noFlusher) Flush() {}

// New makes a Registry. Nothing is sent before Run.
func New(o Options) *Registry {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.NewFlusher == nil {
		o.NewFlusher = func() Flusher { return noFlusher{} }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Event == nil {
		o.Event = func(string, ...slog.Attr) {}
	}
	if o.Left == nil {
		o.Left = func(string) {}
	}
	if o.Refused == nil {
		o.Refused = func(string) bool { return false }
	}
	if o.DemandGrace <= 0 {
		o.DemandGrace = 5 * time.Second
	}
	o.Join.setDefaults()
	r := &Registry{
		opts: o, streams: map[string]*Stream{}, awaited: map[string]*awaited{},
		epoch: time.Now(),
	}
	r.replays = joining.NewBudget(o.Join.TotalRate, r.epoch)
	r.boundAt.Store(-int64(boundEvery))
	for range o.Workers {
		r.workers = append(r.workers, newWorker(o.NewFlusher()))
	}
	return r
}

// Run sends until ctx ends, then ends every publication and returns when the
// workers have stopped: no Outlet is used after that.
func (r *Registry) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, w := range r.workers {
		wg.Go(func() { w.run(ctx) })
	}
	<-ctx.Done()
	r.mu.Lock()
	r.closed = true
	var live []*Publication
	for _, s := range r.streams {
		if p := s.feeder(); p != nil {
			live = append(live, p)
		}
	}
	r.mu.Unlock()
	for _, p := range live {
		p.Close("shutdown")
	}
	wg.Wait()
	return nil
}

// ValidName says whether a stream may have this name: a letter or digit, then
// up to 63 letters, digits, dots, underscores or hyphens, and neither reserved
// nor refused. Case counts.
func (r *Registry) ValidName(name string) bool {
	if name == "" || len(name) > 64 || slices.Contains(r.opts.Reserved, name) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return !r.opts.Refused(name)
}

// Find returns the stream of that name, if somebody feeds it or watches it.
func (r *Registry) Find(name string) (*Stream, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.streams[name]
	return s, ok
}

// Streams are those that somebody feeds or watches at this moment, sorted by
// name.
func (r *Registry) Streams() []*Stream {
	r.mu.Lock()
	all := slices.Collect(maps.Values(r.streams))
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *Stream) int { return strings.Compare(a.name, b.name) })
	return all
}

// forget drops a stream that nobody feeds and nobody watches.
func (r *Registry) forget(s *Stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.streams[s.name] != s || !s.retire() {
		return
	}
	delete(r.streams, s.name)
	for _, t := range s.all() {
		t.release()
	}
	for i, w := range r.workers {
		w.removeShard(s.shards[i])
	}
}

// quietest returns the number of the worker with the fewest viewers.
func (r *Registry) quietest() int {
	best := 0
	for i, w := range r.workers {
		if w.load.Load() < r.workers[best].load.Load() {
			best = i
		}
	}
	return best
}
