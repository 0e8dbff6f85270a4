package stream

// Awaited is how many names somebody waits for.
func (r *Registry) Awaited() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.awaited)
}
