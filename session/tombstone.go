package session

import (
	"sync"
	"time"
)

// tombstones remembers for a while the secrets of sessions that the player did
// not end itself: its DELETE may still be on the way and deserves a 200. Its
// methods may be called from any goroutine.
type tombstones struct {
	// static after newTombstones
	expiry time.Duration
	limit  int

	mu sync.Mutex
	// guarded by mu
	ended map[string]time.Time // secret to the time of the end
	order []string             // secrets, oldest first; some may be gone from ended
}

func newTombstones(expiry time.Duration, limit int) *tombstones {
	return &tombstones{expiry: expiry, limit: limit, ended: map[string]time.Time{}}
}

// add remembers a secret. The oldest is forgotten when there are too many.
func (t *tombstones) add(secret string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	t.ended[secret] = time.Now()
	t.order = append(t.order, secret)
	for len(t.order) > t.limit {
		t.dropOldestLocked()
	}
}

// take forgets the secret and says whether it was remembered.
func (t *tombstones) take(secret string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	_, ok := t.ended[secret]
	delete(t.ended, secret)
	return ok
}

// sweep forgets what is too old.
func (t *tombstones) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
}

func (t *tombstones) sweepLocked() {
	for len(t.order) > 0 {
		at, ok := t.ended[t.order[0]]
		if ok && time.Since(at) < t.expiry {
			return
		}
		t.dropOldestLocked()
	}
}

func (t *tombstones) dropOldestLocked() {
	delete(t.ended, t.order[0])
	t.order[0] = ""
	if t.order = t.order[1:]; len(t.order) == 0 {
		t.order = nil
	}
}
