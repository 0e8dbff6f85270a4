package file_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/mediatest"
	"weir/publisher"
)

// A file tells where it is: before it runs, while it plays, stands still, is sent elsewhere and goes round, and at its end.
func TestPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("3"), mediatest.Sound("3"), mediatest.H264(), mediatest.Opus())
	synctest.Test(t, func(t *testing.T) {
		params := map[string]any{"file": "clip.mp4", "loop": true, "start": 1.5, "paused": false, "rate": 0}
		source, err := newSource(dir, params)
		if err != nil {
			t.Fatal(err)
		}
		placer, _ := source.(publisher.Placer)
		at := func(what string, want time.Duration, paused bool) {
			t.Helper()
			got := placer.Place()
			if off := got.Position - want; off.Abs() > 50*time.Millisecond || got.Paused != paused || (got.Duration-3*time.Second).Abs() > 50*time.Millisecond {
				t.Errorf("%s: %+v, want %v", what, got, want)
			}
		}
		at("before it runs", 1500*time.Millisecond, false)
		sh, _ := newStage(t).play(source)
		synctest.Wait()
		at("at the key frame before its start", time.Second, false)
		time.Sleep(700 * time.Millisecond)
		at("while it plays", 1700*time.Millisecond, false)
		params["paused"] = true
		sh.change(params)
		at("as soon as it is paused", 1700*time.Millisecond, true)
		time.Sleep(time.Minute)
		at("a minute later", 1700*time.Millisecond, true)
		params["start"] = 2.2
		sh.change(params)
		synctest.Wait()
		if got := placer.Place().Position; got != 2*time.Second {
			t.Errorf("paused at a key frame: %v", got)
		}
		joins := sh.watch(sh.publication, 0) // makes it show its picture again
		sh.publication.Tracks()[0].RequestKeyFrame()
		time.Sleep(3 * time.Second)
		if got := placer.Place().Position; got != 2*time.Second || len(joins.units(false)) == 0 {
			t.Errorf("after somebody joined: %v, %d pictures", got, len(joins.units(false)))
		}
		params["paused"] = false
		sh.change(params)
		time.Sleep(2500 * time.Millisecond)
		at("round the end", 1500*time.Millisecond, false)
		params["loop"] = false
		sh.change(params)
		time.Sleep(2 * time.Second)
		if err := <-sh.ended; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		at("at the end", 3*time.Second, false)
	})
}

// Behind the end a start is a time of a later round, for the player as for who asks it; played once, there is no such time.
func TestStartBehindEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("3"), mediatest.H264())
	synctest.Test(t, func(t *testing.T) {
		params := map[string]any{"file": "clip.mp4", "loop": true, "start": 7.2, "paused": false, "rate": 0}
		source, err := newSource(dir, params)
		if err != nil {
			t.Fatal(err)
		}
		placer, _ := source.(publisher.Placer)
		changer, _ := source.(publisher.Changer)
		at := func(what string, want time.Duration) {
			t.Helper()
			if off := placer.Place().Position - want; off.Abs() > 50*time.Millisecond {
				t.Errorf("%s: off by %v", what, off)
			}
		}
		at("before it runs", 1200*time.Millisecond)
		sh, _ := newStage(t).play(source)
		synctest.Wait()
		at("at the key frame before", time.Second)
		params["start"] = 11.5
		sh.change(params)
		synctest.Wait()
		at("sent to a later round", 2*time.Second)
		params["loop"] = false
		b, _ := json.Marshal(params)
		done, err := changer.Change(b)
		if refused, ok := errors.AsType[*publisher.ParamError](err); !ok || done || refused.Problems[0].Name != "start" {
			t.Errorf("played once: %t, %v", done, err)
		}
		if _, err := newSource(dir, params); err == nil {
			t.Error("a start behind the end of what is played once passes")
		}
		params["start"] = 3.001 // as a page has it, to the nearest digit
		sh.change(params)
		synctest.Wait()
		at("sent to the end", 2*time.Second)
	})
}
