package matroska_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"weir/internal/codec"
	"weir/internal/container/matroska"
	"weir/internal/media"
	"weir/internal/mediatest"
)

// onlyReader hides that a reader can seek, as a pipe cannot.
type onlyReader struct{ io.Reader }

func readAll(t *testing.T, r io.Reader) ([]media.Track, []media.Unit) {
	t.Helper()
	m, err := matroska.Read(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var units []media.Unit
	for {
		u, err := m.Next()
		if errors.Is(err, io.EOF) {
			return m.Tracks(), units
		}
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, u)
	}
}

// What FFmpeg writes to a pipe comes out whole, with exact times, whether it can be skipped in or not.
func TestMatroskaOfFFmpeg(t *testing.T) {
	t.Parallel()
	args := append(append(append(mediatest.Picture("2"), mediatest.Sound("2")...), mediatest.H264()...), mediatest.Opus()...)
	b := mediatest.FFmpeg(t, append(args, "-f", "matroska", "pipe:1")...)
	for _, r := range []io.Reader{onlyReader{bytes.NewReader(b)}, bytes.NewReader(b)} {
		tracks, units := readAll(t, r)
		if len(tracks) != 2 || tracks[0].Codec != codec.H264 || tracks[0].Width != 192 || tracks[1].Codec != codec.Opus {
			t.Fatalf("tracks %+v", tracks)
		}
		var pictures, sounds, keys int
		var first [2]time.Duration
		var begun [2]bool
		for _, u := range units {
			if !begun[u.Track] {
				first[u.Track], begun[u.Track] = u.PTS, true
			}
			if u.Track == 1 {
				if want := first[1] + time.Duration(sounds)*20*time.Millisecond; u.PTS != want {
					t.Errorf("sound %d at %v, want %v", sounds, u.PTS, want)
				}
				sounds++
				continue
			}
			if d := u.PTS - first[0] - time.Duration(pictures)*time.Second/30; d.Abs() > 10*time.Microsecond {
				t.Errorf("picture %d is off by %v", pictures, d)
			}
			pictures++
			if u.Key {
				keys++
				if !bytes.HasPrefix(u.Data, []byte{0, 0, 0, 1, 0x67}) {
					t.Errorf("a key frame begins with %x", u.Data[:5])
				}
			}
		}
		if pictures != 60 || keys != 2 || sounds < 100 || sounds > 102 {
			t.Errorf("%d pictures, %d of them key frames, %d sounds", pictures, keys, sounds)
		}
	}
}

// Frames of 20 ms (0xfc: CELT, stereo, 20 ms, one frame) in each kind of lacing.
func TestLacing(t *testing.T) {
	large := append([]byte{0xfc}, make([]byte, 299)...)
	for name, b := range map[string][]byte{
		"none":  mediatest.Laced(0, 0xfc, 1),
		"Xiph":  mediatest.Laced(1, append(append([]byte{2, 255, 45, 2}, large...), 0xfc, 1, 0xfc)...),
		"fixed": mediatest.Laced(2, 2, 0xfc, 1, 0xfc, 2, 0xfc, 3),
		"EBML":  mediatest.Laced(3, append(append([]byte{2, 0x41, 0x2C, 0x5F, 0xff + 2 - 0xd5}, large...), 0xfc, 1, 0xfc)...),
	} {
		if name == "EBML" { // 300, then less 298: 298 in two bytes is (1<<13-1)-298
			v := 1<<13 - 1 - 298
			b = mediatest.Laced(3, append(append([]byte{2, 0x41, 0x2C, 0x40 | byte(v>>8), byte(v)}, large...), 0xfc, 1, 0xfc)...)
		}
		_, units := readAll(t, onlyReader{bytes.NewReader(b)})
		var times []time.Duration
		var sizes []int
		for _, u := range units {
			times, sizes = append(times, u.PTS/time.Millisecond), append(sizes, len(u.Data))
		}
		want := map[string][]int{"none": {2, 2}, "Xiph": {300, 2, 1, 2}, "fixed": {2, 2, 2, 2}, "EBML": {300, 2, 1, 2}}[name]
		if d := cmp.Diff(want, sizes); d != "" {
			t.Errorf("%s: sizes %s", name, d)
		}
		wantTimes := []time.Duration{15, 35, 55, 100}
		if name == "none" {
			wantTimes = []time.Duration{15, 100}
		}
		if d := cmp.Diff(wantTimes, times); d != "" {
			t.Errorf("%s: times %s", name, d)
		}
	}
}

// What cannot be is an error that says so.
func TestDamagedMatroska(t *testing.T) {
	whole := mediatest.Laced(0, 0xfc, 1)
	for name, b := range map[string][]byte{
		"empty":            {},
		"another":          []byte("RIFF....AVI"),
		"cut in a header":  whole[:20],
		"cut in a block":   whole[:len(whole)-1],
		"a huge element":   append(bytes.Clone(whole), 0xEC, 0x01, 0, 0xff, 0, 0, 0, 0, 0),
		"a huge block":     append(bytes.Clone(whole), 0xA3, 0x01, 0, 0xff, 0, 0, 0, 0, 0),
		"a lacing too far": mediatest.Laced(1, 1, 200, 0xfc),
		"uneven lacing":    mediatest.Laced(2, 2, 0xfc, 1),
	} {
		for _, r := range []io.Reader{onlyReader{bytes.NewReader(b)}, bytes.NewReader(b)} {
			m, err := matroska.Read(t.Context(), r)
			for err == nil {
				_, err = m.Next()
			}
			if !errors.Is(err, media.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
