package file_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"weir/internal/codec"
	"weir/internal/mediatest"
	"weir/publisher"
	"weir/publisher/file"
	"weir/stream"
)

// start makes a source of a file with defaults filled in, as the Supervisor does.
func newSource(dir string, params map[string]any) (publisher.Source, error) {
	all := map[string]any{"loop": true, "start": 0, "paused": false, "rate": 0}
	maps.Copy(all, params)
	b, _ := json.Marshal(all)
	return file.Kind(file.Options{Dir: dir}).New("test", b)
}

// A show is a source that plays until the test ends.
type show struct {
	*stage
	source      publisher.Source
	publication *stream.Publication
	ended       chan error
}

// play runs a source, with a viewer of each track from its beginning.
func (s *stage) play(source publisher.Source) (*show, []*recorder) {
	s.t.Helper()
	sh := &show{stage: s, source: source, publication: s.publish(source.Specs()), ended: make(chan error, 1)}
	var seen []*recorder
	for i := range source.Specs() {
		seen = append(seen, s.watch(sh.publication, i))
	}
	synctest.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { sh.ended <- source.Run(ctx, sh.publication) })
	s.t.Cleanup(func() { cancel(); running.Wait() })
	return sh, seen
}

func (s *show) change(params map[string]any) {
	s.t.Helper()
	b, _ := json.Marshal(params)
	changer, _ := s.source.(publisher.Changer)
	if done, err := changer.Change(b); !done || err != nil {
		s.t.Fatalf("change: %v, %v", done, err)
	}
}

// Two loop points: no step is longer than a picture and the rounding, none goes back, sequence numbers have no hole, and each
// picture of the clip comes as often as the others.
func TestLoop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made := samples()
	if !soak {
		made = []sample{made[0], made[4], made[11], made[13], made[16]}
	}
	for _, s := range made {
		s.make(t, dir, "1.5")
	}
	mediatest.Clip(t, dir, "sound.opus", mediatest.Sound("1.5"), mediatest.Opus())
	for _, s := range append(made, sample{name: "sound.opus"}) {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source, err := newSource(dir, map[string]any{"file": s.name})
				if err != nil {
					t.Fatal(err)
				}
				_, seen := newStage(t).play(source)
				time.Sleep(4 * time.Second)
				synctest.Wait()
				for i, spec := range source.Specs() {
					video := spec.Format.Kind() == codec.Video
					checkLine(t, spec, seen[i].units(!video), 120)
				}
			})
		})
	}
}

// checkLine looks at a viewer's packets of four seconds of a clip of 1.5 s.
func checkLine(t *testing.T, spec stream.Spec, units []got, pictures int) {
	t.Helper()
	rate, step := int32(90000), int32(3000)
	if spec.Format.Kind() == codec.Audio {
		rate, step, pictures = 48000, 960, 200
	}
	if n := len(units) - pictures; n < -6 || n > 6 {
		t.Errorf("%s: %d units in 4 s", spec.Format.Name, len(units))
	}
	seams := 0
	for i := 1; i < len(units); i++ {
		d := int32(units[i].Timestamp - units[i-1].Timestamp)
		switch {
		case d > step-rate/500 && d < step+rate/500: // Matroska counts milliseconds
		case d > 0 && d <= step+rate/20:
			seams++
		default:
			t.Errorf("%s: a step of %d ticks at unit %d", spec.Format.Name, d, i)
		}
		if late := units[i].at.Sub(units[0].at) - time.Duration(units[i].Timestamp-units[0].Timestamp)*time.Second/time.Duration(rate); late.Abs() > time.Millisecond {
			t.Errorf("%s: unit %d is off by %v", spec.Format.Name, i, late)
		}
	}
	if seams > 3 {
		t.Errorf("%s: %d seams", spec.Format.Name, seams)
	}
}

// A file that plays is paused, goes on, is sent elsewhere and ends, while those who watch it stay.
func TestChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("3"), mediatest.Sound("3"), mediatest.H264(), mediatest.Opus())
	synctest.Test(t, func(t *testing.T) {
		source, err := newSource(dir, map[string]any{"file": "clip.mp4"})
		if err != nil {
			t.Fatal(err)
		}
		sh, seen := newStage(t).play(source)
		count := func() int { synctest.Wait(); return len(seen[0].units(false)) }
		params := map[string]any{"file": "clip.mp4", "loop": true, "start": 0, "paused": true, "rate": 0}
		time.Sleep(1005 * time.Millisecond)
		sh.change(params)
		paused := count()
		time.Sleep(10 * time.Second)
		if n := count(); n != paused {
			t.Errorf("%d pictures while it was paused", n-paused)
		}
		params["paused"] = false
		sh.change(params)
		time.Sleep(500 * time.Millisecond)
		resumed := count()
		if n := resumed - paused; n < 14 || n > 16 {
			t.Errorf("%d pictures in half a second after it", n)
		}
		pictures := seen[0].units(false)
		if d := pictures[paused].Timestamp - pictures[paused-1].Timestamp; d < 895000 || d > 910000 {
			t.Errorf("the pause is %d ticks long", d)
		}
		params["start"], params["loop"] = 2.1, false
		sh.change(params) // to the key frame at 2 s, and to the end
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		after := seen[0].units(false)[resumed]
		if !strings.HasPrefix(fmt.Sprintf("%x", keyFrameAt(seen[0], after.Timestamp)), "78") { // STAP-A with the parameter sets
			t.Error("what follows a seek is no key frame")
		}
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		select {
		case err := <-sh.ended:
			if err != nil {
				t.Error(err)
			}
		default:
			t.Error("it goes on")
		}
	})
}

