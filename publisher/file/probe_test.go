package file_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"weir/internal/codec"
	"weir/internal/mediatest"
	"weir/publisher/file"
)

// A sample is a clip that FFmpeg makes of one container and codec, without B-frames.
type sample struct {
	name      string // of the file
	container string
	codec     string
	sound     bool
	args      []string
}

func samples() []sample {
	x264 := []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-pix_fmt", "yuv420p", "-threads", "1"}
	x265 := []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "bframes=0:keyint=30:min-keyint=30:log-level=error:pools=1:frame-threads=1", "-pix_fmt", "yuv420p"}
	vp8 := []string{"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-g", "30", "-b:v", "200k", "-pix_fmt", "yuv420p"}
	vp9 := []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-auto-alt-ref", "0", "-lag-in-frames", "0", "-g", "30", "-b:v", "200k", "-pix_fmt", "yuv420p"}
	av1 := []string{"-c:v", "libsvtav1", "-preset", "12", "-g", "30", "-svtav1-params", "pred-struct=1:lookahead=0", "-pix_fmt", "yuv420p"}
	fragments := []string{"-movflags", "frag_keyframe+delay_moov+default_base_moof"}
	return []sample{
		{"mp4.h264.mp4", "MP4", codec.H264, true, x264},
		{"mp4.h265.mp4", "MP4", codec.H265, true, x265},
		{"mp4.vp9.mp4", "MP4", codec.VP9, true, vp9},
		{"mp4.av1.mp4", "MP4", codec.AV1, true, av1},
		{"fmp4.h264.mp4", "fragmented MP4", codec.H264, true, append(x264, fragments...)},
		{"fmp4.h265.mp4", "fragmented MP4", codec.H265, true, append(x265, fragments...)},
		{"fmp4.vp9.mp4", "fragmented MP4", codec.VP9, true, append(vp9, fragments...)},
		{"fmp4.av1.mp4", "fragmented MP4", codec.AV1, true, append(av1, fragments...)},
		{"mkv.h264.mkv", "Matroska", codec.H264, true, x264},
		{"mkv.h265.mkv", "Matroska", codec.H265, true, x265},
		{"webm.vp8.webm", "Matroska", codec.VP8, true, vp8},
		{"webm.vp9.webm", "Matroska", codec.VP9, true, vp9},
		{"webm.av1.webm", "Matroska", codec.AV1, true, av1},
		{"ivf.vp8.ivf", "IVF", codec.VP8, false, vp8},
		{"ivf.vp9.ivf", "IVF", codec.VP9, false, vp9},
		{"ivf.av1.ivf", "IVF", codec.AV1, false, av1},
		{"stream.h264", "H264 byte stream", codec.H264, false, x264},
		{"stream.h265", "H265 byte stream", codec.H265, false, x265},
	}
}

// make writes the clip into a folder.
func (s sample) make(t *testing.T, dir, seconds string) string {
	t.Helper()
	if !s.sound {
		return mediatest.Clip(t, dir, s.name, mediatest.Picture(seconds), s.args)
	}
	return mediatest.Clip(t, dir, s.name, mediatest.Picture(seconds), mediatest.Sound(seconds), s.args, mediatest.Opus())
}

func probe(t *testing.T, path string) (file.Report, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return file.Probe(t.Context(), f, false)
}

// The probe says of each container and codec what FFmpeg was told to make.
func TestProbe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, s := range samples() {
		if !soak && i%4 != 0 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r, err := probe(t, s.make(t, dir, "2.5"))
			if err != nil {
				t.Fatal(err)
			}
			if r.Container != s.container || !r.Playable || r.BFrames || r.Problem != "" {
				t.Errorf("report %+v", r)
			}
			video := r.Tracks[0]
			if video.Codec != s.codec || video.Width != 192 || video.Height != 108 || (video.FrameRate-30) > 0.01 || (video.FrameRate-30) < -0.01 {
				t.Errorf("picture %+v", video)
			}
			if r.KeyFrameInterval != time.Second.Seconds()*1000 {
				t.Errorf("key frame interval %v ms", r.KeyFrameInterval)
			}
			if d := r.Duration - 2500; d < -1 || d > 40 {
				t.Errorf("duration %v ms", r.Duration)
			}
			if s.sound && (len(r.Tracks) != 2 || r.Tracks[1].Codec != codec.Opus || r.Tracks[1].Channels != 1 || r.Tracks[1].Rate != 48000) {
				t.Errorf("sound %+v", r.Tracks)
			}
		})
	}
	t.Run("sound.opus", func(t *testing.T) {
		r, err := probe(t, mediatest.Clip(t, dir, "sound.opus", mediatest.Sound("2.5"), mediatest.Opus()))
		if err != nil || r.Container != "Ogg" || !r.Playable || r.Duration < 2490 || r.Duration > 2510 {
			t.Errorf("report %+v: %v", r, err)
		}
	})
}

