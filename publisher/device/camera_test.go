//go:build cgo && linux

package device_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"weir/publisher"
	"weir/publisher/device"
	"weir/stream"
)

// A stage is a bench with a Supervisor that runs its cameras.
type stage struct {
	*bench

	t         *testing.T
	inventory *device.Inventory
	registry  *stream.Registry
	sources   *publisher.Supervisor
	end       func()
}

func newStage(t *testing.T, cameras ...*fakeCamera) *stage {
	t.Helper()
	b := &bench{}
	b.plug(cameras...)
	s := &stage{bench: b, t: t, inventory: b.inventory(), registry: stream.New(stream.Options{})}
	var err error
	s.sources, err = publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: s.registry, Kinds: []publisher.Kind{s.inventory.Camera()},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, run := range []func(context.Context) error{s.registry.Run, s.sources.Run} {
		running.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	s.end = func() {
		stop()
		running.Wait()
		synctest.Wait()
		for _, c := range cameras {
			if u := c.seen(); u.Open != 0 || u.Doubled {
				t.Errorf("%s was left open, or closed twice: %+v", c.label, u)
			}
		}
	}
	return s
}

const small = `{"width": 160, "height": 90, "bit_rate": 100000}`

func (s *stage) start(name, params string) {
	s.t.Helper()
	if _, err := s.sources.Start(name, publisher.Start{Source: "camera", Params: json.RawMessage(params)}); err != nil {
		s.t.Fatal(err)
	}
}

// watch watches a stream until the end of the test, or until gone is called.
func (s *stage) watch(name string) (r *receiver, gone func()) {
	s.t.Helper()
	live, ok := s.registry.Find(name)
	if !ok {
		s.t.Fatalf("%s is not live", name)
	}
	v, err := live.AddViewer(live.Publication().Tracks()[:1])
	if err != nil {
		s.t.Fatal(err)
	}
	r = &receiver{}
	v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
	v.Start()
	return r, v.Close
}

func (s *stage) status(name string) publisher.Status {
	s.t.Helper()
	st, ok := s.sources.Status(name)
	if !ok {
		s.t.Fatalf("no source feeds %s", name)
	}
	return st
}

func (r *receiver) pictures() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ends
}

func (r *receiver) packets() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// A camera is on while somebody watches, and not before or after; its pictures come in its rhythm.
func TestCameraIsOnWhileWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		s.start("room", small)
		if st := s.status("room"); !st.Private || st.State != publisher.StateLive {
			t.Errorf("state %s, private %v", st.State, st.Private)
		}
		time.Sleep(time.Minute)
		if u := c.seen(); u.Records != 0 || u.Open != 0 {
			t.Fatalf("nobody watches, and the camera is on: %+v", u)
		}
		r, gone := s.watch("room")
		time.Sleep(10 * time.Second)
		if n := r.pictures(); n < 290 || n > 301 {
			t.Errorf("%d pictures in 10 s", n)
		}
		if u := c.seen(); u.Records != 1 || u.Mode.Width != 160 || u.Mode.FrameFormat != "YUYV" {
			t.Errorf("the camera was used so: %+v", u)
		}
		gone()
		time.Sleep(6 * time.Second)
		if u := c.seen(); u.Open != 0 {
			t.Errorf("nobody watches any more, and the camera is on: %+v", u)
		}
	})
}

// Streams of one camera share it, each with its own size and rate; it closes with the last.
func TestStreamsShareACamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		s.start("a", `{"width": 320, "height": 180}`)
		s.start("b", `{"width": 160, "height": 120, "rate": 10, "bit_rate": 100000}`)
		s.start("c", small)
		ra, goneA := s.watch("a")
		rb, goneB := s.watch("b")
		time.Sleep(time.Second)
		rc, goneC := s.watch("c")
		time.Sleep(3 * time.Second)
		if a, b, c := ra.pictures(), rb.pictures(), rc.pictures(); a < 110 || b < 36 || b > 41 || c < 80 {
			t.Errorf("%d, %d and %d pictures", a, b, c)
		}
		goneA()
		time.Sleep(time.Second)
		before := rb.pictures()
		goneC()
		if err := s.sources.Stop(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		time.Sleep(8 * time.Second)
		if n := rb.pictures() - before; n < 76 {
			t.Errorf("%d pictures in 8 s after the others had gone", n)
		}
		if u := c.seen(); u.Records != 1 || u.Open != 1 {
			t.Errorf("the camera was used so: %+v", u)
		}
		goneB()
		if err := s.sources.Stop(t.Context(), "b"); err != nil {
			t.Error(err)
		}
		if u := c.seen(); u.Open != 0 {
			t.Errorf("stopped, and the camera is on: %+v", u)
		}
	})
}

