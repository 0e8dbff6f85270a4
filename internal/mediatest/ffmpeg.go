package mediatest

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FFmpeg runs FFmpeg, or skips the test with the reason why it cannot.
func FFmpeg(t *testing.T, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("no FFmpeg is installed to make the clip with")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append([]string{"-hide_banner", "-loglevel", "error", "-nostdin", "-y"}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v: %s", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// Picture and Sound are FFmpeg's inputs of a test's clip: so many seconds at 30 pictures a second.
func Picture(seconds string) []string {
	return []string{"-f", "lavfi", "-i", "testsrc=size=192x108:rate=30:duration=" + seconds}
}

// Sound is the other.
func Sound(seconds string) []string {
	return []string{"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=" + seconds}
}

// H264 and Opus encode without B-frames, a key frame each second.
func H264() []string {
	return []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-pix_fmt", "yuv420p", "-threads", "1"}
}

// Opus encodes sound.
func Opus() []string { return []string{"-c:a", "libopus", "-b:a", "32k"} }

// Clip makes a clip in a folder, by its name.
func Clip(t *testing.T, dir, name string, args ...[]string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	var all []string
	for _, a := range args {
		all = append(all, a...)
	}
	FFmpeg(t, append(all, path)...)
	return path
}
