//go:build soak && cgo && linux

package device_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/internal/guest"
	"weir/publisher"
	"weir/publisher/device"
	"weir/stream"
)

// found is what the guest tells its host.
type found struct {
	Absent    string // why the kind could not run before the device was there
	Choices   []publisher.Choice
	Cycles    []cycle
	Quick     string   // what is left of many short cycles
	Unplugged []string // states and reasons
	Error     string
}

// cycle is one time that the camera was open.
type cycle struct {
	Pictures  int
	Seconds   float64
	Stats     publisher.Stats
	OffAtEnd  bool
	H264      []byte
	Unwatched string
}

// TestGuest is what runs as the first and only process of the machine that TestVivid starts.
func TestGuest(t *testing.T) {
	if !guest.Inside() {
		t.Skip("runs in the machine of TestVivid")
	}
	f := &found{}
	defer func() {
		if broken := recover(); broken != nil {
			f.Error = fmt.Sprint(broken)
		}
		if err := errors.Join(guest.Tell(f), guest.PowerOff()); err != nil {
			t.Error(err)
		}
	}()
	if err := f.look(); err != nil {
		f.Error = err.Error()
	}
}

func (f *found) look() error {
	if err := guest.Mount(); err != nil {
		return err
	}
	inventory := device.NewInventory(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	camera := inventory.Camera()
	if err := camera.Absent(context.Background()); err != nil {
		f.Absent = err.Error()
	}
	if err := guest.PlugIn(); err != nil {
		return err
	}
	time.Sleep(time.Second) // the inventory looks twice a second at most
	var err error
	if f.Choices, err = camera.Choices(context.Background()); err != nil {
		return err
	}
	registry := stream.New(stream.Options{DemandGrace: 100 * time.Millisecond})
	sources, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: registry, Kinds: []publisher.Kind{camera}})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = registry.Run(ctx) })
	running.Go(func() { _ = sources.Run(ctx) })
	for range 3 {
		c, err := open(registry, sources)
		if err != nil {
			return err
		}
		f.Cycles = append(f.Cycles, c)
	}
	if err := f.hurry(registry, sources); err != nil {
		return err
	}
	return f.unplug(registry, sources)
}

// hurry starts and stops the camera many times, as soon as there is a picture.
func (f *found) hurry(registry *stream.Registry, sources *publisher.Supervisor) error {
	count := func() (goroutines, files int) {
		fds, _ := os.ReadDir("/proc/self/fd")
		return runtime.NumGoroutine(), len(fds)
	}
	goroutines, files := count()
	const cycles = 20
	for range cycles {
		if _, err := sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(guestParams)}); err != nil {
			return err
		}
		r, v, err := viewer(registry)
		if err != nil {
			return err
		}
		if err := waitFor(func() bool { return r.missing(1) == "" }); err != nil {
			return fmt.Errorf("in a short cycle: %w", err)
		}
		v.Close()
		if err := sources.Stop(context.Background(), "room"); err != nil {
			return err
		}
		if !isOff() {
			return errors.New("the camera is on after a short cycle")
		}
	}
	if err := waitFor(func() bool { g, n := count(); return g <= goroutines && n <= files }); err != nil {
		g, n := count()
		return fmt.Errorf("goroutines %d, then %d; open files %d, then %d", goroutines, g, files, n)
	}
	f.Quick = fmt.Sprintf("%d short cycles, then as before: %d goroutines, %d open files", cycles, goroutines, files)
	return nil
}

// waitFor polls for ten seconds.
func waitFor(is func() bool) error {
	for range 1000 {
		if is() {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return context.DeadlineExceeded
}

// isOff says that no process has the camera open: that is, this one.
func isOff() bool {
	links, _ := filepath.Glob("/proc/1/fd/*")
	for _, link := range links {
		if to, _ := os.Readlink(link); strings.HasPrefix(to, "/dev/video") {
			return false
		}
	}
	return true
}

const guestParams = `{"width": 320, "height": 180, "rate": 30, "bit_rate": 500000}`

// viewer adds one.
func viewer(registry *stream.Registry) (*receiver, *stream.Viewer, error) {
	live, ok := registry.Find("room")
	if !ok {
		return nil, nil, errors.New("the stream is not live")
	}
	v, err := live.AddViewer(live.Publication().Tracks()[:1])
	if err != nil {
		return nil, nil, err
	}
	r := &receiver{}
	v.DownTracks()[0].Attach(stream.Line{SSRC: 1, PayloadType: 96}, func(stream.Flusher) stream.Outlet { return r })
	v.Start()
	return r, v, nil
}

// open starts the camera, watches it for some seconds and stops it.
func open(registry *stream.Registry, sources *publisher.Supervisor) (c cycle, err error) {
	if _, err := sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(guestParams)}); err != nil {
		return c, err
	}
	if !isOff() {
		c.Unwatched = "the camera is on and nobody watches"
	}
	r, v, err := viewer(registry)
	if err != nil {
		return c, err
	}
	if err := waitFor(func() bool { return r.missing(1) == "" }); err != nil {
		st, _ := sources.Status("room")
		return c, fmt.Errorf("no picture: %s: %w", st.Reason, err)
	}
	begin, before := time.Now(), r.pictures()
	time.Sleep(4 * time.Second)
	c.Pictures, c.Seconds = r.pictures()-before, time.Since(begin).Seconds()
	st, _ := sources.Status("room")
	c.Stats = st.Renditions[0]
	v.Close()
	if err := sources.Stop(context.Background(), "room"); err != nil {
		return c, err
	}
	c.OffAtEnd = isOff()
	r.mu.Lock()
	defer r.mu.Unlock()
	c.H264 = r.bytes[:min(len(r.bytes), 60_000)]
	return c, r.err
}

// unplug takes the device away while it is watched, and brings it back.
func (f *found) unplug(registry *stream.Registry, sources *publisher.Supervisor) error {
	if _, err := sources.Start("room", publisher.Start{Source: "camera", Params: json.RawMessage(guestParams)}); err != nil {
		return err
	}
	r, v, err := viewer(registry)
	if err != nil {
		return err
	}
	defer v.Close()
	if err := waitFor(func() bool { return r.missing(10) == "" }); err != nil {
		return fmt.Errorf("before it was unplugged: %w", err)
	}
	for _, action := range []string{"unbind", "bind"} {
		if err := os.WriteFile("/sys/bus/platform/drivers/vivid/"+action, []byte("vivid.0"), 0); err != nil {
			return err
		}
		before := r.pictures()
		if err := waitFor(func() bool {
			st, _ := sources.Status("room")
			return (st.State == publisher.StateLive) == (action == "bind") && (action == "unbind" || r.pictures() > before+10)
		}); err != nil {
			return fmt.Errorf("after %s: %w", action, err)
		}
		st, _ := sources.Status("room")
		f.Unplugged = append(f.Unplugged, string(st.State)+": "+st.Reason)
	}
	return nil
}