// What the system says of a device is told in words, when a source is started.
func TestReasonsAtStart(t *testing.T) {
	for _, c := range []struct {
		name    string
		err     error
		modes   bool
		want    error
		unnamed bool
	}{
		{"permission", syscall.EACCES, true, device.ErrDenied, true},
		{"busy", syscall.EBUSY, true, device.ErrBusy, true},
		{"gone", syscall.ENODEV, true, device.ErrAbsent, true},
		{"no file", syscall.ENOENT, true, device.ErrAbsent, true},
		{"other file", syscall.ENOTTY, true, device.ErrNotCamera, true},
		{"radio", errors.New("Not a video capture device"), true, device.ErrNotCamera, true},
		{"metadata", nil, false, device.ErrNotCamera, true},
		{"unknown name", nil, true, device.ErrAbsent, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				camera := newCamera("video0")
				camera.openErr = c.err
				if !c.modes {
					camera.modes = nil
				}
				s := newStage(t, camera)
				defer s.end()
				params := `{"device": "video7"}`
				if c.unnamed {
					params = `{}`
				}
				_, err := s.sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(params)})
				if !errors.Is(err, c.want) || !errors.Is(err, publisher.ErrUnavailable) {
					t.Errorf("got: %v", err)
				}
				t.Log(err)
			})
		})
	}
}

func TestNoCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.end()
		for _, params := range []string{`{}`, `{"device": "usb-x"}`} {
			_, err := s.sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(params)})
			if !errors.Is(err, device.ErrNone) || !errors.Is(err, publisher.ErrUnavailable) {
				t.Errorf("%s: %v", params, err)
			}
		}
		if _, err := s.inventory.Camera().Choices(t.Context()); !errors.Is(err, device.ErrNone) {
			t.Errorf("choices: %v", err)
		}
	})
}

// What fails only when the camera is to record, or while it does, is the reason why the source waits.
func TestReasonsWhileRunning(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(*bench, *fakeCamera)
		want error
	}{
		{"busy", func(_ *bench, c *fakeCamera) {
			c.set(func() { c.recordErr = errors.New("Failed to map request buffers: device or resource busy") })
		}, device.ErrBusy},
		{"unplugged", func(b *bench, c *fakeCamera) { b.unplug(c) }, device.ErrNone},
		{"silent", func(_ *bench, c *fakeCamera) { c.set(func() { c.readErr = errors.New("read timeout") }) }, device.ErrSilent},
		{"broken", func(_ *bench, c *fakeCamera) { c.set(func() { c.damaged = 1000 }) }, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				camera := newCamera("video0")
				s := newStage(t, camera)
				defer s.end()
				s.start("room", small)
				c.make(s.bench, camera)
				_, gone := s.watch("room")
				defer gone()
				time.Sleep(1500 * time.Millisecond)
				st := s.status("room")
				if st.State != publisher.StateWaiting || c.want != nil && !strings.Contains(st.Reason, c.want.Error()) {
					t.Errorf("%s: %s", st.State, st.Reason)
				}
				t.Log(st.Reason)
			})
		})
	}
}

// A camera that is unplugged while it is watched ends its pictures with that reason, and plays again soon after it has come
// back, for those who stayed.
func TestUnplugged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		s.start("room", small)
		r, gone := s.watch("room")
		defer gone()
		time.Sleep(5 * time.Second)
		s.unplug(c)
		time.Sleep(100 * time.Millisecond)
		if st := s.status("room"); st.State != publisher.StateWaiting || !strings.Contains(st.Reason, device.ErrUnplugged.Error()) {
			t.Errorf("%s: %s", st.State, st.Reason)
		}
		time.Sleep(2 * time.Second)
		if st := s.status("room"); st.State != publisher.StateWaiting || !strings.Contains(st.Reason, device.ErrNone.Error()) {
			t.Errorf("%s: %s", st.State, st.Reason)
		}
		time.Sleep(time.Hour)
		before := r.pictures()
		c.set(func() { c.readErr = nil })
		s.plug(c)
		time.Sleep(15 * time.Second)
		if st := s.status("room"); st.State != publisher.StateLive || r.pictures() < before+100 {
			t.Errorf("%s (%s), %d pictures since it came back", st.State, st.Reason, r.pictures()-before)
		}
	})
}

// Devices come and go in the list, by name; what is no device is not in it.
func TestHotPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, strange := newCamera("video0"), newCamera("video2"), newCamera("video9")
		strange.label = "VideoTest"
		second := newCamera("video1") // the metadata of the first
		second.modes = nil
		locked := newCamera("video3")
		locked.openErr = syscall.EACCES
		s := newStage(t, a, strange, second, locked)
		defer s.end()
		list := func() (names []string) {
			t.Helper()
			time.Sleep(3 * time.Second)
			choices, err := s.inventory.Camera().Choices(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range choices {
				var report struct {
					Node, Reason string
					InUse        bool `json:"in_use"`
					Formats      []struct{ Rates []float32 }
				}
				if err := json.Unmarshal(c.Report, &report); err != nil || c.Param != "device" {
					t.Errorf("%+v: %v", c, err)
				}
				names = append(names, fmt.Sprintf("%s=%s %d %v %v", c.Value, c.Title, len(report.Formats), report.Reason != "", report.InUse))
			}
			return names
		}
		check := func(want ...string) {
			t.Helper()
			if got := list(); strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		check("usb-video0=Fake video0 3 false false", "usb-video3=Fake video3 0 true false")
		s.plug(b)
		s.start("room", small)
		_, gone := s.watch("room")
		defer gone()
		check("usb-video0=Fake video0 3 false true", "usb-video2=Fake video2 3 false false", "usb-video3=Fake video3 0 true false")
		b.title = a.title
		s.unplug(locked)
		check("usb-video0=Fake video0 (usb-video0) 3 false true", "usb-video2=Fake video0 (usb-video2) 3 false false")
		if u := a.seen(); u.Records != 1 {
			t.Errorf("looking at devices disturbed one in use: %+v", u)
		}
	})
}

