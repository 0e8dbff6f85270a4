package file_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/media"
	"weir/internal/mediatest"
	"weir/publisher"
)

// A file that has nothing in it any more ends the source; it is not read over and over.
func TestTruncatedWhileItPlays(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"clip.h264", "clip.mkv", "clip.mp4"} {
		path := mediatest.Clip(t, dir, name, mediatest.Picture("1"), mediatest.H264())
		synctest.Test(t, func(t *testing.T) {
			source, err := newSource(dir, map[string]any{"file": name})
			if err != nil {
				t.Fatal(err)
			}
			sh, _ := newStage(t).play(source)
			time.Sleep(500 * time.Millisecond)
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			synctest.Wait()
			select {
			case err := <-sh.ended:
				if !errors.Is(err, media.ErrDamaged) {
					t.Errorf("%s: %v", name, err)
				}
			default:
				t.Errorf("%s: it goes on", name)
			}
		})
	}
}

// A file that is another one than when the source was made is not played into tracks that were announced for that.
func TestReplacedBeforeItPlays(t *testing.T) {
	dir := t.TempDir()
	vp8 := []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"}
	mediatest.Clip(t, dir, "clip.mkv", mediatest.Picture("0.5"), mediatest.H264())
	other := mediatest.Clip(t, dir, "other.mkv", mediatest.Picture("0.5"), vp8)
	synctest.Test(t, func(t *testing.T) {
		source, err := newSource(dir, map[string]any{"file": "clip.mkv"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(other, filepath.Join(dir, "clip.mkv")); err != nil {
			t.Fatal(err)
		}
		sh, seen := newStage(t).play(source)
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		select {
		case err := <-sh.ended:
			if !errors.Is(err, media.ErrDamaged) {
				t.Error(err)
			}
		default:
			t.Error("it plays")
		}
		if n := len(seen[0].units(true)); n > 0 {
			t.Errorf("%d packets", n)
		}
	})
}

// A wish that comes while the last picture is seen is done; one that comes too late is not taken.
func TestChangeAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("1"), mediatest.H264())
	for _, wish := range []map[string]any{{"start": 0.2}, {"loop": true}, {"paused": true}} {
		synctest.Test(t, func(t *testing.T) {
			params := map[string]any{"file": "clip.mp4", "loop": false, "start": 0, "paused": false, "rate": 0}
			source, err := newSource(dir, params)
			if err != nil {
				t.Fatal(err)
			}
			sh, seen := newStage(t).play(source)
			time.Sleep(990 * time.Millisecond)
			synctest.Wait()
			before := len(seen[0].units(false))
			maps.Copy(params, wish)
			sh.change(params)
			time.Sleep(500 * time.Millisecond)
			synctest.Wait()
			select {
			case err := <-sh.ended:
				t.Fatalf("%v: it has ended: %v", wish, err)
			default:
			}
			if n := len(seen[0].units(false)) - before; (n > 10) == (wish["paused"] == true) {
				t.Errorf("%v: %d pictures after it", wish, n)
			}
			params["loop"], params["paused"] = false, false
			sh.change(params)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			select {
			case err := <-sh.ended:
				if err != nil {
					t.Error(err)
				}
			default:
				t.Errorf("%v: it goes on", wish)
			}
			params["start"] = 0.5
			late, _ := json.Marshal(params)
			changer, _ := source.(publisher.Changer)
			if done, err := changer.Change(late); done || err != nil {
				t.Errorf("%v: it took a wish after the end: %v", wish, err)
			}
		})
	}
}