// What cannot be sent as it is is said, with the line that mends it.
func TestProbeTells(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bframes := []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "30", "-pix_fmt", "yuv420p"}
	aac := []string{"-c:a", "aac"}
	for _, c := range []struct {
		name           string
		args           [][]string
		bframes, aac   bool
		text, playable string
	}{
		{"b frames.mp4", [][]string{mediatest.Picture("2"), bframes}, true, false, "ffmpeg -i 'b frames.mp4' -c:v libx264 -profile:v baseline -bf 0", "no"},
		{"b.mkv", [][]string{mediatest.Picture("2"), bframes}, true, false, "B-frames", "no"},
		{"b.h264", [][]string{mediatest.Picture("2"), bframes}, true, false, "B-frames", "no"},
		{"b.f.mp4", [][]string{mediatest.Picture("2"), bframes, {"-movflags", "frag_keyframe+empty_moov"}}, true, false, "B-frames", "no"},
		{"a.mp4", [][]string{mediatest.Picture("2"), mediatest.Sound("2"), mediatest.H264(), aac}, false, true, "-c:v copy -c:a libopus a.webrtc.mkv", "yes"},
		{"a.mkv", [][]string{mediatest.Picture("2"), mediatest.Sound("2"), mediatest.H264(), aac}, false, true, "left out unless FFmpeg is installed", "yes"},
		{"mpeg4.mp4", [][]string{mediatest.Picture("2"), {"-c:v", "mpeg4"}}, false, false, "no track in it that browsers play", "no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := probe(t, mediatest.Clip(t, dir, c.name, c.args...))
			if err != nil {
				t.Fatal(err)
			}
			said := r.Problem + strings.Join(r.Warnings, " ")
			if r.BFrames != c.bframes || r.AAC != c.aac || r.Playable != (c.playable == "yes") || !strings.Contains(said, c.text) {
				t.Errorf("report %+v", r)
			}
		})
	}
}

// A file whose first pictures stand before its time 0, as where it was cut without encoding it anew, has no B-frames for that.
func TestProbeBeforeZero(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := mediatest.Clip(t, dir, "whole.mp4", mediatest.Picture("3"), mediatest.H264())
	r, err := probe(t, mediatest.Clip(t, dir, "cut.mp4", []string{"-ss", "1.3", "-i", whole, "-c", "copy", "-map", "0:v"}))
	if err != nil || r.BFrames || !r.Playable {
		t.Errorf("report %+v: %v", r, err)
	}
}

// VP9 of 10 bits is announced as what its frames are, whatever the container says of them.
func TestProfileOfVP9(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	deep := []string{"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "200k"}
	for name, want := range map[string]string{"d.webm": "profile-id=2", "d.mp4": "profile-id=2", "d.ivf": "profile-id=2", "8.webm": "profile-id=0"} {
		format := []string{"-pix_fmt", "yuv420p10le", "-profile:v", "2"}
		if name == "8.webm" {
			format = []string{"-pix_fmt", "yuv420p"}
		}
		mediatest.Clip(t, dir, name, mediatest.Picture("0.5"), deep, format)
		source, err := newSource(dir, map[string]any{"file": name})
		if err != nil || source.Specs()[0].Format.Fmtp != want {
			t.Errorf("%s: %+v, %v", name, source, err)
		}
	}
}

// The length of what FFmpeg plays is what the file says of it.
func TestProbeLengthOfSound(t *testing.T) {
	t.Parallel()
	r, err := probe(t, mediatest.Clip(t, t.TempDir(), "a.m4a", mediatest.Sound("2.5"), []string{"-c:a", "aac"}))
	if err != nil || r.Duration < 2490 || r.Duration > 2550 {
		t.Errorf("report %+v: %v", r, err)
	}
}
