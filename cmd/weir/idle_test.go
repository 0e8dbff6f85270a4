//go:build e2e && linux

package main

import (
	"syscall"
	"testing"
	"time"
)

// A stream that nobody watches costs next to nothing: below 1 % of a core is
// the aim, and a busy machine may take three times that.
func TestUnwatchedCostsNothing(t *testing.T) {
	start(t)
	const watched = 5 * time.Second
	before := processorTime(t)
	<-time.After(watched)
	share := float64(processorTime(t)-before) / float64(watched)
	t.Logf("%.2f %% of a core", 100*share)
	if share > 0.03 {
		t.Errorf("an unwatched stream takes %.1f %% of a core", 100*share)
	}
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
