//go:build cgo

package device_test

import (
	"bytes"
	"errors"
	"image"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"weir/internal/codec"
	"weir/publisher"
	"weir/publisher/device"
	"weir/publisher/pattern"
)

// ffmpeg runs FFmpeg over the input and returns its output. Without FFmpeg the test is skipped, in CI it fails.
func ffmpeg(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("ffmpeg is not installed")
		}
		t.Skip("ffmpeg is not installed")
	}
	cmd := exec.Command(path, append([]string{"-v", "error", "-i", "pipe:0"}, append(args, "pipe:1")...)...)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			t.Fatalf("ffmpeg: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	return out
}

func params(p pattern.Params) publisher.VideoParams {
	return publisher.VideoParams{Width: p.Width, Height: p.Height, Rate: p.Rate, BitRate: p.BitRate}
}

// encode makes n pictures of the pattern; key names those that are asked to be key frames. A picture that the encoder left
// out is nil.
func encode(t *testing.T, p pattern.Params, n int64, key ...int64) [][]byte {
	t.Helper()
	painter, err := pattern.NewPainter(p)
	if err != nil {
		t.Fatal(err)
	}
	e, err := device.OpenH264(params(p))
	if err != nil {
		t.Fatal(err)
	}
	var units [][]byte
	for i := range n {
		b, err := e.Encode(painter.Draw(i, time.UnixMilli(1000*i)), slices.Contains(key, i))
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, b)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	return units
}

func types(unit []byte) (got []byte) {
	for nal := range codec.NALUnits(unit) {
		got = append(got, nal[0]&0x1f)
	}
	return got
}

// A decoder reads from the pictures what the pattern wrote into them, at sizes from the least up.
func TestBlocksSurviveH264(t *testing.T) {
	for _, size := range []image.Point{{160, 90}, {320, 180}, {640, 360}, {480, 854}} {
		p := pattern.Default("test")
		p.Width, p.Height, p.BitRate = size.X, size.Y, max(300_000, 3*size.X*size.Y)
		units := encode(t, p, 30)
		raw := ffmpeg(t, bytes.Join(units, nil), "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough")
		stride := size.X * size.Y * 3 / 2
		var want []uint32
		for i, u := range units {
			if len(u) > 0 {
				want = append(want, uint32(i))
			}
		}
		if len(raw)%stride != 0 || len(raw)/stride != len(want) {
			t.Fatalf("%v: %d bytes decoded, want %d pictures of %d", size, len(raw), len(want), stride)
		}
		for i, n := range want {
			img := image.NewYCbCr(image.Rectangle{Max: size}, image.YCbCrSubsampleRatio420)
			copy(img.Y, raw[i*stride:])
			got, err := pattern.Read(img)
			if err != nil || got != (pattern.Code{Frame: n, Millis: 1000 * n, Live: true}) {
				t.Errorf("%v, picture %d: got %+v, %v", size, n, got, err)
			}
		}
	}
}

// Key frames come first, when asked for and else after ten seconds, each with its parameter sets; pictures have one slice.
func TestKeyFrames(t *testing.T) {
	p := pattern.Default("test")
	p.Width, p.Height = 320, 180
	for i, u := range encode(t, p, 350, 20, 50) {
		want := []byte{1}
		if slices.Contains([]int{0, 20, 50, 350}, i) {
			want = []byte{7, 8, 5}
		}
		if got := types(u); len(u) > 0 && !bytes.Equal(got, want) {
			t.Errorf("picture %d has NAL units %v, want %v", i, got, want)
		}
	}
	units := encode(t, p, 302)
	if got := types(units[300]); !bytes.Equal(got, []byte{7, 8, 5}) {
		t.Errorf("picture 300, after ten seconds, has NAL units %v", got)
	}
}

// The stream is what the format says: constrained baseline.
func TestProfile(t *testing.T) {
	p := pattern.Default("test")
	for nal := range codec.NALUnits(encode(t, p, 1)[0]) {
		if nal[0]&0x1f == 7 && !bytes.Equal(nal[1:4], []byte{0x42, 0xc0, 0x1f}) {
			t.Errorf("profile-level-id %x, want 42c01f", nal[1:4])
		}
	}
}

// noise is a picture a sixth of which cannot be compressed.
type noise struct{ state uint32 }

func (n *noise) fill(img *image.YCbCr) {
	for i := range len(img.Y) / 6 {
		n.state = n.state*1664525 + 1013904223
		img.Y[i] = byte(n.state >> 24)
	}
}

// The stream says what its colours are: else players guess.
func TestColoursAreSaid(t *testing.T) {
	key := encode(t, pattern.Default("colours"), 1)[0]
	path, err := exec.LookPath("ffprobe") // it comes with ffmpeg
	if err != nil {
		t.Skip("ffprobe is not installed")
	}
	probe := exec.Command(path, "-v", "error", "-show_entries", "stream=color_space,color_range,color_primaries,color_transfer,width", "-of", "csv=p=0", "-f", "h264", "pipe:0")
	probe.Stdin = bytes.NewReader(key)
	if said, err := probe.CombinedOutput(); err != nil || string(said) != "1280,tv,smpte170m,bt709,bt709\n" {
		t.Errorf("%v %s", err, said)
	}
}

