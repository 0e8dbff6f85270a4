//go:build !race

package whip_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// Fifty players join at once in the middle of a group of pictures: the replays
// keep to the server's rate, and who watches already loses nothing.
func TestFiftyJoinAtOnce(t *testing.T) {
	const (
		joiners  = 50
		interval = 100 * time.Millisecond
		most     = 500e6 / 8 // bytes a second
	)
	s := newServer(t, serverOptions{})
	p := s.publish(t, "live", webrtctest.PublishOptions{})
	feeding(t.Context(), t, p, webrtctest.Feed{GOP: 120, Packets: 9, Size: 1150, Deaf: true}) // 2.5 Mbit/s
	watchers := make([]*webrtctest.Player, 5)
	for i := range watchers {
		watchers[i] = s.play(t, "live", webrtctest.Options{})
	}
	media(t, watchers[0], 100)

	var joining sync.WaitGroup
	var failed atomic.Int32
	all := make([]*webrtctest.Player, joiners)
	for i := range all {
		joining.Go(func() {
			player, err := webrtctest.Play(t.Context(), s.base+"/whep/live", webrtctest.Options{Fields: bearer(playToken)})
			if err != nil {
				failed.Add(1)
				t.Errorf("joiner %d: %v", i, err)
				return
			}
			all[i] = player
		})
	}
	stop := make(chan struct{})
	var fastest float64
	var measuring sync.WaitGroup
	measuring.Go(func() { fastest = s.fastest(interval, stop) })
	joining.Wait()
	t.Cleanup(func() {
		for _, player := range all {
			if player != nil {
				_ = player.Close()
			}
		}
	})
	if failed.Load() > 0 {
		t.FailNow()
	}
	media(t, all[0], 150) // beyond all replays
	missing := 0
	for i, player := range all {
		video := player.Video()
		if !video.FirstKey || video.Frames < 100 {
			t.Errorf("joiner %d got %d pictures, the first a key frame: %t", i, video.Frames, video.FirstKey)
		}
		missing += video.Missing // the joiners share this machine's processors with the server
	}
	close(stop)
	measuring.Wait()
	for i, w := range watchers {
		complete(t, w)
		frames := w.VideoFrames()
		var longest time.Duration
		for n := 1; n < len(frames); n++ {
			longest = max(longest, frames[n].At.Sub(frames[n-1].At))
		}
		if longest > 1500*time.Millisecond { // three times of what a quiet machine shows
			t.Errorf("watcher %d: longest time without a picture %v", i, longest)
		}
	}
	live := float64(joiners+len(watchers)) * 2.6e6 / 8
	t.Logf("at most %.0f Mbit/s, of which the live streams are %.0f; the joiners miss %d packets", fastest*8/1e6, live*8/1e6, missing)
	if fastest > 1.3*most+live {
		t.Errorf("%.0f Mbit/s, want at most %.0f", fastest*8/1e6, (most+live)*8/1e6)
	}
}

// fastest is the most bytes of media a second that players were sent between two
// looks, until stop is closed. Looks take their time on a busy machine: the time
// is from before the first to after the second.
func (s *server) fastest(interval time.Duration, stop <-chan struct{}) (most float64) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	began := time.Now()
	last := s.delivered()
	for {
		select {
		case <-stop:
			return most
		case <-ticker.C:
		}
		begins := time.Now()
		sum := s.delivered()
		most = max(most, float64(sum-last)/time.Since(began).Seconds())
		last, began = sum, begins
	}
}

func (s *server) delivered() (sum uint64) {
	for _, session := range s.sessions.Sessions() {
		for _, m := range session.Stats().Media {
			sum += m.Sent.Bytes
		}
	}
	return sum
}
