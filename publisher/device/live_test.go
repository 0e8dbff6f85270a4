//go:build cgo && unix

package device_test

import (
	"context"
	"fmt"
	"image"
	"sync"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"go.uber.org/goleak"

	"weir/publisher"
	"weir/publisher/device"
	"weir/publisher/pattern"
	"weir/stream"
)

// TestMain looks first whether the package brings drivers of tests, which the inventory would take for devices.
func TestMain(m *testing.M) {
	for _, d := range driver.GetManager().Query(driver.FilterVideoRecorder()) {
		if d.Info().Label == "VideoTest" {
			panic("the package has the drivers of tests")
		}
	}
	goleak.VerifyTestMain(m)
}

// receiver is an Outlet that puts an H.264 byte stream together.
type receiver struct {
	mu    sync.Mutex
	h264  codecs.H264Packet
	bytes []byte
	ends  int // pictures
	err   error
	sound bool // no pictures
	count int  // packets
}

func (r *receiver) Append(h *rtp.Header, payload []byte) stream.DropReason {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count++
	if r.sound {
		return stream.DropNone
	}
	b, err := r.h264.Unmarshal(payload)
	if err != nil {
		r.err = err
	}
	r.bytes = append(r.bytes, b...)
	if h.Marker {
		r.ends++
	}
	return stream.DropNone
}

func (r *receiver) Report(*rtcp.SenderReport) {}

// missing says what the receiver still lacks, "" for nothing.
func (r *receiver) missing(pictures int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ends < pictures {
		return fmt.Sprintf("%d of %d pictures", r.ends, pictures)
	}
	return ""
}

// until polls what is missing.
func until(t *testing.T, missing func() string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		last := missing()
		if last == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after 30 s there is only: %s", last)
		}
	}
}

func programOf(t *testing.T, p pattern.Params) *publisher.Program {
	t.Helper()
	painter, err := pattern.NewPainter(p)
	if err != nil {
		t.Fatal(err)
	}
	v, err := publisher.NewVideo(stream.Spec{Format: publisher.H264()}, params(p), painter, device.OpenH264)
	if err != nil {
		t.Fatal(err)
	}
	a, err := publisher.NewAudio(stream.Spec{Format: publisher.Opus()}, publisher.AudioParams{Channels: 2, BitRate: 96_000},
		pattern.NewSound(p), device.Opus)
	if err != nil {
		t.Fatal(err)
	}
	return publisher.NewProgram(time.Now(), v, a)
}

// The pattern, the encoder, the packetizer and the stream together in real time: a viewer decodes pictures whose numbers
// rise and are missing only where the program counted one, and whose clock is the wall clock; a second viewer gets a key
// frame; when both have gone, the encoder ends.
func TestLive(t *testing.T) {
	p := pattern.Default("test")
	p.Width, p.Height, p.BitRate = 640, 360, 1_500_000
	program := programOf(t, p)
	registry := stream.New(stream.Options{DemandGrace: 50 * time.Millisecond})
	publication, err := registry.Publish("test", "us", program.Specs())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	for _, run := range []func() error{
		func() error { return registry.Run(ctx) },
		func() error { return program.Run(ctx, publication) },
	} {
		running.Go(func() {
			if err := run(); err != nil {
				t.Error(err)
			}
		})
	}
	watch := func() (*stream.Viewer, *receiver) {
		v, err := publication.Stream().AddViewer(publication.Tracks()[:1])
		if err != nil {
			t.Fatal(err)
		}
		r := &receiver{}
		v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
		v.Start()
		return v, r
	}
	begin, used := time.Now(), cpu()
	v1, r1 := watch()
	until(t, func() string { return r1.missing(60) })
	v2, r2 := watch()
	until(t, func() string { return r2.missing(10) })
	end := time.Now()
	t.Logf("%.1f %% of a core", 100*float64(cpu()-used)/float64(end.Sub(begin)))
	v1.Close()
	v2.Close()
	until(t, func() string {
		if st := program.Stats()[0]; st.Running {
			return "a running encoder"
		}
		return ""
	})
	stats := program.Stats()
	t.Logf("%+v", stats[0])
	if stats[1].Encoders != 0 {
		t.Error("the sound was encoded for nobody")
	}
	for i, r := range []*receiver{r1, r2} {
		checkPictures(t, i, r, p, begin, end, stats[0].Skipped+stats[0].Empty)
	}
}

func checkPictures(t *testing.T, viewer int, r *receiver, p pattern.Params, begin, end time.Time, allowed uint64) {
	t.Helper()
	if r.err != nil {
		t.Error(r.err)
	}
	raw := ffmpeg(t, r.bytes, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-fps_mode", "passthrough")
	size := p.Width * p.Height * 3 / 2
	if len(raw) != r.ends*size {
		t.Fatalf("viewer %d: %d pictures decoded of %d", viewer, len(raw)/size, r.ends)
	}
	img := image.NewYCbCr(image.Rect(0, 0, p.Width, p.Height), image.YCbCrSubsampleRatio420)
	var first, last uint32
	for i := range r.ends {
		copy(img.Y, raw[i*size:])
		c, err := pattern.Read(img)
		if err != nil || !c.Live {
			t.Fatalf("viewer %d, picture %d: %+v, %v", viewer, i, c, err)
		}
		if i > 0 && c.Frame <= last {
			t.Errorf("viewer %d: picture %d after %d", viewer, c.Frame, last)
		}
		if after := int32(c.Millis - uint32(begin.UnixMilli())); after < -40 || after > int32(end.Sub(begin).Milliseconds())+1000 {
			t.Errorf("viewer %d: the clock of picture %d is %d ms after the beginning", viewer, c.Frame, after)
		}
		if i == 0 {
			first = c.Frame
		}
		last = c.Frame
	}
	if missing := uint64(last-first) + 1 - uint64(r.ends); missing > allowed {
		t.Errorf("viewer %d: %d pictures are missing, the program counted %d", viewer, missing, allowed)
	}
}
