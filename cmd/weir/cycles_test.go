//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/auth"
	"weir/config"
	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/stream"
)

// A cycled is a kind of source that is started and stopped.
type cycled struct {
	kind string
	// prepare says how it is configured and with which parameters it is started;
	// nil: as it is. It skips the test where the machine lacks something.
	prepare func(t *testing.T, c *config.Config) (params string)
}

// cycles are the kinds. A new one adds a line.
func cycles() []cycled {
	return []cycled{
		{kind: kindPattern, prepare: func(*testing.T, *config.Config) string { return `{"width":320,"height":180}` }},
		{kind: kindClip},
	}
}

// TestCycles starts each kind of source, plays all its tracks and stops it, time
// and again: goroutines, memory, open files and children are what they were.
func TestCycles(t *testing.T) {
	for _, one := range cycles() {
		t.Run(one.kind, func(t *testing.T) {
			c := config.Default()
			c.HTTP.Addr, c.DefaultStream = "127.0.0.1:0", false
			params := "{}"
			if one.prepare != nil {
				params = one.prepare(t, &c)
			}
			s := runServer(t, c, auth.Options{})
			if k := kindOf(s, one.kind); k.Missing != nil {
				t.Skip(k.Missing)
			}
			for range warmUp {
				s.cycle(t, one.kind, params)
			}
			before := measure(t)
			for range cycleCount {
				s.cycle(t, one.kind, params)
			}
			var after state
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := webrtctest.Wait(ctx, func() string {
				after = measure(t)
				return after.over(before)
			})
			t.Logf("after %d cycles: %v; before: %v", cycleCount, after, before)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func kindOf(s *server, name string) publisher.Kind {
	for _, k := range s.sources.Kinds() {
		if k.Name == name {
			return k
		}
	}
	return publisher.Kind{Missing: fmt.Errorf("there is no source %s", name)}
}

// counted is an outlet that counts.
type counted struct{ packets atomic.Int64 }

func (o *counted) Append(*rtp.Header, []byte) stream.DropReason {
	o.packets.Add(1)
	return stream.DropNone
}

func (*counted) Report(*rtcp.SenderReport) {}

// cycle starts a source, waits until each of its tracks has sent something, and
// stops it.
func (s *server) cycle(t *testing.T, kind, params string) {
	t.Helper()
	if _, err := s.sources.Start("cycle", publisher.Start{Source: kind, Params: json.RawMessage(params)}); err != nil {
		t.Fatalf("start: %v", err)
	}
	found, ok := s.registry.Find("cycle")
	if !ok {
		t.Fatal("no stream")
	}
	v, err := found.AddViewer(found.Tracks())
	if err != nil {
		t.Fatal(err)
	}
	outlets := make([]*counted, len(v.DownTracks()))
	for i, d := range v.DownTracks() {
		outlets[i] = new(counted)
		d.Attach(stream.Line{SSRC: uint32(i + 1), PayloadType: 96}, func(stream.Flusher) stream.Outlet { return outlets[i] })
	}
	v.Start()
	err = webrtctest.Wait(t.Context(), func() string {
		for i, o := range outlets {
			if o.packets.Load() == 0 {
				return fmt.Sprintf("packets of %s", found.Tracks()[i].Spec().Format.Name)
			}
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	v.Close()
	if err := s.sources.Stop(t.Context(), "cycle"); err != nil {
		t.Fatalf("stop: %v", err)
	}
}

// state is what a program holds.
type state struct {
	goroutines, files, children int
	heap, resident              int // KiB
}

func (s state) String() string {
	return fmt.Sprintf("%d goroutines, %d files, %d children, heap %d KiB, resident %d KiB", s.goroutines, s.files, s.children, s.heap, s.resident)
}

// over says what is more than before, "" for nothing. The heap may have grown by
// events that are remembered and the last tracks, which stay in demand for a
// while; the resident memory by what C's allocator keeps.
func (s state) over(before state) string {
	switch {
	case s.goroutines > before.goroutines:
		return fmt.Sprintf("the end of %d goroutines", s.goroutines-before.goroutines)
	case s.files > before.files:
		return fmt.Sprintf("the close of %d files", s.files-before.files)
	case s.children > before.children:
		return fmt.Sprintf("the end of %d children", s.children-before.children)
	case s.heap > before.heap+1<<10:
		return fmt.Sprintf("%d KiB of heap", s.heap-before.heap)
	case s.resident > before.resident+100<<10:
		return fmt.Sprintf("%d KiB of memory", s.resident-before.resident)
	default:
		return ""
	}
}

func measure(t *testing.T) state {
	t.Helper()
	runtime.GC()
	runtime.GC() // what the first one's finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	children := 0
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err == nil { // the thread may have ended
			children += len(strings.Fields(string(text)))
		}
	}
	pages, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	resident, err := strconv.Atoi(strings.Fields(string(pages))[1])
	if err != nil {
		t.Fatal(err)
	}
	return state{
		goroutines: runtime.NumGoroutine(), files: len(files), children: children,
		heap: int(m.HeapAlloc >> 10), resident: resident * os.Getpagesize() >> 10,
	}
}
