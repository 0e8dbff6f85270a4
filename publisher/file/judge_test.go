package file_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"

	"weir/internal/mediatest"
	"weir/publisher/file"
)

// What is said of a file goes by whether an FFmpeg plays what cannot be played as it is; and it is what the source does.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x264 := func(more ...string) []string {
		return append([]string{"-c:v", "libx264", "-preset", "ultrafast", "-g", "30"}, more...)
	}
	picture, sound, aac := mediatest.Picture("1"), mediatest.Sound("1"), []string{"-c:a", "aac"}
	plain := mediatest.Clip(t, dir, "plain.mp4", picture, mediatest.H264())
	const one = 0x10000
	turn(t, plain, dir+"/90.mp4", 0, one, 0, -one, 0)
	turn(t, plain, dir+"/180.mp4", -one, 0, 0, 0, -one)
	turn(t, plain, dir+"/270.mp4", 0, -one, 0, one, 0)
	const passes = "while it plays. To spare that: ffmpeg -i "
	for _, c := range []struct {
		name          string
		args          [][]string
		alone, helped string // what is said without an FFmpeg, and with one
		refused       bool   // without one
		format        string // with one
	}{
		{"b.mp4", [][]string{picture, x264("-bf", "2", "-pix_fmt", "yuv420p")}, "B-frames", passes + "b.mp4 -c:v", true, "42e01f"},
		{"both.mp4", [][]string{picture, sound, x264("-bf", "2", "-pix_fmt", "yuv420p"), aac}, "B-frames", "The sound is AAC, which browsers do not take by WebRTC. " +
			"So FFmpeg makes it Opus " + passes + "both.mp4 -c:v libx264", true, "42e01f"},
		{"ten.mp4", [][]string{picture, x264("-bf", "0", "-pix_fmt", "yuv420p10le")}, "profile high-10", passes + "ten.mp4 -c:v", true, "42e01f"},
		{"422.mkv", [][]string{picture, x264("-bf", "0", "-pix_fmt", "yuv422p")}, "profile high-4:2:2", passes + "422.mkv -c:v", true, "42e01f"},
		{"444.mp4", [][]string{picture, x264("-bf", "0", "-pix_fmt", "yuv444p")}, "", "", false, "f40"},
		{"a.m4a", [][]string{sound, aac}, "ffmpeg -i a.m4a -c:a libopus a.webrtc.opus", passes + "a.m4a -c:a libopus a.webrtc.opus", true, ""},
		{"90.mp4", nil, "by 90 degrees clockwise", passes + "90.mp4 -c:v", false, "42e01f"},
		{"180.mp4", nil, "by 180 degrees", passes + "180.mp4 -c:v", false, "42e01f"},
		{"270.mp4", nil, "by 270 degrees", passes + "270.mp4 -c:v", false, "42e01f"},
		{"i.mp4", [][]string{picture, x264("-bf", "0", "-pix_fmt", "yuv420p", "-flags", "+ildct+ilme")}, "interlaced", "-vf yadif", false, "4d"},
		{"plain.mp4", nil, "", "", false, "42c0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.args != nil {
				mediatest.Clip(t, dir, c.name, c.args...)
			}
			alone, helped := report(t, dir, c.name, false), report(t, dir, c.name, true)
			if said := alone.Problem + strings.Join(alone.Warnings, " "); !strings.Contains(said, c.alone) || (said == "") != (c.alone == "") || alone.Playable == c.refused {
				t.Errorf("without FFmpeg: %+v", alone)
			}
			if said := strings.Join(helped.Warnings, " "); !strings.Contains(said, c.helped) || (said == "") != (c.helped == "") || !helped.Playable || helped.Problem != "" {
				t.Errorf("with FFmpeg: %+v", helped)
			}
			if _, err := newSource(dir, map[string]any{"file": c.name}); (err != nil) != c.refused {
				t.Errorf("the source without FFmpeg: %v", err)
			}
			source, err := file.Kind(file.Options{Dir: dir, Transcode: transcode}).New("test", []byte(`{"file": "`+c.name+`"}`))
			if err != nil {
				t.Fatal(err)
			}
			if format := source.Specs()[0].Format; !strings.Contains(format.Fmtp, "profile-level-id="+c.format) && c.format != "" {
				t.Errorf("announced as %v", format)
			}
			if slices.ContainsFunc(helped.Warnings, func(w string) bool { return strings.Contains(w, "anew") }) {
				t.Errorf("with FFmpeg: %q", helped.Warnings)
			}
		})
	}
}

func report(t *testing.T, dir, name string, converts bool) file.Report {
	t.Helper()
	f, err := os.Open(dir + "/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	r, err := file.Probe(t.Context(), f, converts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// turn writes a film with another matrix.
func turn(t *testing.T, from, to string, matrix ...int32) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("tkhd")) + 4 + 40
	for i, n := range matrix {
		binary.BigEndian.PutUint32(b[at+4*i:], uint32(n))
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
