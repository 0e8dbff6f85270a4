package whip_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/internal/wishtest"
)

// Nothing remains of a hundred publishers that came and went.
func TestCycles(t *testing.T) { publishAndLeave(t, 100) }

// publishAndLeave has publishers come and go: every second one leaves by DELETE,
// the others by DTLS; every fifth has not connected when it goes, the others have
// sent pictures.
func publishAndLeave(t *testing.T, cycles int) {
	t.Helper()
	s := newServer(t, serverOptions{})
	leavesNothing(t, s, cycles, func(i int) {
		// Not s.publish: what ends a publisher with the test keeps it until then.
		p, err := webrtctest.Publish(t.Context(), s.base+"/whip/live", webrtctest.PublishOptions{Fields: bearer(publishToken)})
		if err != nil {
			t.Fatal(err)
		}
		if i%5 != 0 {
			sendPictures(t, s, p)
		}
		leave(t, p.Link, i)
	})
	webrtctest.Until(t, wishtest.Soon, func() string {
		if n := len(s.registry.Streams()); n > 0 {
			return fmt.Sprintf("the end of %d streams", n)
		}
		return ""
	})
}

// sendPictures sends some, and looks that they came.
func sendPictures(t *testing.T, s *server, p *webrtctest.Publisher) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var feeding sync.WaitGroup
	feeding.Go(func() {
		if err := p.Feed(ctx, webrtctest.Feed{Interval: time.Millisecond}); err != nil {
			t.Errorf("feed: %v", err)
		}
	})
	came := s.session(t, p)
	webrtctest.Until(t, wishtest.Soon, func() string {
		for _, m := range came.Stats().Media {
			if m.Received.Packets < 10 {
				return "ten packets of " + m.Kind
			}
		}
		return ""
	})
	stop()
	feeding.Wait()
}

// leave ends a session in one of two ways.
func leave(t *testing.T, l *webrtctest.Link, i int) {
	t.Helper()
	if i%2 == 0 {
		reply, err := l.Delete(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wishtest.WantStatus(t, reply, http.StatusOK)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A footprint is what this process takes.
type footprint struct {
	goroutines, descriptors int
	heap                    int64 // bytes
}

// leavesNothing runs some cycles to fill what is kept, counts, and wants as
// little after many more.
func leavesNothing(t *testing.T, s *server, cycles int, cycle func(i int)) {
	t.Helper()
	const warm = 20
	first := settled(t, s, footprint{goroutines: 1 << 30, descriptors: 1 << 30})
	for i := range warm {
		cycle(i)
	}
	before := settled(t, s, first)
	for i := range cycles {
		cycle(i)
	}
	after := settled(t, s, before)
	t.Logf("%d cycles: %d goroutines after %d, %d descriptors after %d, heap %d after %d KiB", cycles,
		after.goroutines, before.goroutines, after.descriptors, before.descriptors, after.heap>>10, before.heap>>10)
	if after.goroutines > before.goroutines || after.descriptors > before.descriptors {
		t.Errorf("%+v, before %+v", after, before)
	}
	// An ended session is remembered, by its secret, among at most 10,000.
	if grown := after.heap - before.heap; grown > 1<<20+int64(cycles)*1<<10 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// settled counts when those who came have gone and as little is left as before.
func settled(t *testing.T, s *server, before footprint) (now footprint) {
	t.Helper()
	for _, session := range s.sessions.Sessions() {
		if !session.Stats().Connected {
			session.Close("end of test") // its client is gone, which only time would tell
		}
	}
	webrtctest.Until(t, wishtest.Soon, func() string {
		s.client.Close() // it only closes idle connections
		now.goroutines, now.descriptors = runtime.NumGoroutine(), descriptors(t)
		if now.goroutines > before.goroutines || now.descriptors > before.descriptors {
			return fmt.Sprintf("the end of what is more than before: %+v, before %+v", now, before)
		}
		return ""
	})
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	now.heap = int64(m.HeapAlloc)
	return now
}

// descriptors counts open files and sockets; 0 where the system does not tell.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
