//go:build soak && linux

package relay_test

import (
	"os"
	"runtime"
	"testing"

	"weir/internal/webrtctest"
	"weir/publisher"
)

// reset forgets what was logged.
func (l *logs) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Reset()
}

// A pull and a push are begun and ended 200 times: goroutines, open files and
// memory are what they were.
func TestCycles(t *testing.T) {
	origin, edge := newNode(t, nodeOptions{}), newNode(t, nodeOptions{})
	origin.feed(t, "live")
	cycle := func() {
		edge.pull(t, "copy", origin.whep("live"), "")
		push := origin.push(t, "live", edge.whip("pushed"), "")
		origin.state(t, "live", push.ID, publisher.StateLive)
		for _, name := range []string{"copy", "pushed"} {
			found, _ := edge.registry.Find(name)
			webrtctest.Until(t, soon, func() string {
				lives := 0
				for _, track := range found.Tracks() {
					if track.Live() {
						lives++
					}
				}
				if lives < 2 {
					return "sound and picture of " + name
				}
				return ""
			})
		}
		if err := edge.sources.Stop(t.Context(), "copy"); err != nil {
			t.Fatal(err)
		}
		if err := origin.relay.EndPush(t.Context(), "live", push.ID); err != nil {
			t.Fatal(err)
		}
	}
	measure := func() (goroutines, files, heap int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return runtime.NumGoroutine(), len(list), int(m.HeapAlloc >> 10)
	}
	for range 10 {
		cycle()
	}
	goroutines, files, heap := measure()
	for range 200 {
		cycle()
		edge.logs.reset()
		origin.logs.reset()
	}
	webrtctest.Until(t, soon, func() string {
		g, f, h := measure()
		if g > goroutines || f > files || h > heap+2<<10 {
			return "the end of what a cycle began"
		}
		return ""
	})
	g, f, h := measure()
	t.Logf("goroutines %d, then %d; files %d, then %d; heap %d KiB, then %d KiB", goroutines, g, files, f, heap, h)
}