// On pictures that are hard to compress the encoder holds its bit rate by leaving some out; a new bit rate counts at once.
func TestBitRate(t *testing.T) {
	e, err := device.OpenH264(publisher.VideoParams{Width: 320, Height: 180, Rate: 30, BitRate: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	source := &noise{}
	second := func() (bits, empty int) {
		for range 150 {
			source.fill(img)
			b, err := e.Encode(img, false)
			if err != nil {
				t.Fatal(err)
			}
			bits += 8 * len(b)
			if len(b) == 0 {
				empty++
			}
		}
		return bits / 5, empty
	}
	before, empty := second()
	if err := e.SetBitRate(300_000); err != nil {
		t.Fatal(err)
	}
	after, emptyAfter := second()
	t.Logf("asked for 1000000: %d bit/s, %d of 150 left out; for 300000: %d, %d", before, empty, after, emptyAfter)
	if before > 1_500_000 || after > 500_000 || after > before || empty+emptyAfter == 0 {
		t.Error("the bit rate is not held")
	}
	if err := errors.Join(e.Close(), e.Close()); err != nil {
		t.Error(err)
	}
	if _, err := e.Encode(img, true); err == nil {
		t.Error("encoded after Close")
	}
	if err := e.SetBitRate(1); err == nil {
		t.Error("bit rate set after Close")
	}
}

func TestRefusals(t *testing.T) {
	for _, p := range []publisher.VideoParams{
		{},
		{Width: 14, Height: 16, Rate: 30, BitRate: 1e6},
		{Width: 321, Height: 180, Rate: 30, BitRate: 1e6},
		{Width: 4096, Height: 2306, Rate: 30, BitRate: 1e6},
		{Width: 320, Height: 180, BitRate: 1e6},
		{Width: 320, Height: 180, Rate: 30},
	} {
		if _, err := device.OpenH264(p); err == nil {
			t.Errorf("an encoder for %+v", p)
		}
	}
	for _, p := range []publisher.AudioParams{{}, {Channels: 3, BitRate: 96000}, {Channels: 2, BitRate: 100}} {
		if _, err := device.Opus(p); err == nil {
			t.Errorf("an encoder for %+v", p)
		}
	}
	e, err := device.OpenH264(publisher.VideoParams{Width: 320, Height: 180, Rate: 30, BitRate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	for _, img := range []*image.YCbCr{
		image.NewYCbCr(image.Rect(0, 0, 322, 180), image.YCbCrSubsampleRatio420),
		image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio444),
	} {
		if _, err := e.Encode(img, false); err == nil {
			t.Errorf("took a picture of %v %v", img.Rect, img.SubsampleRatio)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := device.Missing(); err != nil {
		t.Error(err)
	}
}

// amplitude is how strong a frequency is in one channel of interleaved stereo: the Goertzel algorithm.
func amplitude(pcm []int16, channel, hz int) float64 {
	var re, im float64
	for i := range len(pcm) / 2 {
		sin, cos := math.Sincos(2 * math.Pi * float64(hz*i%48000) / 48000)
		re, im = re+float64(pcm[2*i+channel])*cos, im+float64(pcm[2*i+channel])*sin
	}
	return 4 * math.Hypot(re, im) / float64(len(pcm))
}

// The tones come out of a decoder, each on its own channel, and so does the beep.
func TestTonesSurviveOpus(t *testing.T) {
	sound := pattern.NewSound(pattern.Default("test"))
	e, err := device.Opus(publisher.AudioParams{Channels: 2, BitRate: 96_000})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.ogg")
	w, err := oggwriter.New(file, 48000, 2)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for n := range int64(150) {
		b, err := e.Encode(sound.Samples(n))
		if err != nil || len(b) == 0 {
			t.Fatalf("packet %d: %d bytes, %v", n, len(b), err)
		}
		total += len(b)
		if err := w.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, Timestamp: uint32(n * 960)}, Payload: b}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), e.Close(), e.Close()); err != nil {
		t.Fatal(err)
	}
	if bps := total * 8 / 3; bps > 125_000 {
		t.Errorf("%d bit/s", bps)
	}
	if _, err := e.Encode(sound.Samples(0)); err == nil {
		t.Error("encoded after Close")
	}
	ogg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw := ffmpeg(t, ogg, "-f", "s16le", "-ac", "2", "-ar", "48000")
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(uint16(raw[2*i]) | uint16(raw[2*i+1])<<8)
	}
	// The file says that a decoder must leave out 3,840 samples, so second 1 begins at 48000-3840+312.
	begin := 48000 - 3840 + 312
	quiet, beep := pcm[2*(begin+9600):2*(begin+9600+24000)], pcm[2*(begin+480):2*(begin+4320)]
	for channel, tones := range [][2]int{{440, 880}, {880, 440}} {
		has, lacks := amplitude(quiet, channel, tones[0]), amplitude(quiet, channel, tones[1])
		if has < 4000 || lacks > has/20 {
			t.Errorf("channel %d: %d Hz %.0f, %d Hz %.0f", channel, tones[0], has, tones[1], lacks)
		}
		if on, off := amplitude(beep, channel, 2000), amplitude(quiet, channel, 2000); on < 8000 || off > on/50 {
			t.Errorf("channel %d: beep %.0f, else %.0f", channel, on, off)
		}
	}
}
