package exec

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"

	"weir/publisher"
	"weir/publisher/feed"
)

// mostPlans is of how many inputs it is kept what fits of them.
const mostPlans = 1000

// Options are what the children have in common.
type Options struct {
	Path      string  // of the program, as Find has it
	Allowed   Allowed // what may be opened
	Processes int     // at once, at most; 0: 16
	CAFile    string  // certificates in PEM that https and rtmps trust; "": FFmpeg's own
	Logger    *slog.Logger

	// Lookup is how the names of inputs are looked up; nil: as net.DefaultResolver does.
	Lookup func(ctx context.Context, name string) ([]netip.Addr, error)
}

// FFmpeg makes sources of inputs. Its methods may be called from any goroutine.
type FFmpeg struct {
	// static after New
	opts  Options
	slots chan struct{} // one for each child

	mu sync.Mutex
	// guarded by mu
	plans map[[sha256.Size]byte]plan // by the digest of the address, which holds secrets
}

// New returns what makes sources. It starts nothing.
func New(o Options) *FFmpeg {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Lookup == nil {
		o.Lookup = lookup
	}
	if o.Processes <= 0 {
		o.Processes = 16
	}
	return &FFmpeg{opts: o, slots: make(chan struct{}, o.Processes), plans: map[[sha256.Size]byte]plan{}}
}

// Source makes a source of parameters that are valid by Schema, for publisher.Kind.
func (f *FFmpeg) Source(stream string, params json.RawMessage) (publisher.Source, error) {
	p, in, err := f.decode(params)
	if err != nil {
		return nil, err // a *publisher.ParamError, for the caller
	}
	return &source{ffmpeg: f, stream: stream, params: p, input: in, live: feed.NewLive()}, nil
}

// plan is what to copy of an input: what is known of it, else all that can be tried.
func (f *FFmpeg) plan(p Params, in input) plan {
	if !p.Copy || in.raw {
		return plan{}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if known, ok := f.plans[sha256.Sum256([]byte(in.address))]; ok {
		return known
	}
	return plan{video: true, audio: true}
}

// learn keeps what to copy of an input.
func (f *FFmpeg) learn(in input, p plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.plans) >= mostPlans {
		clear(f.plans) // they are learned again
	}
	f.plans[sha256.Sum256([]byte(in.address))] = p
}

// take takes the place of one child, which release gives back.
func (f *FFmpeg) take() (release func(), err error) {
	select {
	case f.slots <- struct{}{}:
		return func() { <-f.slots }, nil
	default:
		return nil, fmt.Errorf("there are %d processes of FFmpeg already, which is all that ffmpeg.processes allows", cap(f.slots))
	}
}
