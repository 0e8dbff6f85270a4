package publisher_test

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"go.uber.org/goleak"

	"weir/publisher"
	"weir/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A fake is picture, sound and encoder in one: a unit's bytes say its number. Every call writes to touched without a lock, so
// that the race detector finds a second goroutine.
type fake struct {
	t     *testing.T
	cost  func(n int64) time.Duration // of encoding; nil: none
	empty func(n int64) bool          // pictures that the encoder leaves out; nil: none
	fail  func(n int64) error         // nil: never
	bare  bool                        // key frames after the first come without parameter sets

	touched int
	number  [4]byte

	mu    sync.Mutex
	state state // guarded by mu
}

// state is what has happened to a fake.
type state struct {
	drawn   int64
	due     time.Time
	opened  int
	open    bool
	forced  []int64
	bitRate int
}

func (f *fake) seen() state {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.state
	s.forced = slices.Clone(s.forced)
	return s
}

func (f *fake) note(change func(*state)) {
	f.touched++
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.state)
}

func (f *fake) Draw(n int64, due time.Time) *image.YCbCr {
	f.note(func(s *state) { s.drawn, s.due = n, due })
	return nil
}

func (f *fake) Samples(n int64) []int16 {
	f.note(func(s *state) { s.drawn = n })
	return nil
}

func (f *fake) start() {
	f.note(func(s *state) {
		if s.open {
			f.t.Error("a second encoder while one runs")
		}
		s.open = true
		s.opened++
	})
}

func (f *fake) video(publisher.VideoParams) (publisher.VideoEncoder, error) {
	f.start()
	return fakeVideo{fake: f, first: new(true)}, nil
}

func (f *fake) audio(publisher.AudioParams) (publisher.AudioEncoder, error) {
	f.start()
	return fakeAudio{f}, nil
}

func (f *fake) Close() error {
	f.note(func(s *state) {
		if !s.open {
			f.t.Error("closed twice")
		}
		s.open = false
	})
	return nil
}

func (f *fake) SetBitRate(bps int) error {
	f.note(func(s *state) { s.bitRate = bps })
	return nil
}

func (f *fake) encode() ([]byte, error) {
	now := f.seen()
	n := now.drawn
	if !now.open {
		f.t.Error("encode after Close")
	}
	if f.cost != nil {
		time.Sleep(f.cost(n))
	}
	if f.fail != nil {
		if err := f.fail(n); err != nil {
			return nil, err
		}
	}
	if f.empty != nil && f.empty(n) {
		return nil, nil
	}
	for i := range f.number { // seven bits a byte: no start code among them
		f.number[i] = 0x80 | byte(n>>(7*(len(f.number)-1-i)))
	}
	return f.number[:], nil
}

type fakeVideo struct {
	*fake
	first *bool
}

func (v fakeVideo) Encode(_ *image.YCbCr, keyFrame bool) ([]byte, error) {
	number, err := v.encode()
	if err != nil || number == nil {
		return nil, err
	}
	b := []byte{0, 0, 0, 1, 0x41}
	if keyFrame {
		v.note(func(s *state) { s.forced = append(s.forced, s.drawn) })
		b = []byte{0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x1f, 0, 0, 0, 1, 0x68, 0xce, 0, 0, 0, 1, 0x65}
		if v.bare && !*v.first {
			b = []byte{0, 0, 0, 1, 0x65}
		}
	}
	*v.first = false
	return append(b, number...), nil
}

type fakeAudio struct{ *fake }

func (a fakeAudio) Encode([]int16) ([]byte, error) { return a.encode() }

// got is one packet as a viewer saw it.
type got struct {
	rtp.Header
	payload []byte
	at      time.Time
}

// number is the unit's, of the last packet of a unit.
func (g got) number() (n int64) {
	for _, b := range g.payload[len(g.payload)-4:] {
		n = n<<7 | int64(b&0x7f)
	}
	return n
}

// key says whether the packet is the picture of a key frame.
func (g got) key() bool { return g.payload[0]&0x1f == 5 }

type recorder struct {
	mu      sync.Mutex
	packets []got
	reports []rtcp.SenderReport
}

func (r *recorder) Append(h *rtp.Header, payload []byte) stream.DropReason {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packets = append(r.packets, got{Header: h.Clone(), payload: payload, at: time.Now()})
	return stream.DropNone
}

func (r *recorder) Report(sr *rtcp.SenderReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reports = append(r.reports, *sr)
}

// units are the packets that end a unit: all but parameter sets.
func (r *recorder) units() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	var units []got
	for _, p := range r.packets {
		if len(p.payload) > 0 && p.payload[0]&0x1f != 24 {
			units = append(units, p)
		}
	}
	return units
}

// A stage is a registry with one live stream that a program feeds.
type stage struct {
	t           *testing.T
	publication *stream.Publication
	registry    *stream.Registry
	ended       chan error // what Program.Run returned
	cancel      context.CancelFunc
}

// play runs a program in a registry of its own, both until the test ends.
func play(t *testing.T, program *publisher.Program) *stage {
	t.Helper()
	s := &stage{t: t, registry: stream.New(stream.Options{Workers: 1}), ended: make(chan error, 1)}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.registry.Run(ctx); err != nil {
			t.Errorf("run registry: %v", err)
		}
	})
	var err error
	if s.publication, err = s.registry.Publish("test", "us", program.Specs()); err != nil {
		t.Fatal(err)
	}
	programCtx, cancel := context.WithCancel(ctx)
	s.cancel = cancel
	running.Go(func() { s.ended <- program.Run(programCtx, s.publication) })
	t.Cleanup(func() { stop(); cancel(); running.Wait() })
	return s
}

// watch adds a viewer of the i-th track.
func (s *stage) watch(i int) (*stream.Viewer, *recorder) {
	s.t.Helper()
	v, err := s.publication.Stream().AddViewer(s.publication.Tracks()[i : i+1])
	if err != nil {
		s.t.Fatal(err)
	}
	r := &recorder{}
	v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
	v.Start()
	s.t.Cleanup(v.Close)
	return v, r
}

func (s *stage) wantEnd(want error) {
	s.t.Helper()
	synctest.Wait()
	select {
	case err := <-s.ended:
		if !errors.Is(err, want) {
			s.t.Errorf("ended with %v, want %v", err, want)
		}
	default:
		s.t.Error("still runs")
	}
}

func video(t *testing.T, f *fake) *publisher.Rendition {
	t.Helper()
	f.t = t
	r, err := publisher.NewVideo(stream.Spec{Format: publisher.H264()}, publisher.VideoParams{Rate: 30}, f, f.video)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func audio(t *testing.T, f *fake) *publisher.Rendition {
	t.Helper()
	f.t = t
	r, err := publisher.NewAudio(stream.Spec{Format: publisher.Opus()}, publisher.AudioParams{Channels: 2}, f, f.audio)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
