//go:build cgo && linux

package device

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"time"
)

const (
	silenceTime = 15 * time.Second // without anything, opening included, after which a user gives up
	closeTime   = 10 * time.Second // that the capture before may take to close the device
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
	record    func(c *capture) error // has the device open
	stop      chan struct{}          // closed when nobody uses it
	done      chan struct{}          // closed when the device is closed

	taps []*tap // guarded by Inventory.mu; copied when it changes
	err  error  // why it ended; set before done closes
}

// A chunk is what a device gives at once. All who use the device share it.
type chunk struct {
	picture *image.YCbCr // of a camera or a screen
	sound   []int16      // of a microphone: two channels, interleaved, 48 kHz
}

// A tap is one encoder's end of a capture. One goroutine uses it.
type tap struct {
	// static after Inventory.tap
	capture *capture
	queue   chan chunk

	fresh time.Time // when something came last
}

// tap opens a device, by record, or joins those who use it. It does not wait for the device.
func (v *Inventory) tap(u *unit, size int, record func(c *capture) error) *tap {
	t := &tap{queue: make(chan chunk, size), fresh: time.Now()}
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.captures[u.id()]
	if c == nil {
		c = &capture{inventory: v, unit: u, record: record, stop: make(chan struct{}), done: make(chan struct{})}
		v.captures[u.id()] = c
		go c.run()
	}
	t.capture = c
	c.taps = append(slices.Clip(c.taps), t)
	return t
}

// take returns what came; false: nothing has.
func (t *tap) take() (chunk, bool, error) {
	select {
	case got := <-t.queue:
		t.fresh = time.Now()
		return got, true, nil
	default:
	}
	select {
	case <-t.capture.done:
		return chunk{}, false, t.capture.err
	default:
	}
	if time.Since(t.fresh) > silenceTime {
		return chunk{}, false, fmt.Errorf("%s %w", t.capture.unit.quoted(), ErrSilent)
	}
	return chunk{}, false, nil
}

// Close ends the use: with the last user the device is closed, some time later.
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
	if len(rest) == 0 && v.captures[c.unit.id()] == c {
		delete(v.captures, c.unit.id())
		v.closing[c.unit.id()] = c
		close(c.stop)
	}
	return nil
}

// offer gives a chunk to a tap; the oldest gives way.
func (t *tap) offer(p chunk) {
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
	c := v.closing[u.id()]
	v.mu.Unlock()
	if c == nil {
		return
	}
	patience := time.NewTimer(answerTime)
	defer patience.Stop()
	select {
	case <-c.done:
	case <-patience.C:
		v.log.Warn("device hangs and is left to itself", "kind", noun(u.kind), "path", u.path())
	}
}

// run is the capture's goroutine.
func (c *capture) run() {
	defer close(c.done)
	c.err = c.occupy()
	v, name := c.inventory, c.unit.id()
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

// occupy has the device for this capture alone until record ends.
func (c *capture) occupy() error {
	if err := c.enter(); err != nil {
		return err
	}
	defer c.unit.leave()
	return c.record(c)
}

// share hands a chunk to all who use the device.
func (c *capture) share(got chunk) {
	c.inventory.mu.Lock()
	taps := c.taps
	c.inventory.mu.Unlock()
	for _, t := range taps {
		t.offer(got)
	}
}

// on and off tell of the device; the log says when a camera saw.
func (c *capture) on(how string) {
	c.inventory.log.Info("device is on", "kind", noun(c.unit.kind), "path", c.unit.path(), "text", how)
}

func (c *capture) off() {
	c.inventory.log.Info("device is off", "kind", noun(c.unit.kind), "path", c.unit.path())
}
