package clip

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
	"go.uber.org/goleak"

	"weir/internal/codec"
	"weir/publisher"
	"weir/publisher/pattern"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// All is a whole number of seconds, with a key frame at each and nowhere else, and small.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name  string
		split func([]byte) ([]unit, error)
		file  []byte
		rate  int
		most  int // bytes
	}{{"H264", splitH264, h264, Rate, 260_000}, {"VP8", splitVP8, vp8, Rate, 260_000}, {"Opus", splitOpus, opus, 50, 80_000}} {
		units, err := c.split(c.file)
		if err != nil || len(units) != Seconds*c.rate {
			t.Fatalf("%s: %d units, %v", c.name, len(units), err)
		}
		for i, u := range units {
			if want := c.rate == 50 || i%Rate == 0; u.key != want || len(u.data) == 0 {
				t.Errorf("%s: unit %d has %d bytes, key is %v", c.name, i, len(u.data), u.key)
			}
		}
		if len(c.file) > c.most {
			t.Errorf("%s: %d bytes, must be at most %d", c.name, len(c.file), c.most)
		}
	}
}

// Constrained baseline, so that there are no B-frames, and parameter sets at each key frame.
func TestH264(t *testing.T) {
	units, err := splitH264(h264)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range units {
		var types []byte
		for nal := range codec.NALUnits(u.data) {
			types = append(types, nal[0]&0x1f)
			if nal[0]&0x1f == 7 && (nal[1] != 0x42 || nal[2]&0xc0 != 0xc0 || nal[3] > 0x1f) {
				t.Errorf("unit %d: profile-level-id %x", i, nal[1:4])
			}
		}
		want := []byte{1}
		if u.key {
			want = []byte{7, 8, 5}
		}
		if !bytes.Equal(types, want) {
			t.Errorf("unit %d: NAL units %v, want %v", i, types, want)
		}
	}
}

// Every VP8 picture is shown; the size stands in the key frames (RFC 6386 9.1).
func TestVP8(t *testing.T) {
	units, err := splitVP8(vp8)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range units {
		if u.data[0]&0x10 == 0 {
			t.Errorf("picture %d is invisible", i)
		}
		if u.key && (int(u.data[6])|int(u.data[7])<<8 != Width || int(u.data[8])|int(u.data[9])<<8 != Height) {
			t.Errorf("picture %d: size bytes %x", i, u.data[6:10])
		}
	}
}

// Each packet is one stereo frame of 20 ms (RFC 6716 3.1).
func TestOpus(t *testing.T) {
	units, err := splitOpus(opus)
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range units {
		toc := u.data[0]
		config, stereo, count := toc>>3, toc&4 != 0, toc&3
		twenty := config < 12 && config%4 == 1 || config >= 12 && config < 16 && config%2 == 1 || config >= 16 && config%4 == 3
		if !twenty || !stereo || count != 0 {
			t.Errorf("packet %d: TOC %08b", i, toc)
		}
	}
}

