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
	pictureTap  = 2  // pictures that wait for an encoder: they even out its rhythm and the device's
	mostDamaged = 30 // pictures in a row that cannot be decoded, as some are while a camera starts
)

// A recorder is a driver that gives pictures.
type recorder interface {
	driver.Driver
	driver.VideoRecorder
}

// A view is one encoder's end of a camera or a screen.
type view struct {
	*tap

	scaler *scaler
}

var _ publisher.PictureFeed = (*view)(nil)

// view opens a device, or joins those who use it: its mode is that which suits the first.
func (v *Inventory) view(u *unit, want publisher.VideoParams) *view {
	return &view{
		tap:    v.tap(u, pictureTap, func(c *capture) error { return c.film(want) }),
		scaler: newScaler(image.Pt(want.Width, want.Height)),
	}
}

// Next implements publisher.PictureFeed.
func (w *view) Next() (*image.YCbCr, error) {
	got, ok, err := w.take()
	if !ok {
		return nil, err
	}
	return w.scaler.draw(got.picture), nil
}

// driver is the device's newest one.
func (c *capture) driver() driver.Driver {
	c.inventory.mu.Lock()
	defer c.inventory.mu.Unlock()
	return c.unit.driver
}

// film has the device open until it fails or nobody uses it.
func (c *capture) film(want publisher.VideoParams) (err error) {
	d, ok := c.driver().(recorder)
	if !ok {
		return fmt.Errorf("%s %w", c.unit.quoted(), ErrNotCamera)
	}
	reader, mode, err := c.begin(d, want)
	defer func() {
		if d.Status() == driver.StateClosed { // a driver that could not record is closed already
			return
		}
		if failed := d.Close(); failed != nil && err == nil {
			err = fmt.Errorf("close %s: %w", c.unit.quoted(), failed)
		}
		c.off()
	}()
	if err != nil {
		return err
	}
	c.on(fmt.Sprintf("%s %dx%d, %g fps", mode.FrameFormat, mode.Width, mode.Height, mode.FrameRate))
	return c.pump(reader, mode)
}

// begin opens the device in the mode that suits best.
func (c *capture) begin(d recorder, want publisher.VideoParams) (video.Reader, prop.Media, error) {
	u := c.unit
	if err := d.Open(); err != nil {
		return nil, prop.Media{}, u.why(err)
	}
	modes := d.Properties()
	c.inventory.mu.Lock()
	u.modes, u.reason, u.seen = modes, nil, time.Now()
	c.inventory.mu.Unlock()
	mode, ok := pick(modes, want)
	if !ok {
		return nil, prop.Media{}, fmt.Errorf("%s %w: it has no format that can be decoded", u.quoted(), ErrNotCamera)
	}
	if mode.FrameRate == 0 && mode.FrameFormat == frame.FormatRGBA {
		mode.FrameRate = float32(want.Rate) // a screen has no rate of its own
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
		c.share(chunk{picture: p})
	}
	return nil
}

// deviceFailed tells what the kernel says of the device from a picture that cannot be decoded.
func deviceFailed(err error) bool {
	errno, ok := errors.AsType[syscall.Errno](err)
	return ok && errno != syscall.EAGAIN && errno != syscall.EIO || err.Error() == "read timeout"
}
