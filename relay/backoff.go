package relay

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

const (
	firstWait = 250 * time.Millisecond
	mostWait  = 30 * time.Second
	// longLife is how long a session must have been connected for the failures
	// before it not to count.
	longLife = 5 * time.Second
)

// backoff says how long to wait between attempts. It is for one goroutine.
type backoff struct{ failures int }

// after is the time from one attempt, whose session was connected for so long, to
// the next: it doubles each time, is spread so that many do not come at once, and is no
// shorter than what the server asks for.
func (b *backoff) after(lived time.Duration, err error) time.Duration {
	if lived >= longLife {
		b.failures = 0
	}
	wait := min(firstWait<<min(b.failures, 10), mostWait)
	b.failures++
	wait = wait*3/4 + rand.N(wait/2) //nolint:gosec // no secret
	var refused *Refused
	if errors.As(err, &refused) && refused.After > wait {
		wait = refused.After + rand.N(firstWait) //nolint:gosec // no secret
	}
	return wait
}

// pause waits, and says whether ctx and over have left it time to.
func pause(ctx context.Context, d time.Duration, over <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-over:
		return false
	case <-ctx.Done():
		return false
	}
}