func TestDamagedFiles(t *testing.T) {
	for name, err := range map[string]error{
		"empty H264":        second(splitH264(nil)),
		"H264 without AUD":  second(splitH264([]byte{0, 0, 1, 0x65, 1})),
		"H264 in mid-group": second(splitH264([]byte{0, 0, 1, 9, 0x10, 0, 0, 1, 0x41, 1})),
		"empty VP8":         second(splitVP8(nil)),
		"cut VP8":           second(splitVP8(vp8[:1000])),
		"VP8 of no frame":   second(splitVP8(vp8[:32])),
		"empty Opus":        second(splitOpus(nil)),
		"cut Opus":          second(splitOpus(opus[:1000])),
	} {
		if err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := rendition(publisher.VP8(), Rate, slack, make([]unit, Frames-1), nil); err == nil {
		t.Error("a clip that is short by a picture was taken")
	}
}

func second(_ []unit, err error) error { return err }

// In order, a loop gives every unit for ever; it begins with the newest key frame and then waits for the next; where units
// were left out it waits too, and never repeats one.
func TestLoop(t *testing.T) {
	var units []unit
	for i := range byte(9) {
		units = append(units, unit{data: []byte{i}, key: i%3 == 0})
	}
	for _, c := range []struct {
		name string
		ask  []int64
		want []int // -1: nothing
	}{
		{"from the beginning", []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2}},
		{"in mid-group", []int64{4, 5, 6, 7, 8, 9}, []int{3, -1, 6, 7, 8, 0}},
		{"at the end, much later", []int64{9_000_008, 9_000_009, 9_000_010}, []int{6, 0, 1}},
		{"one left out", []int64{0, 1, 3, 4, 6}, []int{0, 1, 3, 4, 6}},
		{"one left out in mid-group", []int64{0, 2, 3, 4, 5}, []int{0, -1, 3, 4, 5}},
		{"many left out", []int64{0, 1, 8, 9}, []int{0, 1, -1, 0}},
		{"left out after the still", []int64{1, 5, 6}, []int{0, -1, 6}},
	} {
		l := &loop{units: units}
		var got []int
		for _, n := range c.ask {
			b, err := l.Encode(n, time.Time{}, true)
			switch {
			case err != nil:
				t.Fatal(err)
			case b == nil:
				got = append(got, -1)
			default:
				got = append(got, int(b[0]))
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

func TestTitles(t *testing.T) {
	for _, c := range []struct {
		open func() (*publisher.Rendition, error)
		want stream.Spec
	}{
		{H264, stream.Spec{Format: publisher.H264(), Title: "Recorded clip: no H264 encoder is built in, so its clock is not live"}},
		{VP8, stream.Spec{Format: publisher.VP8(), Title: "Recorded clip: no VP8 encoder is built in, so its clock is not live"}},
		{Opus, stream.Spec{Format: publisher.Opus(), Title: "Recorded clip: no Opus encoder is built in"}},
	} {
		r, err := c.open()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, r.Spec()); d != "" {
			t.Error(d)
		}
	}
}

// arrivals is an Outlet that notes when each unit came and whether it begins a key frame.
type arrivals struct {
	mu    sync.Mutex
	codec string
	at    []time.Time
	key   []bool
	stamp []uint32
}

func (a *arrivals) Append(h *rtp.Header, payload []byte) stream.DropReason {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := codec.KeyFrameStart(a.codec, payload)
	if n := len(a.stamp); n > 0 && a.stamp[n-1] == h.Timestamp {
		a.key[n-1] = a.key[n-1] || key
		return stream.DropNone
	}
	a.at, a.key, a.stamp = append(a.at, time.Now()), append(a.key, key), append(a.stamp, h.Timestamp)
	return stream.DropNone
}

func (a *arrivals) Report(*rtcp.SenderReport) {}

// The clip plays in phase: a picture at once, then from the next whole second on every picture in its time, over the end of
// the clip, with a key frame at each second.
func TestPlaysInPhase(t *testing.T) {
	for _, open := range []func() (*publisher.Rendition, error){H264, VP8, Opus} {
		r, err := open()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			registry := stream.New(stream.Options{Workers: 1})
			program := publisher.NewProgram(start, r)
			p, err := registry.Publish("test", "us", program.Specs())
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			var running sync.WaitGroup
			defer running.Wait()
			defer stop()
			running.Go(func() {
				if err := registry.Run(ctx); err != nil {
					t.Error(err)
				}
			})
			running.Go(func() {
				if err := program.Run(ctx, p); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(5505 * time.Millisecond) // between two units
			v, err := p.Stream().AddViewer(p.Tracks())
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			a := &arrivals{codec: r.Spec().Format.Name}
			v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return a })
			v.Start()
			time.Sleep(20 * time.Second)
			synctest.Wait()
			a.check(t, start, r)
		})
	}
}

func (a *arrivals) check(t *testing.T, start time.Time, r *publisher.Rendition) {
	t.Helper()
	video := r.Spec().Format.Kind() == codec.Video
	// The last unit before 25.505 s, and how many there are; sound that is written before the viewer starts is not for it.
	last, rate, want, orOneLess := int64(25500*Rate/1000), int64(Rate), 19*Rate+Rate/2+2, 0
	if !video {
		last, rate, want, orOneLess = 25500*50/1000, 50, 20*50+1, 1
	}
	if n := len(a.at); n != want && n != want-orOneLess {
		t.Fatalf("%s: %d units, want %d", a.codec, n, want)
	}
	if late := a.at[0].Sub(start.Add(5505 * time.Millisecond)); video && (late != 0 || !a.key[0]) {
		t.Errorf("%s: the first picture came %v after the viewer, key frame is %v", a.codec, late, a.key[0])
	}
	for i := 1; i < len(a.at); i++ {
		n := last - int64(len(a.at)-1-i)
		if due := start.Add(time.Duration((n*int64(time.Second) + rate - 1) / rate)); !a.at[i].Equal(due) {
			t.Fatalf("%s: unit %d came %v after it was due", a.codec, n, a.at[i].Sub(due))
		}
		if video && a.key[i] != (n%rate == 0) {
			t.Errorf("%s: picture %d: key frame is %v", a.codec, n, a.key[i])
		}
	}
	if st := r.Stats(); st.Skipped != 0 {
		t.Errorf("%s: stats %+v", a.codec, st)
	}
}

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

// A decoder reads every picture's number and time, and that the clock is not live.
func TestBlocks(t *testing.T) {
	for name, file := range map[string][]byte{"H264": h264, "VP8": vp8} {
		raw := bytes.NewReader(ffmpeg(t, file, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough"))
		img := image.NewYCbCr(image.Rect(0, 0, Width, Height), image.YCbCrSubsampleRatio420)
		if raw.Len() != Frames*Width*Height*3/2 {
			t.Fatalf("%s: %d bytes decoded, want %d pictures", name, raw.Len(), Frames)
		}
		for n := range Frames {
			for _, plane := range [][]byte{img.Y, img.Cb, img.Cr} {
				if _, err := io.ReadFull(raw, plane); err != nil {
					t.Fatal(err)
				}
			}
			got, err := pattern.Read(img)
			if want := (pattern.Code{Frame: uint32(n), Millis: uint32(n * 1000 / Rate)}); err != nil || got != want {
				t.Errorf("%s: picture %d: got %+v, %v", name, n, got, err)
			}
			// The left panel flashes on the second, for a tenth of it.
			if lit := img.Y[img.YOffset(79, 165)] > 128; lit != (n%Rate < Rate/10) {
				t.Errorf("%s: picture %d: panel lit is %v", name, n, lit)
			}
		}
	}
}

// Played twice over, the sound goes on at the seam as everywhere else, and beeps on the seconds.
func TestSoundLoops(t *testing.T) {
	units, err := splitOpus(opus)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "twice.opus")
	w, err := oggwriter.New(file, 48000, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * len(units) {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, Timestamp: uint32(i * 960)}, Payload: units[i%len(units)].data}
		if err := w.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ogg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw := ffmpeg(t, ogg, "-f", "s16le", "-ac", "2", "-ar", "48000")
	const preSkip, delay = 3840, 312 // of the writer, left out by the decoder; of the encoder
	at := func(sample, channel int) float64 {
		i := 4*(sample-preSkip+delay) + 2*channel
		return float64(int16(uint16(raw[i]) | uint16(raw[i+1])<<8))
	}
	amplitude := func(from, n, channel, hz int) float64 {
		var re, im float64
		for i := from; i < from+n; i++ {
			sin, cos := math.Sincos(2 * math.Pi * float64(hz*i%48000) / 48000)
			re, im = re+at(i, channel)*cos, im+at(i, channel)*sin
		}
		return 2 * math.Hypot(re, im) / float64(n)
	}
	seam := Seconds * 48000
	for channel, tones := range [][2]int{{440, 880}, {880, 440}} {
		for _, from := range []int{seam - 24000, seam + 9600} {
			has, lacks := amplitude(from, 24000, channel, tones[0]), amplitude(from, 24000, channel, tones[1])
			if has < 4000 || lacks > has/20 {
				t.Errorf("channel %d at %d: %d Hz %.0f, %d Hz %.0f", channel, from, tones[0], has, tones[1], lacks)
			}
		}
		for s := 1; s < 2*Seconds; s++ {
			on, off := amplitude(s*48000+480, 3840, channel, 2000), amplitude(s*48000-4800, 3840, channel, 2000)
			if on < 8000 || off > on/50 {
				t.Errorf("channel %d: beep of %.0f on second %d and %.0f before", channel, on, s, off)
			}
		}
		rough := func(middle int) (most float64) { // the sharpest bend: a click shows there
			for i := middle - 960; i < middle+960; i++ {
				most = max(most, math.Abs(at(i-1, channel)-2*at(i, channel)+at(i+1, channel)))
			}
			return most
		}
		if here, there := rough(seam), rough(seam-2*48000); here > 1.5*there {
			t.Errorf("channel %d: the seam bends by %.0f, another second by %.0f", channel, here, there)
		}
	}
}