// keyFrameAt is the first packet of a timestamp.
func keyFrameAt(r *recorder, timestamp uint32) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.packets {
		if p.Timestamp == timestamp {
			return p.payload[:1]
		}
	}
	return nil
}

// Who joins while the clip is paused gets its picture.
func TestJoinWhilePaused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("3"), mediatest.H264())
	synctest.Test(t, func(t *testing.T) {
		source, err := newSource(dir, map[string]any{"file": "clip.mp4"})
		if err != nil {
			t.Fatal(err)
		}
		sh, _ := newStage(t).play(source)
		time.Sleep(1505 * time.Millisecond)
		sh.change(map[string]any{"file": "clip.mp4", "loop": true, "paused": true})
		time.Sleep(10 * time.Second)
		late := sh.watch(sh.publication, 0)
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		if n := len(late.units(false)); n < 2 {
			t.Errorf("%d pictures", n)
		}
		sh.change(map[string]any{"file": "clip.mp4", "loop": true, "paused": false})
		time.Sleep(time.Second)
		synctest.Wait()
		if n := len(late.units(false)); n < 30 {
			t.Errorf("%d pictures after it went on", n)
		}
	})
}

// Encodings of one clip are one source, in step, and what no folder has is refused.
func TestEncodings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := samples()
	if err := os.Mkdir(filepath.Join(dir, "shows"), 0o700); err != nil {
		t.Fatal(err)
	}
	mediatest.Clip(t, dir, "shows/clip.h264.mp4", mediatest.Picture("1.5"), mediatest.Sound("1.5"), all[0].args, mediatest.Opus())
	mediatest.Clip(t, dir, "shows/clip.vp9.webm", mediatest.Picture("1.5"), mediatest.Sound("1.5"), all[11].args, mediatest.Opus())
	mediatest.Clip(t, dir, "shows/clip.vp8.webm", mediatest.Picture("1.5"), mediatest.Sound("1.5"), all[10].args, []string{"-c:a", "libvorbis"})
	for _, name := range []string{"shows/clip.vp9.webm", "shows/clip", "shows/clip.mp4"} {
		source, err := newSource(dir, map[string]any{"file": name})
		if err != nil {
			t.Fatal(err)
		}
		var codecs []string
		for _, s := range source.Specs() {
			codecs = append(codecs, s.Format.Name)
		}
		want := "H264 opus VP8 VP9"
		if strings.HasSuffix(name, "webm") {
			want = "VP9 opus H264 VP8"
		}
		if got := strings.Join(codecs, " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		source, err := newSource(dir, map[string]any{"file": "shows/clip"})
		if err != nil {
			t.Fatal(err)
		}
		_, seen := newStage(t).play(source)
		time.Sleep(4 * time.Second)
		synctest.Wait()
		h264, vp8, vp9 := seen[0].units(false), seen[2].units(false), seen[3].units(false)
		n := min(len(h264), len(vp8), len(vp9))
		if n < 110 {
			t.Fatalf("%d, %d, %d pictures", len(h264), len(vp8), len(vp9))
		}
		for i := range n {
			if d := h264[i].at.Sub(vp9[i].at); d.Abs() > 2*time.Millisecond || h264[i].at.Sub(vp8[i].at).Abs() > 2*time.Millisecond {
				t.Fatalf("picture %d is out of step by %v", i, d)
			}
		}
	})
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.mp4")
	if err := errors.Join(os.WriteFile(outside, []byte("x"), 0o600), os.Symlink(outside, filepath.Join(dir, "link.mp4")),
		os.WriteFile(filepath.Join(dir, "text.mp4"), []byte("no clip at all, but some text"), 0o600),
		os.WriteFile(filepath.Join(dir, "empty.mp4"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"none.mp4": "must be the path", "../secret.mp4": "must be the path", "/etc/passwd": "must be the path",
		"link.mp4": "must be the path", "text.mp4": "none of MP4", "empty.mp4": "empty", ".": "must be the path",
	} {
		_, err := newSource(dir, map[string]any{"file": name})
		if _, ok := errors.AsType[*publisher.ParamError](err); !ok || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k := file.Kind(file.Options{}); k.Missing == nil || !strings.Contains(k.Missing.Error(), "media.dir") {
		t.Errorf("without a folder: %v", k.Missing)
	}
}
