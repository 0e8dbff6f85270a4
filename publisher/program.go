package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/stream"
)

// A Program is a Source made of renditions that share one start, so that they stay in step: picture with sound, and one
// codec's picture with another's.
type Program struct {
	// static after NewProgram and WithChange
	start      time.Time
	renditions []*Rendition
	change     func(params json.RawMessage) (done bool, err error) // nil: nothing can be changed
}

var (
	_ Source  = (*Program)(nil)
	_ Changer = (*Program)(nil)
	_ Counter = (*Program)(nil)
)

// NewProgram returns a source of these renditions, in the order of preference of a player. Unit 0 of each is due at the
// whole second that start lies in, so that the pattern's second and the wall clock's begin together. A rendition belongs
// to one program.
func NewProgram(start time.Time, renditions ...*Rendition) *Program {
	// Not Truncate, which strips the monotonic reading.
	return &Program{start: start.Add(-time.Duration(start.Nanosecond())), renditions: renditions}
}

// WithChange returns the same program, which from then on hands new parameters to change: see Changer.
func (p *Program) WithChange(change func(params json.RawMessage) (done bool, err error)) *Program {
	return &Program{start: p.start, renditions: p.renditions, change: change}
}

// Change implements Changer.
func (p *Program) Change(params json.RawMessage) (done bool, err error) {
	if p.change == nil {
		return false, nil
	}
	return p.change(params)
}

// Specs are what to publish, one for each rendition and in that order.
func (p *Program) Specs() []stream.Spec {
	specs := make([]stream.Spec, len(p.renditions))
	for i, r := range p.renditions {
		specs[i] = r.Spec()
	}
	return specs
}

// Stats reads the counters of each rendition.
func (p *Program) Stats() []Stats {
	stats := make([]Stats, len(p.renditions))
	for i, r := range p.renditions {
		stats[i] = r.Stats()
	}
	return stats
}

// Run implements Source. The publication must have been made with Specs. If one rendition fails, all end and its error is
// returned. One Run at a time.
func (p *Program) Run(owner context.Context, pub *stream.Publication) error {
	tracks := pub.Tracks()
	if len(tracks) != len(p.renditions) {
		return fmt.Errorf("publication has %d tracks, program has %d renditions", len(tracks), len(p.renditions))
	}
	ctx, cancel := context.WithCancel(owner)
	defer cancel()
	failed := make(chan error, len(p.renditions))
	byTrack := make(map[*stream.Track]*Rendition, len(tracks))
	var running sync.WaitGroup
	for i, r := range p.renditions {
		byTrack[tracks[i]] = r
		running.Go(func() {
			if err := r.run(ctx, p.start, pub, tracks[i]); err != nil {
				failed <- err
				cancel()
			}
		})
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case t := <-pub.KeyFrameWanted():
			if r := byTrack[t]; r != nil {
				r.RequestKeyFrame()
			}
		}
	}
	running.Wait()
	select {
	case err := <-failed: // the first; the others failed with it, or of the same cause
		if owner.Err() != nil && errors.Is(err, ErrPublicationEnded) {
			return nil // all ends at once
		}
		return err
	default:
		return nil
	}
}
