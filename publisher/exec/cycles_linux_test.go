package exec

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/publisher"
	"weir/stream"
)

// usage is what this process has of what could be left behind.
type usage struct{ goroutines, descriptors, children, heap int }

func used(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return usage{runtime.NumGoroutine(), len(open), len(childrenOf(t, os.Getpid())), int(m.HeapAlloc)}
}

// childrenOf are a process's children, zombies too.
func childrenOf(t *testing.T, parent int) (pids []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		stat, _ := os.ReadFile(path) // it may have ended
		_, after, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}

// Starting and stopping leaves nothing: neither a child that was stopped at once, nor one that played, nor one that failed.
func TestCycles(t *testing.T) {
	f := installed(t, "lavfi")
	registry := stream.New(stream.Options{Workers: 1})
	s, err := publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: registry, Kinds: []publisher.Kind{{Name: "ffmpeg", Schema: Schema(), New: f.Source}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	running.Go(func() { _ = registry.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	cycle := func(n int) {
		input := []string{"lavfi:testsrc2=s=64x36[out0];sine[out1]", "lavfi:testsrc2=s=64x36", "lavfi:testsrc2=nonsense=1"}[n%3]
		params, err := json.Marshal(map[string]any{"input": input, "bit_rate": 100_000})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Start("live", publisher.Start{Source: "ffmpeg", Params: params}); err != nil {
			t.Fatal(err)
		}
		reached := func() bool {
			st, _ := s.Status("live")
			switch n % 3 {
			case 0:
				return len(st.Renditions) == 2 && st.Renditions[0].Units > 0 && st.Renditions[1].Units > 0
			case 2:
				return st.State == publisher.StateWaiting
			default:
				return true
			}
		}
		for deadline := time.Now().Add(time.Minute); !reached(); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				st, _ := s.Status("live")
				t.Fatalf("cycle %d: %+v", n, st)
			}
		}
		if err := s.Stop(t.Context(), "live"); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 3 {
		cycle(n)
	}
	before := used(t)
	began := time.Now()
	for n := range cycles {
		cycle(n)
	}
	var after usage
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		after = used(t)
		if after.goroutines <= before.goroutines && after.descriptors <= before.descriptors && after.children == 0 && after.heap <= before.heap+1<<20 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d cycles left something: %+v, and %+v before", cycles, after, before)
		}
	}
	t.Logf("%d cycles in %v: %+v, and %+v before", cycles, time.Since(began).Round(time.Millisecond), after, before)
}
