//go:build e2e && linux

package main

import (
	"syscall"
	"testing"
	"time"
)

// A stream that nobody watches costs next to nothing: below 1 % of a core, in the
// best of five windows, as a busy machine makes everything dearer.
func TestUnwatchedCostsNothing(t *testing.T) {
	start(t)
	const watched = 2 * time.Second
	least := 1.0
	for range 5 {
		before := processorTime(t)
		<-time.After(watched)
		share := float64(processorTime(t)-before) / float64(watched)
		t.Logf("%.2f %% of a core", 100*share)
		if least = min(least, share); least <= 0.01 {
			return
		}
	}
	t.Errorf("an unwatched stream takes %.1f %% of a core", 100*least)
}

// processorTime is what this process has used, all threads, user and system.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
