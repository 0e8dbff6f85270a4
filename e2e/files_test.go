//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/webrtctest"
)

// A mediaFile is a clip that FFmpeg makes: two seconds of a test picture, and a tone.
type mediaFile struct {
	name, codec string // codec as Chromium names it, in lower case; "" for sound alone
	sound       bool
	short       bool // not only with E2E_SOAK=1
	args        []string
}

func mediaFiles() []mediaFile {
	h264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-pix_fmt", "yuv420p"}
	vp8 := []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-g", "30", "-b:v", "300k", "-pix_fmt", "yuv420p"}
	vp9 := append([]string{"-c:v", "libvpx-vp9", "-lag-in-frames", "0"}, vp8[2:]...)
	av1 := []string{"-c:v", "libsvtav1", "-preset", "12", "-g", "30", "-svtav1-params", "pred-struct=1:lookahead=0", "-pix_fmt", "yuv420p"}
	fragments := []string{"-movflags", "frag_keyframe+delay_moov+default_base_moof"}
	return []mediaFile{
		{"tables-h264.mp4", "h264", true, true, h264},
		{"tables-vp9.mp4", "vp9", true, false, vp9},
		{"tables-av1.mp4", "av1", true, false, av1},
		{"fragments-h264.mp4", "h264", true, false, append(h264, fragments...)},
		{"fragments-vp9.mp4", "vp9", true, false, append(vp9, fragments...)},
		{"fragments-av1.mp4", "av1", true, false, append(av1, fragments...)},
		{"matroska-h264.mkv", "h264", true, false, h264},
		{"webm-vp8.webm", "vp8", true, false, vp8},
		{"webm-vp9.webm", "vp9", true, false, vp9},
		{"webm-av1.webm", "av1", true, false, av1},
		{"frames-vp8.ivf", "vp8", false, false, vp8},
		{"frames-vp9.ivf", "vp9", false, false, vp9},
		{"frames-av1.ivf", "av1", false, false, av1},
		{"stream.h264", "h264", false, false, h264},
		{"four-h264.mp4", "h264", true, false, append(h264[:len(h264)-1:len(h264)-1], "yuv444p")},
		{"deep-vp9.webm", "vp9", true, false, append(vp9[:len(vp9)-1:len(vp9)-1], "yuv420p10le", "-profile:v", "2")},
		{"ten-h264.mp4", "h264", true, false, append(h264[:len(h264)-1:len(h264)-1], "yuv420p10le")},
		{"sound.opus", "", true, false, nil},
	}
}

// make writes the clip into a folder.
func (m mediaFile) make(t *testing.T, dir string) {
	t.Helper()
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin"}
	if m.codec != "" {
		args = append(args, "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=2")
	}
	if m.sound {
		args = append(args, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=2")
	}
	args = append(args, m.args...)
	if m.sound {
		args = append(args, "-c:a", "libopus", "-b:a", "48k")
	}
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", append(args, filepath.Join(dir, m.name))...).CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v: %s", m.name, err, out)
	}
}

// startFile lets a stream be fed by a file of the media folder.
func startFile(t *testing.T, server *process, stream, file string) {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"source": "file", "params": map[string]any{"file": file}})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.base+"/api/v1/streams/"+stream, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	r.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := reply.Body.Close(); err != nil || reply.StatusCode != http.StatusCreated {
		t.Fatalf("start %s: %d %v", file, reply.StatusCode, err)
	}
}

// What Chromium made of a file.
type filePlayed struct {
	Codec                                            string
	Decoded, Sent, Freezes, Lost, Samples, Concealed int
	Skew                                             *struct {
		Value, Uncertainty float64
		Why                string
	}
}

// Files of each container and codec that Chromium decodes play there over two loop points and more.
func TestFilesInChromium(t *testing.T) {
	needs(t, chromium, "ffmpeg")
	dir := t.TempDir()
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_MEDIA_DIR="+dir)
	for _, m := range mediaFiles() {
		if !m.short && os.Getenv("E2E_SOAK") == "" {
			continue
		}
		t.Run(m.name, func(t *testing.T) {
			m.make(t, dir)
			name := strings.ReplaceAll(m.name, ".", "-")
			startFile(t, server, name, m.name)
			webrtctest.Tries(t, func(t *webrtctest.Attempt) {
				var got filePlayed
				run(t.T, "files.mjs", server.base, name, "5", adminToken).report(t.T, &got)
				t.Logf("%+v", got)
				if wrong := got.judge(m); wrong != "" {
					t.Error(wrong)
				}
			})
		})
	}
}

// judge says what is wrong.
func (got filePlayed) judge(m mediaFile) string {
	apart := 6 // the two are not counted at the same moment
	if os.Getenv("E2E_SOAK") != "" {
		apart = 2
	}
	switch {
	case got.Codec != m.codec:
		return "it plays " + got.Codec
	case m.codec != "" && (got.Sent < 140 || got.Decoded-got.Sent > apart || got.Sent-got.Decoded > apart):
		return fmt.Sprintf("%d frames decoded, %d sent", got.Decoded, got.Sent)
	case got.Freezes != 0:
		return fmt.Sprintf("%d freezes", got.Freezes)
	case m.sound && got.Samples < 4.8*48000:
		return fmt.Sprintf("%d samples of sound", got.Samples)
	default:
		return ""
	}
}

// The test pattern as a file: its flash and its beep fall together in Chromium.
func TestFileInStepInChromium(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("is told by RTP in the short tests: only when E2E_SOAK is set")
	}
	needs(t, chromium, "ffmpeg")
	dir := t.TempDir()
	const clip = "../publisher/clip/clip"
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-r", "30", "-i", clip+".h264",
		"-i", clip+".opus", "-c", "copy", filepath.Join(dir, "pattern.mp4")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin, "WEIR_MEDIA_DIR="+dir)
	startFile(t, server, "pattern", "pattern.mp4")
	var got filePlayed
	run(t, "files.mjs", server.base, "pattern", "15", adminToken, "skew").report(t, &got)
	t.Logf("%+v, skew %+v", got, got.Skew)
	if got.Skew == nil || got.Skew.Why != "" || math.Abs(got.Skew.Value) > 80 {
		t.Errorf("the sound comes late by %+v", got.Skew)
	}
}
