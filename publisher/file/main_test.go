package file_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/publisher/file"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ffmpeg runs FFmpeg, or skips the test with the reason why it cannot.
func ffmpeg(t *testing.T, args ...string) []byte {
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

// picture and sound are FFmpeg's inputs of a test's clip: so many seconds at 30 pictures a second.
func picture(seconds string) []string {
	return []string{"-f", "lavfi", "-i", "testsrc=size=192x108:rate=30:duration=" + seconds}
}

func sound(seconds string) []string {
	return []string{"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=" + seconds}
}

// h264 and opus encode without B-frames, a key frame each second.
func h264() []string {
	return []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-pix_fmt", "yuv420p", "-threads", "1"}
}

func opus() []string { return []string{"-c:a", "libopus", "-b:a", "32k"} }

// make is a clip in a folder, by its name.
func makeClip(t *testing.T, dir, name string, args ...[]string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	var all []string
	for _, a := range args {
		all = append(all, a...)
	}
	ffmpeg(t, append(all, path)...)
	return path
}

// got is one packet as a viewer saw it.
type got struct {
	rtp.Header
	payload []byte
	at      time.Time
}

type recorder struct {
	arrived chan struct{} // closed with the first packet; nil: nobody waits

	mu      sync.Mutex
	packets []got
	reports []rtcp.SenderReport
}

func (r *recorder) Append(h *rtp.Header, payload []byte) stream.DropReason {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.packets == nil && r.arrived != nil {
		close(r.arrived)
	}
	r.packets = append(r.packets, got{Header: h.Clone(), payload: payload, at: time.Now()})
	return stream.DropNone
}

func (r *recorder) Report(sr *rtcp.SenderReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports = append(r.reports, *sr)
}

// units are the packets that end a unit of video, or all of sound.
func (r *recorder) units(all bool) []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	var units []got
	for _, p := range r.packets {
		if all || p.Marker {
			units = append(units, p)
		}
	}
	return units
}

// A stage is a registry that runs until the test ends.
type stage struct {
	t        *testing.T
	registry *stream.Registry
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, registry: stream.New(stream.Options{Workers: 1})}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.registry.Run(ctx); err != nil {
			t.Errorf("run registry: %v", err)
		}
	})
	t.Cleanup(func() { stop(); running.Wait() })
	return s
}

func (s *stage) publish(specs []stream.Spec) *stream.Publication {
	s.t.Helper()
	p, err := s.registry.Publish("test", "us", specs)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { p.Close("ended") })
	return p
}

// watch adds a viewer of the i-th track of a publication.
func (s *stage) watch(p *stream.Publication, i int) *recorder {
	s.t.Helper()
	v, err := p.Stream().AddViewer(p.Tracks()[i : i+1])
	if err != nil {
		s.t.Fatal(err)
	}
	r := &recorder{}
	v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
	v.Start()
	s.t.Cleanup(v.Close)
	return r
}

func specs(tracks []file.TrackInfo) []stream.Spec {
	all := make([]stream.Spec, len(tracks))
	for i, t := range tracks {
		all[i] = t.Spec()
	}
	return all
}

// ffmpegCount is how many pictures FFmpeg decodes of a byte stream of H.265, without an error.
func ffmpegCount(t *testing.T, path string) int {
	t.Helper()
	return len(ffmpeg(t, "-f", "hevc", "-i", path, "-vf", "scale=1:1", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"))
}

// A standingState is what a program holds.
type standingState struct {
	goroutines, files int
	heap              uint64
}

// standing looks what the program holds now.
func standing(t *testing.T) standingState {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s := standingState{goroutines: runtime.NumGoroutine(), heap: m.HeapAlloc}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		s.files = len(open)
	}
	return s
}
