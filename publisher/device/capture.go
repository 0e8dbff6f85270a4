//go:build cgo && linux

package device

import (
	"errors"
	"fmt"
	"image"
	"syscall"
	"time"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"weir/publisher"
)

const (
	tapSize     = 2                // pictures that wait for an encoder: they even out its rhythm and the device's
	silenceTime = 15 * time.Second // without a picture, opening included, after which a user gives up
	closeTime   = 10 * time.Second // that the capture before may take to close the device
	mostDamaged = 30               // pictures in a row that cannot be decoded, as some are while a camera starts
)

// errStopped is why a capture ended that nobody wanted any more before it began.
var errStopped = errors.New("nobody uses it")

// A capture is one device that is open, however many use it. Its goroutine, which alone touches the driver, ends when
// nobody does any more or the device fails. It belongs to the Inventory; who used it last waits for it: see
// Inventory.settle.
type capture struct {
	// static after Inventory.tap
	inventory *Inventory
	unit      *unit
	want      publisher.VideoParams // of who came first: the others scale
	stop      chan struct{}         // closed when nobody uses it
	done      chan struct{}         // closed when the device is closed

	taps []*tap // guarded by Inventory.mu; copied when it changes
	err  error  // why it ended; set before done closes
}

// A tap is one encoder's end of a capture. One goroutine uses it.
type tap struct {
	// static after Inventory.tap
	capture *capture
	queue   chan *image.YCbCr
	scaler  *scaler

	fresh time.Time // when the last picture came
}

var _ publisher.PictureFeed = (*tap)(nil)

