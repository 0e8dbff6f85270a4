//go:build soak && cgo && linux

package device_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/guest"
)

// A real V4L2 device in a machine of its own: three times opened, streamed and closed at 30 pictures a second, unplugged
// while it is watched, and back. `make soak` brings qemu and the kernel; nothing of this machine's kernel is used. The first
// picture is left in .cache/vivid for people to look at.
func TestVivid(t *testing.T) {
	place, err := filepath.Abs("../../.cache/vivid")
	if err != nil {
		t.Fatal(err)
	}
	if lacking := guest.Lacking(place); lacking != "" {
		if os.Getenv("CI") == "true" {
			t.Fatal(lacking)
		}
		t.Skip(lacking)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	machine := guest.New(t, guest.Options{Cache: place, Init: self, Args: []string{"-test.run=^TestGuest$"}})
	f := boot(t, machine)
	for try := 0; try < 2 && f.late(); try++ {
		t.Log("the machine was too busy to emulate another one; once more")
		f = boot(t, machine)
	}
	t.Logf("before it was plugged in: %s", f.Absent)
	t.Logf("unplugged and back: %q", f.Unplugged)
	t.Log(f.Quick)
	if f.Error != "" || f.Absent == "" || len(f.Cycles) != 3 || len(f.Choices) != 1 || len(f.Unplugged) != 2 {
		t.Fatalf("%s (%d cycles, choices %+v)", f.Error, len(f.Cycles), f.Choices)
	}
	t.Logf("%s %q: %s", f.Choices[0].Value, f.Choices[0].Title, f.Choices[0].Report)
	for i, c := range f.Cycles {
		rate := float64(c.Pictures) / c.Seconds
		t.Logf("cycle %d: %d pictures in %.2f s, %.1f a second, %d skipped, %d left out", i, c.Pictures, c.Seconds, rate, c.Stats.Skipped, c.Stats.Empty)
		asked := float64(c.Pictures)/c.Seconds + float64(c.Stats.Skipped)/c.Seconds // skipped: the emulated processor was late
		if rate < 27 || asked < 29 || asked > 32 || !c.OffAtEnd || c.Unwatched != "" {
			t.Errorf("cycle %d: off at the end %v; %s", i, c.OffAtEnd, c.Unwatched)
		}
	}
	look(t, f.Cycles[2].H264, filepath.Join(place, "picture.png"))
	if !strings.Contains(f.Unplugged[0], "unplugged") || !strings.HasPrefix(f.Unplugged[1], "live") {
		t.Errorf("unplugged: %q", f.Unplugged)
	}
}

// late says that pictures were left out because the emulated machine was too slow.
func (f *found) late() bool {
	return slices.ContainsFunc(f.Cycles, func(c cycle) bool { return c.Stats.Skipped > 10 })
}

// look decodes the pictures: they must have vivid's colours and a counter that moves. One is kept.
func look(t *testing.T, h264 []byte, file string) {
	t.Helper()
	raw := ffmpeg(t, h264, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough")
	const size = 320 * 180 * 3 / 2
	pictures := slices.Collect(slices.Chunk(raw, size))
	if len(pictures) < 10 || len(raw)%size != 0 {
		t.Fatalf("%d pictures decoded, %d bytes more", len(raw)/size, len(raw)%size)
	}
	first, last := pictures[0][:320*180], pictures[len(pictures)-1][:320*180]
	levels, moved := map[byte]int{}, 0
	for i, v := range first {
		levels[v/16]++
		if d := int(v) - int(last[i]); d > 40 || d < -40 {
			moved++
		}
	}
	t.Logf("%d pictures decoded, %d levels of brightness, %d pixels moved", len(pictures), len(levels), moved)
	if len(levels) < 6 || moved < 20 {
		t.Error("this is no picture of vivid's")
	}
	if err := os.WriteFile(file, ffmpeg(t, h264, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png"), 0o600); err != nil {
		t.Error(err)
	}
}

// boot runs the machine and returns what it tells.
func boot(t *testing.T, machine *guest.Machine) (f found) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	begin := time.Now()
	var console bytes.Buffer
	told, err := machine.Run(ctx, &console)
	t.Logf("the machine ran for %v", time.Since(begin).Round(time.Second))
	if err != nil || json.Unmarshal(told, &f) != nil {
		t.Fatalf("%v: told %.300q\n%s", err, told, &console)
	}
	if f.Error != "" {
		t.Logf("%s", &console)
	}
	return f
}
