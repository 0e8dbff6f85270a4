package file_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/media"
	"weir/internal/mediatest"
	"weir/publisher"
)

// What is done to the middle fifth of a clip.
var holes = map[string]func(middle []byte){
	"zeros": func(middle []byte) { clear(middle) },
	"noise": func(middle []byte) {
		random := rand.New(rand.NewPCG(1, 2))
		for i := range middle {
			middle[i] = byte(random.Uint32())
		}
	},
	"ones": func(middle []byte) {
		for i := range middle {
			middle[i] = 0xff
		}
	},
}

// A clip with a hole in its middle plays on, or ends with a reason: whether it has
// the hole when the source is made or gets it while it plays.
func TestPlaysOverHoles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	vp8 := []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "30"}
	picture, sound := mediatest.Picture("3"), mediatest.Sound("3")
	for name, args := range map[string][][]string{
		"clip.mp4":   {picture, sound, mediatest.H264(), mediatest.Opus()},
		"clip.f.mp4": {picture, sound, mediatest.H264(), mediatest.Opus(), {"-movflags", "frag_keyframe+empty_moov"}},
		"clip.mkv":   {picture, sound, mediatest.H264(), mediatest.Opus()},
		"clip.webm":  {picture, sound, vp8, mediatest.Opus()},
		"clip.ivf":   {picture, vp8},
		"clip.opus":  {sound, mediatest.Opus()},
		"clip.h264":  {picture, mediatest.H264()},
	} {
		sane, err := os.ReadFile(mediatest.Clip(t, dir, name, args...))
		if err != nil {
			t.Fatal(err)
		}
		for kind, hole := range holes {
			damaged := append([]byte(nil), sane...)
			hole(damaged[len(damaged)*2/5 : len(damaged)*3/5])
			for _, before := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, %v", name, kind, before), func(t *testing.T) {
					path := filepath.Join(dir, name)
					overwrite(t, path, sane)
					if before {
						overwrite(t, path, damaged)
					}
					synctest.Test(t, func(t *testing.T) {
						playsOrTells(t, dir, name, func() { overwrite(t, path, damaged) })
					})
				})
			}
		}
	}
}

// overwrite writes the file where it lies: who reads it sees the change.
func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// playsOrTells plays a file for ten seconds, in the first of which something
// happens to it.
func playsOrTells(t *testing.T, dir, name string, happens func()) {
	t.Helper()
	source, err := newSource(dir, map[string]any{"file": name})
	if err != nil {
		problems, ok := errors.AsType[*publisher.ParamError](err)
		if !ok || !strings.Contains(problems.Error(), media.ErrDamaged.Error()) {
			t.Errorf("it is refused: %v", err)
		}
		return
	}
	sh, seen := newStage(t).play(source)
	time.Sleep(500 * time.Millisecond)
	happens()
	time.Sleep(5500 * time.Millisecond)
	synctest.Wait()
	before := make([]int, len(seen))
	for i, r := range seen {
		before[i] = len(r.units(true))
	}
	time.Sleep(4 * time.Second)
	synctest.Wait()
	select {
	case err := <-sh.ended:
		if !errors.Is(err, media.ErrDamaged) {
			t.Errorf("it has ended: %v", err)
		}
		return
	default:
	}
	for i, r := range seen {
		if n := len(r.units(true)) - before[i]; n < 20 || n > 4000 {
			t.Errorf("%s: %d packets in the last four seconds", source.Specs()[i].Format.Name, n)
		}
	}
}
