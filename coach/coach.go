package coach

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"weir/stream"
)

// Options configure a Coach.
type Options struct {
	// Registry has the streams.
	Registry *stream.Registry
	// MaxBitRate is how much a publisher should send at most, bits a second; 0
	// is 20 Mbit/s.
	MaxBitRate int
	// Logger gets a line when a finding is raised; nil discards it.
	Logger *slog.Logger
	// Event is told when one is raised or cleared; it must not block. Nil tells
	// nobody.
	Event func(name string, attrs ...slog.Attr)
}

const defaultMaxBitRate = 20_000_000

// A Coach looks at all streams that are published. Findings may be called from
// any goroutine.
type Coach struct {
	// static after New
	opts Options

	// owned by Run
	subjects map[string]*subject // by stream

	mu sync.Mutex
	// guarded by mu
	findings map[string][]Finding // by stream; slices are never changed
}

// New makes a Coach. It looks at nothing before Run.
func New(o Options) (*Coach, error) {
	if o.Registry == nil {
		return nil, errors.New("coach: no streams to look at")
	}
	if o.MaxBitRate <= 0 {
		o.MaxBitRate = defaultMaxBitRate
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Event == nil {
		o.Event = func(string, ...slog.Attr) {}
	}
	return &Coach{opts: o, subjects: map[string]*subject{}, findings: map[string][]Finding{}}, nil
}

// Run looks once a second until ctx ends.
func (c *Coach) Run(ctx context.Context) error {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	defer c.leave()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			c.look(time.Now())
		}
	}
}

// Findings are what the stream's publisher should change, the worst first.
func (c *Coach) Findings(stream string) []Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.findings[stream])
}

// look looks at every stream.
func (c *Coach) look(now time.Time) {
	for _, s := range c.opts.Registry.Streams() {
		if _, known := c.subjects[s.Name()]; !known && s.Publication() != nil {
			c.subjects[s.Name()] = &subject{name: s.Name(), maxBitRate: c.opts.MaxBitRate, tell: c.tell}
		}
	}
	all := map[string][]Finding{}
	for name, subject := range c.subjects {
		var p *stream.Publication
		if s, ok := c.opts.Registry.Find(name); ok {
			p = s.Publication()
		}
		if !subject.look(p, now) {
			delete(c.subjects, name)
			continue
		}
		if found := subject.record.findings(); len(found) > 0 {
			all[name] = found
		}
	}
	c.mu.Lock()
	c.findings = all
	c.mu.Unlock()
}

// leave takes the observers off the tracks.
func (c *Coach) leave() {
	for _, s := range c.subjects {
		s.leave()
	}
}

// tell says that a finding was raised, or cleared.
func (c *Coach) tell(stream string, f Finding, raised bool) {
	attrs := []slog.Attr{slog.String("stream", stream), slog.String("code", string(f.Code)), slog.String("text", f.Text)}
	if !raised {
		c.opts.Event("finding_cleared", attrs...)
		return
	}
	c.opts.Logger.Warn("a publisher should change something", "stream", stream, "code", string(f.Code), "text", f.Text)
	c.opts.Event("finding_raised", append(attrs, slog.String("level", "warning"))...)
}
