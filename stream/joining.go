package stream

import (
	"time"
)

// JoinOptions bound what is kept for viewers that join in the middle of a group
// of pictures, and how fast they get it. A zero field is its default.
type JoinOptions struct {
	// MaxAge, MaxBytes and MaxFrames bound a group that is replayed: 10 s,
	// 4 MB, 600 frames. Past a bound a viewer gets the key frame alone.
	MaxAge    time.Duration
	MaxBytes  int64
	MaxFrames int
	// MinRate and MaxRate are how fast one viewer gets it, in bits a second:
	// 20 and 50 million.
	MinRate, MaxRate int64
	// TotalRate is how fast all together get it, in bits a second: 500 million.
	TotalRate int64
	// CacheBytes is what all caches together may take: 256 MB. Beyond it the
	// largest gives up its group of pictures.
	CacheBytes int64
}

func (o *JoinOptions) setDefaults() {
	fill := func(v *int64, fallback int64) {
		if *v <= 0 {
			*v = fallback
		}
	}
	if o.MaxAge <= 0 {
		o.MaxAge = 10 * time.Second
	}
	if o.MaxFrames <= 0 {
		o.MaxFrames = 600
	}
	fill(&o.MaxBytes, 4<<20)
	fill(&o.MinRate, 20_000_000)
	fill(&o.MaxRate, 50_000_000)
	fill(&o.TotalRate, 500_000_000)
	fill(&o.CacheBytes, 256<<20)
}

// boundEvery is the least time between two looks for the largest cache.
const boundEvery = 20 * time.Millisecond

// bound makes the largest cache smaller if all together are too large.
func (r *Registry) bound() {
	if r.cached.Load() <= r.opts.Join.CacheBytes {
		return
	}
	now := int64(time.Since(r.epoch))
	last := r.boundAt.Load()
	if now-last < int64(boundEvery) || !r.boundAt.CompareAndSwap(last, now) {
		return
	}
	var largest *Track
	for _, s := range r.Streams() {
		for _, t := range s.all() {
			if g := t.cache.Newest(); g != nil && !g.Over() && (largest == nil || t.cache.Size() > largest.cache.Size()) {
				largest = t
			}
		}
	}
	if largest != nil {
		largest.shrink()
	}
}
