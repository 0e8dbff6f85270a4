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

	"golang.org/x/sys/unix"

	"weir/publisher"
	"weir/publisher/device"
	"weir/stream"
)

// modules are what vivid needs, in this order. It is the kernel's own V4L2 test device: a camera without a lens.
var modules = []string{
	"rc-core", "mc", "videodev", "videobuf2-common", "videobuf2-memops", "videobuf2-v4l2", "videobuf2-vmalloc", "videobuf2-dma-contig",
	"v4l2-dv-timings", "v4l2-tpg", "cec", "vivid",
}

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
	if os.Getpid() != 1 {
		t.Skip("runs in the machine of TestVivid")
	}
	f := &found{}
	defer func() {
		if broken := recover(); broken != nil {
			f.Error = fmt.Sprint(broken)
		}
		tell(t, f)
		if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
			t.Error(err)
		}
	}()
	if err := f.look(); err != nil {
		f.Error = err.Error()
	}
}

// tell writes what was found to the second serial port, which the kernel leaves alone.
func tell(t *testing.T, f *found) {
	port, err := os.OpenFile("/dev/ttyS1", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewEncoder(port).Encode(f); err != nil {
		t.Error(err)
	}
	if err := unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1); err != nil { // until all is sent
		t.Error(err)
	}
}

func (f *found) look() error {
	for kind, path := range map[string]string{"devtmpfs": "/dev", "proc": "/proc", "sysfs": "/sys"} {
		if err := unix.Mount(kind, path, kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	inventory := device.NewInventory(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	camera := inventory.Camera()
	if err := camera.Absent(context.Background()); err != nil {
		f.Absent = err.Error()
	}
	for _, name := range modules {
		params := ""
		if name == "vivid" {
			params = "n_devs=1 node_types=0x1"
		}
		if err := insert(name, params); err != nil {
			return err
		}
	}
	if err := waitFor(func() bool { _, err := os.Stat("/dev/video0"); return err == nil }); err != nil {
		return fmt.Errorf("no /dev/video0: %w", err)
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

func insert(name, params string) error {
	file, err := os.Open(filepath.Join("/modules", name+".ko"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.FinitModule(int(file.Fd()), params, 0); err != nil {
		return fmt.Errorf("insert %s: %w", name, err)
	}
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
