package main

import (
	"maps"
	"sync"
)

// A tally counts by name. Its methods may be called from any goroutine; the zero
// value is ready.
type tally struct {
	mu sync.Mutex
	// guarded by mu
	counts map[string]uint64
}

// count adds one. The names are constants, so the map stays small.
func (t *tally) count(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]uint64{}
	}
	t.counts[name]++
}

// all is a copy of the counts.
func (t *tally) all() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
