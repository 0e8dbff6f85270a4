package stream

// Awaited is how many names somebody waits for.
func (r *Registry) Awaited() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.awaited)
}

// Cached is about the bytes of all caches.
func Cached(r *Registry) int64 { return r.cached.Load() }
