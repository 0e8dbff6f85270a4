package file_test

import (
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/mediatest"
	"weir/publisher"
)

// A film that stands still does so however many viewers join, though the key frames of its encodings lie apart; it goes on from
// where it stood.
func TestStill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.h264.mp4", mediatest.Picture("10"), mediatest.H264(), []string{"-g", "60", "-keyint_min", "60"})
	mediatest.Clip(t, dir, "clip.vp8.webm", mediatest.Picture("10"),
		[]string{"-c:v", "libvpx", "-b:v", "100k", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-g", "75", "-keyint_min", "75"})
	synctest.Test(t, func(t *testing.T) {
		params := map[string]any{"file": "clip", "loop": true, "start": 0.0, "paused": false, "rate": 0}
		source, err := newSource(dir, params)
		if err != nil {
			t.Fatal(err)
		}
		placer, _ := source.(publisher.Placer)
		sh, _ := newStage(t).play(source)
		at := func(what string, want time.Duration) {
			t.Helper()
			if got := placer.Place().Position; (got - want).Abs() > 50*time.Millisecond {
				t.Errorf("%s: at %v, want %v", what, got, want)
			}
		}
		join := func(want time.Duration) {
			t.Helper()
			for range 3 {
				sh.publication.Tracks()[0].RequestKeyFrame()
				time.Sleep(2 * time.Second)
				at("somebody joined", want)
			}
		}
		time.Sleep(8500 * time.Millisecond)
		params["paused"] = true
		sh.change(params)
		synctest.Wait()
		time.Sleep(2 * time.Second)
		at("paused", 8500*time.Millisecond)
		join(7500 * time.Millisecond)
		params["paused"] = false
		sh.change(params)
		time.Sleep(time.Second)
		at("a second later", 8500*time.Millisecond)
		params["paused"] = true
		sh.change(params)
		params["start"] = 5.5 // before it has paused
		sh.change(params)
		time.Sleep(2 * time.Second)
		join(4 * time.Second)
		params["start"] = 7.9
		sh.change(params)
		time.Sleep(2 * time.Second)
		join(6 * time.Second)
	})
}
