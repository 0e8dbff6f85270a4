//go:build cgo && linux

package device_test

import (
	"image"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"weir/publisher/device"
)

// A bench is a machine into which fake cameras are plugged. It is what the driver package's Initialize and Query are.
type bench struct {
	mu   sync.Mutex
	in   []*fakeCamera // guarded by mu
	time int           // guarded by mu; of the last change

	microphones []*fakeMicrophone // guarded by mu
}

func (b *bench) plug(cameras ...*fakeCamera) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in = append(b.in, cameras...)
	b.time++
}

func (b *bench) unplug(c *fakeCamera) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.in = slices.DeleteFunc(b.in, func(other *fakeCamera) bool { return other == c })
	b.time++
	c.set(func() { c.readErr = syscall.ENODEV })
}

func (b *bench) inventory() *device.Inventory {
	nodes := func() []string {
		b.mu.Lock()
		defer b.mu.Unlock()
		all := []string{strings.Repeat("x", b.time)}
		for _, c := range b.in {
			all = append(all, c.label)
		}
		return all
	}
	return device.NewTestInventory(nil, b.find, func() string { return strings.Join(nodes(), "\n") }, func(node string) bool {
		return slices.ContainsFunc(nodes(), func(label string) bool { return strings.HasSuffix(label, ";"+node) })
	})
}

func (b *bench) find() []driver.Driver {
	manager := driver.GetManager()
	all := func(driver.Driver) bool { return true }
	for _, d := range manager.Query(all) {
		manager.Delete(d.ID())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.in {
		_ = manager.Register(c, driver.Info{Label: c.label, Name: c.title, DeviceType: driver.Camera})
	}
	for _, m := range b.microphones {
		_ = manager.Register(m, driver.Info{Label: m.label, Name: m.title, DeviceType: driver.Microphone})
	}
	return manager.Query(all)
}

// A fakeCamera gives pictures whose brightness rises by one each.
type fakeCamera struct {
	label, title string
	modes        []prop.Media

	mu sync.Mutex
	// guarded by mu
	openErr, recordErr, readErr error
	damaged                     int           // pictures that cannot be decoded
	hang                        chan struct{} // Read waits for it
	opens, records, closes      int
	open                        int  // at once
	doubled                     bool // it was closed more often than opened
	mode                        prop.Media
}

// newCamera is one with pictures of 160x90 and 320x180 at 30 a second.
func newCamera(node string) *fakeCamera {
	return &fakeCamera{label: "usb-" + node + ";" + node, title: "Fake " + node + ";usb-1", modes: []prop.Media{
		mode(frame.FormatYUYV, 160, 90, 30), mode(frame.FormatYUYV, 320, 180, 30), mode(frame.FormatMJPEG, 320, 180, 60),
	}}
}

func mode(f frame.Format, width, height int, rate float32) prop.Media {
	return prop.Media{Video: prop.Video{FrameFormat: f, Width: width, Height: height, FrameRate: rate}}
}

func (c *fakeCamera) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
}

func (c *fakeCamera) Open() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.openErr != nil {
		return c.openErr
	}
	c.opens++
	c.open++
	return nil
}

func (c *fakeCamera) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closes++
	c.open--
	c.doubled = c.doubled || c.open < 0
	return nil
}

func (c *fakeCamera) Properties() []prop.Media { return c.modes }

func (c *fakeCamera) VideoRecord(p prop.Media) (video.Reader, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recordErr != nil {
		return nil, c.recordErr
	}
	c.records++
	c.mode = p
	img := image.NewYCbCr(image.Rect(0, 0, p.Width, p.Height), image.YCbCrSubsampleRatio422)
	var luma byte
	next := time.Now()
	return video.ReaderFunc(func() (image.Image, func(), error) {
		next = next.Add(time.Duration(float64(time.Second) / float64(p.FrameRate)))
		time.Sleep(time.Until(next))
		c.mu.Lock()
		hang, err := c.hang, c.readErr
		if err == nil && c.damaged > 0 {
			c.damaged--
			err = io.ErrUnexpectedEOF
		}
		c.mu.Unlock()
		if hang != nil {
			<-hang
		}
		if err != nil {
			return nil, nil, err // without a release, as the driver does
		}
		luma++
		for i := range img.Y { // the same memory each time, as the driver does
			img.Y[i] = luma
		}
		return img, func() {}, nil
	}), nil
}

// use is how the camera was used.
type use struct {
	Opens, Records, Open int
	Doubled              bool
	Mode                 prop.Media
}

func (c *fakeCamera) seen() use {
	c.mu.Lock()
	defer c.mu.Unlock()
	return use{c.opens, c.records, c.open, c.doubled, c.mode}
}
