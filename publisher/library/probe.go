package library

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"weir/internal/media"
)

const (
	maxProbes = 4 // at once
	maxKnown  = 10_000
	probeTime = 10 * time.Second
)

// probes remembers what was found in files, for as long as they keep their size and their time.
type probes struct {
	// static after newProbes
	probe func(ctx context.Context, f *os.File) (json.RawMessage, error)
	slots chan struct{}

	mu    sync.Mutex
	known map[string]*probed // by path
}

// probed is what was, or is being, found in one file.
type probed struct {
	size     int64
	modified time.Time
	done     chan struct{} // closed when the rest is there

	report    json.RawMessage
	err       error
	abandoned bool // whoever looked has gone: look again
}

func newProbes(probe func(ctx context.Context, f *os.File) (json.RawMessage, error)) *probes {
	return &probes{probe: probe, slots: make(chan struct{}, maxProbes), known: map[string]*probed{}}
}

// of returns what is in a file. Many may ask for the same: one looks.
func (p *probes) of(ctx context.Context, e entry, open func() (*os.File, error)) (json.RawMessage, error) {
	for {
		found, mine := p.claim(e)
		if mine {
			p.look(ctx, e, found, open)
		}
		select {
		case <-found.done:
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // the caller knows what it was doing
		}
		if !found.abandoned {
			return found.report, found.err
		}
		if err := ctx.Err(); err != nil {
			return nil, err //nolint:wrapcheck // the caller knows what it was doing
		}
	}
}

// claim finds what is known of the file as it is; mine says that the caller is to look.
func (p *probes) claim(e entry) (found *probed, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if found, ok := p.known[e.path]; ok && found.size == e.size && found.modified.Equal(e.modified) {
		return found, false
	}
	for path := range p.known { // any: a folder this large is not looked at twice in a row
		if len(p.known) < maxKnown {
			break
		}
		delete(p.known, path)
	}
	found = &probed{size: e.size, modified: e.modified, done: make(chan struct{})}
	p.known[e.path] = found
	return found, true
}

func (p *probes) look(ctx context.Context, e entry, found *probed, open func() (*os.File, error)) {
	defer close(found.done)
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		found.report, found.err = p.read(ctx, open)
	case <-ctx.Done():
	}
	found.abandoned = ctx.Err() != nil
	if !found.abandoned && (found.err == nil || errors.Is(found.err, media.ErrDamaged) || errors.Is(found.err, media.ErrUnsupported)) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[e.path] == found {
		delete(p.known, e.path)
	}
}

func (p *probes) read(ctx context.Context, open func() (*os.File, error)) (report json.RawMessage, err error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	report, err = p.probe(ctx, f)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("it could not be looked into within %v", probeTime)
	}
	return report, err
}
