package file_test

import (
	"context"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/internal/mediatest"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

// ffmpegCount is how many pictures FFmpeg decodes of a byte stream of H.265, without an error.
func ffmpegCount(t *testing.T, path string) int {
	t.Helper()
	return len(mediatest.FFmpeg(t, "-f", "hevc", "-i", path, "-vf", "scale=1:1", "-pix_fmt", "gray", "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"))
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
