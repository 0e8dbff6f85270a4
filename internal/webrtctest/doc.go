// Package webrtctest plays WHEP and publishes by WHIP in this process, for tests:
// a [Player] receives real media over real sockets and counts it, a [Publisher]
// sends what it is told to, and both can misbehave in many ways. It shares no code
// with what it tests; nothing but pion is below it.
//
// A player costs little: nothing is decoded, one read loop for each track, no
// interceptors. Hundreds of them run in one process.
package webrtctest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// poll is how often a wait looks.
const poll = 10 * time.Millisecond

// Wait polls until missing, which says what is not there yet, says "". It fails
// with the last answer when ctx ends.
func Wait(ctx context.Context, missing func() string) error {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		what := missing()
		if what == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("still missing: %s: %w", what, ctx.Err())
		case <-ticker.C:
		}
	}
}

// Until is Wait for tests: it ends the test if something is missing after the
// given time.
func Until(tb testing.TB, within time.Duration, missing func() string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), within)
	defer cancel()
	start := time.Now()
	if err := Wait(ctx, missing); err != nil {
		tb.Fatalf("after %v: %v", time.Since(start).Round(time.Millisecond), err)
	}
}

// Slack is how many times longer something may take than it should: with E2E_SOAK=1,
// on a machine that does nothing else, it has to hold itself.
func Slack() int {
	if os.Getenv("E2E_SOAK") != "" {
		return 1
	}
	return 3
}

// InTime reports what took longer than its bound, times [Slack]; with the race
// detector nothing.
func InTime(tb testing.TB, what string, took, bound time.Duration) {
	tb.Helper()
	if bound *= time.Duration(Slack()); took > bound && !Raced {
		tb.Errorf("%s: after %v, want %v at most", what, took, bound)
	}
}
