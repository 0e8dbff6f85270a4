//go:build soak && cgo && linux

package device_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A real V4L2 device in a machine of its own: three times opened, streamed and closed at 30 pictures a second, unplugged
// while it is watched, and back. `make soak` brings qemu and the kernel; nothing of this machine's kernel is used. The first
// picture is left in .cache/vivid for people to look at.
func TestVivid(t *testing.T) {
	place, err := filepath.Abs("../../.cache/vivid")
	if err != nil {
		t.Fatal(err)
	}
	kernels, _ := filepath.Glob(filepath.Join(place, "boot/vmlinuz-*"))
	if _, err := exec.LookPath("qemu-system-x86_64"); err != nil || len(kernels) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("qemu: %v, kernels: %v", err, kernels)
		}
		t.Skip("no qemu-system-x86_64, or no kernel in .cache/vivid: make soak installs them")
	}
	disk := ramdisk(t, filepath.Join(place, "lib"))
	f := boot(t, kernels[0], disk)
	for try := 0; try < 2 && f.late(); try++ {
		t.Log("the machine was too busy to emulate another one; once more")
		f = boot(t, kernels[0], disk)
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
func boot(t *testing.T, kernel, ramdisk string) found {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	told := filepath.Join(t.TempDir(), "told")
	machine := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "768",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio", "-serial", "file:"+told, "-kernel", kernel, "-initrd", ramdisk,
		"-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on -- -test.run=^TestGuest$")
	begin := time.Now()
	console, err := machine.CombinedOutput()
	t.Logf("the machine ran for %v", time.Since(begin).Round(time.Second))
	text, failed := os.ReadFile(told)
	var f found
	if err != nil || failed != nil || json.Unmarshal(text, &f) != nil {
		t.Fatalf("%v, %v: told %.300q\n%s", err, failed, text, console)
	}
	if f.Error != "" {
		t.Logf("%s", console)
	}
	return f
}

// ramdisk holds this very test, with the libraries and modules that it needs: an archive in cpio's "newc" form, which is all
// that the kernel asks for.
func ramdisk(t *testing.T, lib string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"init": self}
	libraries, err := exec.Command("ldd", self).Output()
	if err != nil {
		t.Fatal(err)
	}
	for field := range strings.FieldsSeq(string(libraries)) {
		if filepath.IsAbs(field) {
			files[strings.TrimPrefix(field, "/")] = field
		}
	}
	err = filepath.WalkDir(lib, func(path string, _ os.DirEntry, err error) error {
		if name, ok := strings.CutSuffix(filepath.Base(path), ".ko"); ok && slices.Contains(modules, name) {
			files["modules/"+name+".ko"] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var disk bytes.Buffer
	made := map[string]bool{}
	entry := func(name string, mode int, content []byte) {
		fmt.Fprintf(&disk, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
			0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
		pad(&disk)
		disk.Write(content)
		pad(&disk)
	}
	var folder func(name string)
	folder = func(name string) {
		if name != "." && !made[name] {
			folder(filepath.Dir(name))
			made[name] = true
			entry(name, 0o040755, nil)
		}
	}
	for _, name := range []string{"dev", "proc", "sys", "tmp"} {
		folder(name)
	}
	for name, path := range files {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		folder(filepath.Dir(name))
		entry(name, 0o100755, content)
	}
	entry("TRAILER!!!", 0, nil)
	file := filepath.Join(t.TempDir(), "ramdisk")
	if err := os.WriteFile(file, disk.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func pad(b *bytes.Buffer) {
	for b.Len()%4 != 0 {
		b.WriteByte(0)
	}
}
