package container_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"

	"weir/internal/media"
	"weir/internal/mediatest"
)

// A damage is one way in which a clip is broken.
type damage struct {
	name   string
	b      []byte
	silent bool // it need not be noticed: it may lie in what only a decoder reads
}

// damages are what is done to a clip, the same each time.
func damages(name string, b []byte, huge ...func([]byte) []byte) []damage {
	var all []damage
	for _, part := range []float64{0.1, 0.5, 0.97} {
		all = append(all, damage{fmt.Sprintf("%s cut to %v", name, part), b[:int(float64(len(b))*part)], name == "stream.h264"})
	}
	random := rand.New(rand.NewPCG(1, uint64(len(name))))
	for i, bits := range []int{1, 20, 2000} {
		flipped := bytes.Clone(b)
		for range bits {
			at := random.IntN(len(b) * 8)
			if i == 1 { // where the headers are
				at = random.IntN(min(len(b), 2000) * 8)
			}
			flipped[at/8] ^= 1 << (at % 8)
		}
		all = append(all, damage{fmt.Sprintf("%s with %d bits changed", name, bits), flipped, true})
	}
	for i, change := range huge {
		all = append(all, damage{fmt.Sprintf("%s with a huge size (%d)", name, i+1), change(bytes.Clone(b)), name == "stream.h264"})
	}
	return all
}

// put writes bytes some way behind the last place of a text.
func put(text string, offset int, with ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		if i := bytes.LastIndex(b, []byte(text)); i >= 0 {
			copy(b[i+offset:], with)
		}
		return b
	}
}

// at writes bytes at a place.
func at(offset int, with ...byte) func([]byte) []byte {
	return func(b []byte) []byte {
		copy(b[offset:], with)
		return b
	}
}

// Damaged files, each a clear error unless only a decoder could tell, none a panic, and none costs more than 64 MiB.
func TestDamagedFiles(t *testing.T) {
	dir := t.TempDir()
	large := []byte{0x7f, 0xff, 0xff, 0xf0}
	box := []func([]byte) []byte{
		put("moov", -4, large...), put("stsz", -4, large...), put("stsz", 12, large...), put("stts", 8, large...),
		put("stsc", 8, large...), put("mdat", -4, large...),
	}
	fragment := []func([]byte) []byte{put("moof", -4, large...), put("trun", 8, large...), put("trun", -4, large...)}
	vast := []byte{0x01, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	cases := []damage{}
	for name, c := range map[string]struct {
		args [][]string
		huge []func([]byte) []byte
	}{
		"clip.mp4":    {[][]string{mediatest.Picture("2"), mediatest.Sound("2"), mediatest.H264(), mediatest.Opus()}, box},
		"clip.f.mp4":  {[][]string{mediatest.Picture("2"), mediatest.Sound("2"), mediatest.H264(), mediatest.Opus(), {"-movflags", "frag_keyframe+empty_moov"}}, fragment},
		"clip.mkv":    {[][]string{mediatest.Picture("2"), mediatest.Sound("2"), mediatest.H264(), mediatest.Opus()}, []func([]byte) []byte{put("\x1F\x43\xB6\x75", 4, vast...), put("\x16\x54\xAE\x6B", 4, vast...)}},
		"clip.ivf":    {[][]string{mediatest.Picture("2"), {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8"}}, []func([]byte) []byte{at(32, 0xff, 0xff, 0xff, 0x7f), at(6, 0xff, 0xff), at(20, 0, 0, 0, 0)}},
		"clip.opus":   {[][]string{mediatest.Sound("2"), mediatest.Opus()}, []func([]byte) []byte{put("OggS", 26, 255)}},
		"stream.h264": {[][]string{mediatest.Picture("2"), mediatest.H264()}, []func([]byte) []byte{at(4, 0xff, 0xff, 0xff)}},
	} {
		b, err := os.ReadFile(mediatest.Clip(t, dir, name, c.args...))
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, damages(name, b, c.huge...)...)
	}
	t.Logf("%d damaged files", len(cases))
	if len(cases) < 50 {
		t.Errorf("only %d", len(cases))
	}
	var most uint64
	for _, c := range cases {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		found, err := look(t.Context(), bytes.NewReader(c.b), int64(len(c.b)))
		runtime.ReadMemStats(&after)
		allocated := after.TotalAlloc - before.TotalAlloc
		most = max(most, allocated)
		switch {
		case allocated > 64<<20:
			t.Errorf("%s: took %d MiB", c.name, allocated>>20)
		case err == nil && found.playable() && !c.silent:
			t.Errorf("%s: passes as sound", c.name)
		case err != nil && !errors.Is(err, media.ErrDamaged) && !errors.Is(err, media.ErrUnsupported):
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.silent {
			t.Logf("%s: %v", c.name, err)
		}
	}
	t.Logf("the most that one took in all: %d KiB", most>>10)
}
