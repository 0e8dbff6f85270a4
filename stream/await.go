package stream

// awaited is who waits for a stream of one name.
type awaited struct {
	waiting int
	live    chan struct{} // closed when it is live
}

// Await returns a channel that closes when the stream of that name is live; where
// it is already it is closed. leave is to be called, once,
// when nobody waits for it any more.
func (r *Registry) Await(name string) (live <-chan struct{}, leave func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.awaited[name]
	if s, ok := r.streams[name]; ok && s.Live() {
		a = &awaited{live: make(chan struct{})} // for this caller alone
		close(a.live)
	} else if a == nil {
		a = &awaited{live: make(chan struct{})}
		r.awaited[name] = a
	}
	a.waiting++
	return a.live, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if a.waiting--; a.waiting == 0 && r.awaited[name] == a {
			delete(r.awaited, name)
		}
	}
}

// arrivedLocked tells those who wait for the stream of that name, which is live.
func (r *Registry) arrivedLocked(name string) {
	if a := r.awaited[name]; a != nil {
		close(a.live)
		delete(r.awaited, name)
	}
}
