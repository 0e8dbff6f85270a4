package session

import (
	"sync"
	"time"
)

// tombstones remembers for a while the secrets of sessions that the player did
// not end itself, and why they ended: its DELETE may still be on the way and
// deserves a 200, and it may ask. Its methods may be called from any goroutine.
type tombstones struct {
	// static after newTombstones
	expiry time.Duration
	limit  int

	mu sync.Mutex
	// guarded by mu
	ended map[string]tombstone // by secret
	order []string             // secrets, oldest first; some may be gone from ended
}

type tombstone struct {
	at     time.Time // of the end
	reason string
}

func newTombstones(expiry time.Duration, limit int) *tombstones {
	return &tombstones{expiry: expiry, limit: limit, ended: map[string]tombstone{}}
}

// add remembers a secret. The oldest is forgotten when there are too many.
func (t *tombstones) add(secret, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	t.ended[secret] = tombstone{at: time.Now(), reason: reason}
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

// reason is why the session with the secret ended, "" where that is not
// remembered.
func (t *tombstones) reason(secret string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	return t.ended[secret].reason
}

// sweep forgets what is too old.
func (t *tombstones) sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
}

func (t *tombstones) sweepLocked() {
	for len(t.order) > 0 {
		stone, ok := t.ended[t.order[0]]
		if ok && time.Since(stone.at) < t.expiry {
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
