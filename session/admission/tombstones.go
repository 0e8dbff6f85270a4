package admission

import (
	"sync"
	"time"
)

// Tombstones remembers for a while the secrets of sessions that the player did
// not end itself, and why they ended: its DELETE may still be on the way and
// deserves a 200, and it may ask. Its methods may be called from any goroutine.
type Tombstones struct {
	// static after NewTombstones
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

// NewTombstones makes some that remember each secret for expiry, and at most limit
// of them.
func NewTombstones(expiry time.Duration, limit int) *Tombstones {
	return &Tombstones{expiry: expiry, limit: limit, ended: map[string]tombstone{}}
}

// Add remembers a secret. The oldest is forgotten when there are too many.
func (t *Tombstones) Add(secret, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	t.ended[secret] = tombstone{at: time.Now(), reason: reason}
	t.order = append(t.order, secret)
	for len(t.order) > t.limit {
		t.dropOldestLocked()
	}
}

// Take forgets the secret and says whether it was remembered.
func (t *Tombstones) Take(secret string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	_, ok := t.ended[secret]
	delete(t.ended, secret)
	return ok
}

// Reason is why the session with the secret ended, "" where that is not
// remembered.
func (t *Tombstones) Reason(secret string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
	return t.ended[secret].reason
}

// Sweep forgets what is too old.
func (t *Tombstones) Sweep() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweepLocked()
}

func (t *Tombstones) sweepLocked() {
	for len(t.order) > 0 {
		stone, ok := t.ended[t.order[0]]
		if ok && time.Since(stone.at) < t.expiry {
			return
		}
		t.dropOldestLocked()
	}
}

func (t *Tombstones) dropOldestLocked() {
	delete(t.ended, t.order[0])
	t.order[0] = ""
	if t.order = t.order[1:]; len(t.order) == 0 {
		t.order = nil
	}
}