// tap opens a device, or joins those who use it. It does not wait for the device.
func (v *Inventory) tap(u *unit, want publisher.VideoParams) *tap {
	t := &tap{
		queue: make(chan *image.YCbCr, tapSize), scaler: newScaler(image.Pt(want.Width, want.Height)), fresh: time.Now(),
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.captures[u.name]
	if c == nil {
		c = &capture{inventory: v, unit: u, want: want, stop: make(chan struct{}), done: make(chan struct{})}
		v.captures[u.name] = c
		go c.run()
	}
	t.capture = c
	c.taps = append(c.taps[:len(c.taps):len(c.taps)], t)
	return t
}

// Next implements publisher.PictureFeed.
func (t *tap) Next() (*image.YCbCr, error) {
	select {
	case p := <-t.queue:
		t.fresh = time.Now()
		return t.scaler.draw(p), nil
	default:
	}
	select {
	case <-t.capture.done:
		return nil, t.capture.err
	default:
	}
	if time.Since(t.fresh) > silenceTime {
		return nil, fmt.Errorf("%s %w", t.capture.unit.quoted(), ErrSilent)
	}
	return nil, nil
}

// Close implements publisher.PictureFeed: with the last user the device is closed, some time later.
func (t *tap) Close() error {
	c, v := t.capture, t.capture.inventory
	v.mu.Lock()
	defer v.mu.Unlock()
	rest := make([]*tap, 0, len(c.taps))
	for _, other := range c.taps {
		if other != t {
			rest = append(rest, other)
		}
	}
	c.taps = rest
	if len(rest) == 0 && v.captures[c.unit.name] == c {
		delete(v.captures, c.unit.name)
		v.closing[c.unit.name] = c
		close(c.stop)
	}
	return nil
}

// offer gives a picture to a tap; the oldest gives way.
func (t *tap) offer(p *image.YCbCr) {
	for range 2 {
		select {
		case t.queue <- p:
			return
		default:
		}
		select {
		case <-t.queue:
		default:
		}
	}
}

// settle waits until a device that nobody uses any more is closed; not for long where it hangs.
func (v *Inventory) settle(u *unit) {
	v.mu.Lock()
	c := v.closing[u.name]
	v.mu.Unlock()
	if c == nil {
		return
	}
	patience := time.NewTimer(answerTime)
	defer patience.Stop()
	select {
	case <-c.done:
	case <-patience.C:
		v.log.Warn("camera hangs and is left to itself", "path", u.path())
	}
}

// run is the capture's goroutine.
func (c *capture) run() {
	defer close(c.done)
	c.err = c.record()
	v, name := c.inventory, c.unit.name
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.captures[name] == c {
		delete(v.captures, name) // it failed: who comes now begins anew
	}
	if v.closing[name] == c {
		delete(v.closing, name)
	}
}

func (c *capture) stopped() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// enter waits until nobody else touches the driver: the capture before may have to close the device.
func (c *capture) enter() error {
	patience := time.NewTimer(closeTime)
	defer patience.Stop()
	select {
	case c.unit.gate <- struct{}{}:
		return nil
	case <-c.stop:
		return errStopped
	case <-patience.C:
		return fmt.Errorf("%s hangs and cannot be closed: it %w", c.unit.quoted(), ErrSilent)
	}
}

// record has the device open until it fails or nobody uses it.
func (c *capture) record() (err error) {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.unit.leave()
	c.inventory.mu.Lock()
	d := c.unit.driver
	c.inventory.mu.Unlock()
	reader, mode, err := c.begin(d)
	defer func() {
		if d.Status() == driver.StateClosed { // a driver that could not record is closed already
			return
		}
		if failed := d.Close(); failed != nil && err == nil {
			err = fmt.Errorf("close %s: %w", c.unit.quoted(), failed)
		}
		c.inventory.log.Info("camera is off", "path", c.unit.path())
	}()
	if err != nil {
		return err
	}
	c.inventory.log.Info("camera is on", "path", c.unit.path(),
		"text", fmt.Sprintf("%s %dx%d, %g fps", mode.FrameFormat, mode.Width, mode.Height, mode.FrameRate))
	return c.pump(reader, mode)
}

// begin opens the device in the mode that suits best.
func (c *capture) begin(d recorder) (video.Reader, prop.Media, error) {
	u := c.unit
	if err := d.Open(); err != nil {
		return nil, prop.Media{}, u.why(err)
	}
	modes := d.Properties()
	c.inventory.mu.Lock()
	u.modes, u.reason, u.seen = modes, nil, time.Now()
	c.inventory.mu.Unlock()
	mode, ok := pick(modes, c.want)
	if !ok {
		return nil, prop.Media{}, fmt.Errorf("%s %w: it has no format that can be decoded", u.quoted(), ErrNotCamera)
	}
	if mode.FrameRate == 0 && mode.FrameFormat == frame.FormatRGBA {
		mode.FrameRate = float32(c.want.Rate) // a screen has no rate of its own
	}
	r, err := d.VideoRecord(mode)
	if err != nil && mode.FrameRate > 0 && !errors.Is(u.why(err), ErrBusy) {
		// Some drivers list rates that they do not set. The failure has closed the device.
		if err := d.Open(); err != nil {
			return nil, mode, u.why(err)
		}
		mode.FrameRate = 0
		r, err = d.VideoRecord(mode)
	}
	if err != nil {
		return nil, mode, u.why(err)
	}
	return r, mode, nil
}

// pump hands each picture of the device to all who use it.
func (c *capture) pump(r video.Reader, mode prop.Media) error {
	for damaged := 0; !c.stopped(); {
		img, release, err := r.Read()
		var p *image.YCbCr
		if err == nil {
			p, err = planar(img, mode.FrameFormat == frame.FormatMJPEG)
			release()
		}
		if err != nil {
			if damaged++; deviceFailed(err) || damaged > mostDamaged {
				return c.unit.lost(err, c.inventory.hardware.present(c.unit))
			}
			continue
		}
		damaged = 0
		c.inventory.mu.Lock()
		taps := c.taps
		c.inventory.mu.Unlock()
		for _, t := range taps {
			t.offer(p)
		}
	}
	return nil
}

// deviceFailed tells what the kernel says of the device from a picture that cannot be decoded.
func deviceFailed(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && errno != syscall.EAGAIN && errno != syscall.EIO || err.Error() == "read timeout"
}
