package feed_test

import (
	"context"
	"sync"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/internal/codec"
	"weir/internal/media"
	"weir/publisher"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A recorder is a viewer's end of a track.
type recorder struct {
	mu      sync.Mutex
	packets []rtp.Header
	reports []rtcp.SenderReport
}

func (r *recorder) Append(h *rtp.Header, _ []byte) stream.DropReason {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets = append(r.packets, h.Clone())
	return stream.DropNone
}

func (r *recorder) Report(sr *rtcp.SenderReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports = append(r.reports, *sr)
}

// units are the packets that end a unit of video, or all of sound.
func (r *recorder) units(all bool) []rtp.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	var units []rtp.Header
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

func (s *stage) publish(tracks []media.Track) *stream.Publication {
	s.t.Helper()
	var specs []stream.Spec
	for _, t := range tracks {
		format := publisher.H264()
		if t.Kind == codec.Audio {
			format = publisher.Opus()
		}
		specs = append(specs, stream.Spec{Format: format})
	}
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