// A driver that hangs does not keep its stream from ending, nor others from being told why they get nothing.
func TestDeviceHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		s.start("room", small)
		_, gone := s.watch("room")
		defer gone()
		time.Sleep(time.Second)
		hang := make(chan struct{})
		c.set(func() { c.hang = hang })
		time.Sleep(20 * time.Second)
		if st := s.status("room"); st.State == publisher.StateLive || !strings.Contains(st.Reason, device.ErrSilent.Error()) {
			t.Errorf("%s: %s", st.State, st.Reason)
		}
		begin := time.Now()
		if err := s.sources.Stop(t.Context(), "room"); err != nil {
			t.Error(err)
		}
		if d := time.Since(begin); d > 4*time.Second {
			t.Errorf("stopped after %v", d)
		}
		_, err := s.sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(small)})
		if !errors.Is(err, device.ErrSilent) {
			t.Errorf("started a camera that hangs: %v", err)
		}
		c.set(func() { c.hang = nil })
		close(hang)
		synctest.Wait()
		s.start("room", small)
	})
}

// A few pictures that cannot be decoded are left out.
func TestDamagedPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		c.damaged = 20
		s := newStage(t, c)
		defer s.end()
		s.start("room", small)
		r, gone := s.watch("room")
		defer gone()
		time.Sleep(5 * time.Second)
		if n := r.pictures(); n < 120 || s.status("room").Restarts > 0 {
			t.Errorf("%d pictures, %d restarts", n, s.status("room").Restarts)
		}
	})
}

// A camera that lists rates which it does not set is used as it is.
func TestRateThatCannotBeSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		s.start("room", small)
		c.set(func() { c.recordErr = syscall.EINVAL })
		_, gone := s.watch("room")
		defer gone()
		time.Sleep(100 * time.Millisecond)
		if u := c.seen(); u.Opens != 3 || u.Open != 0 || u.Doubled { // to look, and twice to record
			t.Errorf("the camera was used so: %+v", u)
		}
	})
}

// The bit rate changes while the camera runs; another size opens it anew.
func TestChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		s.start("room", small)
		r, gone := s.watch("room")
		defer gone()
		time.Sleep(time.Second)
		for i, params := range []string{`{"bit_rate": 400000}`, `{"width": 320, "height": 180}`} {
			if _, err := s.sources.Change("room", publisher.Change{Params: json.RawMessage(params)}); err != nil {
				t.Fatal(err)
			}
			before := r.pictures()
			time.Sleep(2 * time.Second)
			if u := c.seen(); u.Records != i+1 || r.pictures() < before+50 {
				t.Errorf("%s: %+v, %d pictures", params, u, r.pictures()-before)
			}
		}
	})
}

// goroutines are all but the runtime's own, which runtime.NumGoroutine counts while they clean up.
func goroutines() (n int, stacks string) {
	b := make([]byte, 1<<18)
	stacks = string(b[:runtime.Stack(b, true)])
	return strings.Count("\n\n"+stacks, "\n\ngoroutine "), stacks
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// However often cameras are started and stopped, nothing of them is left.
func TestCycles(t *testing.T) {
	cycles := 200
	if testing.Short() {
		cycles = 20
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCamera("video0")
		s := newStage(t, c)
		defer s.end()
		begin, files, heap := 0, 0, uint64(0)
		for n := range cycles {
			s.start("room", small)
			_, gone := s.watch("room")
			time.Sleep(150 * time.Millisecond)
			if n%2 == 0 { // else the source ends under its viewer
				gone()
			}
			if err := s.sources.Stop(t.Context(), "room"); err != nil {
				t.Fatal(err)
			}
			gone()
			time.Sleep(10 * time.Second) // the stream is forgotten
			synctest.Wait()
			if n == 0 {
				begin, _ = goroutines()
				files, heap = openFiles(t), heapInUse()
			}
			if u := c.seen(); u.Records != n+1 || u.Open != 0 || u.Doubled {
				t.Fatalf("cycle %d: %+v", n, u)
			}
		}
		if end, stacks := goroutines(); end > begin {
			t.Errorf("%d goroutines after the first cycle, %d after the last:\n%s", begin, end, stacks)
		}
		if end := openFiles(t); end > files {
			t.Errorf("%d open files after the first cycle, %d after the last", files, end)
		}
		end := heapInUse()
		t.Logf("%d cycles: heap %d KiB after the first, %d KiB after the last", cycles, heap>>10, end>>10)
		if end > heap+2<<20 {
			t.Error("the heap grows")
		}
	})
}
