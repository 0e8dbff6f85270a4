//go:build e2e && !race

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"weir/auth"
	"weir/config"
	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/publisher/device"
	"weir/session"
)

// crowdTime is how long the crowd watches.
const crowdTime = 20 * time.Second

// crowd is a program in this process whose insides the test can see.
type crowd struct {
	*server
	url string
}

func startCrowd(t *testing.T) *crowd {
	t.Helper()
	if err := device.Missing(); err != nil {
		t.Skip(err)
	}
	s := startServer(t)
	if err := webrtctest.Wait(t.Context(), func() string {
		if !s.ready.Load() {
			return "the stream has not begun"
		}
		return ""
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// crowdToken may do everything.
const crowdToken = "a-token-for-everything"

// startServer runs until the test ends.
func startServer(t *testing.T) *crowd {
	t.Helper()
	return startServerAt(t, "127.0.0.1:0")
}

func startServerAt(t *testing.T, addr string) *crowd {
	t.Helper()
	c := config.Default()
	c.HTTP.Addr = addr
	s := runServer(t, c, auth.Options{Fixed: []auth.Token{{Name: "admin", Secret: crowdToken, Rights: []auth.Action{auth.Administer}}}})
	return &crowd{s, "http://" + s.listener.Addr().String() + "/whep/test"}
}

func (c *crowd) video() publisher.Stats {
	status, _ := c.sources.Status(defaultStream)
	return status.Renditions[0]
}

func (c *crowd) play(ctx context.Context) (*webrtctest.Player, error) {
	p, err := webrtctest.Play(ctx, c.url, webrtctest.Options{})
	if err != nil {
		return nil, fmt.Errorf("play: %w", err)
	}
	if err := p.WaitMedia(ctx, 1); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// A hundred viewers get every picture that the source made, for 20 s, from one
// encoder.
func TestHundredViewers(t *testing.T) {
	c := startCrowd(t)
	const viewers = 100
	players := make([]*webrtctest.Player, viewers)
	room := make(chan struct{}, 8)
	var joining sync.WaitGroup
	for i := range players {
		room <- struct{}{}
		joining.Go(func() {
			defer func() { <-room }()
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			p, err := c.play(ctx)
			if err != nil {
				t.Errorf("viewer %d: %v", i, err)
				return
			}
			players[i] = p
		})
	}
	joining.Wait()
	if t.Failed() {
		return
	}
	if err := webrtctest.Wait(t.Context(), func() string { return replaying(players) }); err != nil {
		t.Fatal(err)
	}
	judged := false
	for range 3 { // a machine that is too busy for the source, or to look in time, proves nothing about the fan-out
		if judged = c.watch(t, players); judged {
			break
		}
	}
	if n := c.video().Encoders; n != 1 {
		t.Errorf("%d encoders were made, want one for all", n)
	}
	sessions := c.sessions.Sessions()
	for _, p := range players {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	checkSums(t, sessions)
	const busy = "the machine was too busy each time: what each viewer got is not judged"
	switch {
	case judged || t.Failed():
	case os.Getenv("E2E_SOAK") == "":
		t.Skip(busy)
	default:
		t.Error(busy)
	}
}

// replaying says which player is not live yet: pictures out of the cache are not
// as far apart as they were made.
func replaying(players []*webrtctest.Player) string {
	const several = 15
	for i, p := range players {
		frames := p.VideoFrames()
		if len(frames) < several {
			return fmt.Sprintf("pictures of viewer %d", i)
		}
		frames = frames[len(frames)-several:]
		for n := 1; n < several; n++ {
			if step := frames[n].Timestamp - frames[n-1].Timestamp; step%3000 != 0 {
				return fmt.Sprintf("the live line of viewer %d", i)
			}
		}
	}
	return ""
}

// watch lets the players watch for crowdTime and judges what they got, unless
// the source left out more than 1 % of the pictures or the clock was read late:
// then it says false.
func (c *crowd) watch(t *testing.T, players []*webrtctest.Player) bool {
	t.Helper()
	began := c.video()
	before := make([]webrtctest.Stats, len(players))
	for i, p := range players {
		before[i] = p.Video()
	}
	start := time.Now()
	<-time.After(crowdTime)
	made := c.video()
	after := make([]webrtctest.Stats, len(players))
	for i, p := range players {
		after[i] = p.Video()
	}
	late := time.Since(start) - crowdTime
	skipped := int(made.Skipped + made.Empty - began.Skipped - began.Empty)
	want := int(crowdTime.Seconds()) * 30
	if skipped > want/100 || late > 100*time.Millisecond {
		t.Logf("the source left out %d of %d pictures, and the clock was read %v late: not judged", skipped, want, late)
		return false
	}
	least, most := after[0].Frames, 0
	for i, p := range players {
		frames := after[i].Frames - before[i].Frames
		least, most = min(least, frames), max(most, frames)
		// A player may be read some pictures late: its own time is that of the
		// timestamps, and in all of it no more may be missing than was left out.
		shown := p.VideoFrames()
		took := int(shown[after[i].Frames-1].Timestamp-shown[before[i].Frames-1].Timestamp) / 3000
		if d := took - frames; d < 0 || d > skipped {
			t.Errorf("viewer %d got %d pictures in the time of %d, of which %d were left out", i, frames, took, skipped)
		}
		if d := took - want; d < -6 || d > 6 {
			t.Errorf("viewer %d got the pictures of %d, want %d", i, took, want)
		}
		if p.Video().Missing != 0 || p.Audio().Missing != 0 {
			t.Errorf("viewer %d misses %d and %d packets", i, p.Video().Missing, p.Audio().Missing)
		}
	}
	t.Logf("%d viewers, %d to %d pictures each of %d less %d left out", len(players), least, most, want, skipped)
	return true
}

// checkSums holds what each viewer was offered against what became of it, when
// its session has ended.
func checkSums(t *testing.T, sessions []*session.Session) {
	t.Helper()
	var delivered, resent uint64
	for _, s := range sessions {
		<-s.Done()
		for _, m := range s.Stats().Media {
			d := m.Sent
			var drops uint64
			for _, n := range d.Drops {
				drops += n
			}
			if d.Offered != d.Delivered+drops {
				t.Errorf("offered %d, delivered %d, dropped %v", d.Offered, d.Delivered, d.Drops)
			}
			delivered += d.Delivered
			resent += d.Resent
		}
	}
	t.Logf("%d packets delivered, %d sent again", delivered, resent)
}

// Two hundred viewers come and go and leave nothing behind.
func TestViewersLeaveNothing(t *testing.T) {
	c := startCrowd(t)
	stay, err := c.play(t.Context()) // keeps the encoder, which is not what is looked at
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stay.Close(); err != nil {
			t.Error(err)
		}
	})
	cycle := func(n int) {
		for i := range n {
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			p, err := c.play(ctx)
			if err != nil {
				t.Fatalf("cycle %d: %v", i, err)
			}
			if i%2 == 0 { // half of them leave by DELETE, half by DTLS
				if r, err := p.Delete(ctx); err != nil || r.Status != 200 {
					t.Fatalf("delete: %v %+v", err, r)
				}
			}
			if err := p.Close(); err != nil {
				t.Fatalf("close: %v", err)
			}
			cancel()
		}
	}
	cycle(50)
	goroutines, descriptors, heap := c.settled(t, 1<<30, 1<<30)
	cycle(200)
	moreGoroutines, moreDescriptors, moreHeap := c.settled(t, goroutines, descriptors)
	t.Logf("goroutines %d → %d, descriptors %d → %d, heap %d → %d KiB",
		goroutines, moreGoroutines, descriptors, moreDescriptors, heap>>10, moreHeap>>10)
	if moreGoroutines > goroutines || moreDescriptors > descriptors {
		t.Errorf("goroutines %d → %d, descriptors %d → %d", goroutines, moreGoroutines, descriptors, moreDescriptors)
	}
	if grown := int64(moreHeap) - int64(heap); grown > 2<<20 {
		t.Errorf("the heap grew by %d KiB", grown>>10)
	}
}

// settled counts when only the one viewer is left and the counts have come down
// to these, or after 10 s.
func (c *crowd) settled(t *testing.T, goroutines, descriptors int) (g, d int, heap uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := webrtctest.Wait(ctx, func() string {
		if n := len(c.sessions.Sessions()); n > 1 {
			return fmt.Sprintf("%d sessions are left", n)
		}
		g, d = runtime.NumGoroutine(), openDescriptors(t)
		if g > goroutines || d > descriptors {
			return fmt.Sprintf("%d goroutines, %d descriptors", g, d)
		}
		return ""
	}); err != nil {
		t.Log(err)
	}
	var m runtime.MemStats
	debug.FreeOSMemory()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return runtime.NumGoroutine(), openDescriptors(t), m.HeapAlloc
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("this system does not list descriptors: ", err)
	}
	return len(entries)
}
