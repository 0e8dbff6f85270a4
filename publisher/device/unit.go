//go:build cgo && linux

package device

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/driver/availability"
	"github.com/pion/mediadevices/pkg/prop"
)

// separator is what stands between the parts of a driver's label and name (camera.LabelSeparator).
const separator = ";"

// A unit is one device. It outlives being unplugged.
type unit struct {
	// static after newUnit
	kind driver.DeviceType
	name string        // the same whenever the device is plugged in, where the system knows how to tell: its file's by-id name
	node string        // "video0"; "" if it is no file
	gate chan struct{} // one token: only who has it touches the driver

	// guarded by Inventory.mu
	title, bus string
	first      bool          // before all others when none is named
	driver     driver.Driver // has no lock of its own, and closing it twice closes a file of somebody else's
	modes      []prop.Media  // as seen when it was open last
	reason     error         // why it could not be opened then
	seen       time.Time     // when that was; zero: never since it was plugged in
}

// newUnit is nil for a driver that is no device: test drivers have labels of another form, and sound libraries have a
// microphone that hears nothing.
func newUnit(d driver.Driver) *unit {
	info := d.Info()
	u := &unit{kind: info.DeviceType, driver: d, gate: make(chan struct{}, 1), first: info.Priority > driver.PriorityNormal}
	switch info.DeviceType {
	case driver.Camera:
		u.name, u.node, _ = strings.Cut(info.Label, separator)
		if u.name == "" || u.node == "" {
			return nil
		}
		u.title, u.bus, _ = strings.Cut(info.Name, separator)
	case driver.Microphone:
		if u.name = microphoneName(info.Label); isNull(u.name, info.Name) {
			return nil
		}
		u.title = info.Name
	case driver.Screen:
		number, ok := strings.CutPrefix(info.Label, "X11Screen")
		if !ok {
			return nil
		}
		u.name, u.title = "screen"+number, "Screen "+number
	default:
		return nil
	}
	u.title = cmp.Or(u.title, u.name)
	return u
}

// microphoneName is what the sound system calls a device: labels are its bytes in hexadecimal.
func microphoneName(label string) string {
	text, err := hex.DecodeString(label)
	name := strings.TrimRight(string(text), "\x00")
	if err != nil || name == "" || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return label
	}
	return name
}

// isNull tells the microphones that sound libraries have where there is none.
func isNull(name, title string) bool {
	return name == "" || name == "null" || strings.Trim(name, "0") == "" || strings.HasPrefix(title, "NULL ") ||
		strings.HasPrefix(title, "Discard all samples")
}

// id tells the device from all others, of other kinds too.
func (u *unit) id() string { return string(u.kind) + " " + u.name }

// noun is what a kind of device is called.
func noun(kind driver.DeviceType) string { return string(kind) }

// quoted names the device in a sentence.
func (u *unit) quoted() string { return fmt.Sprintf("%s %q", noun(u.kind), u.name) }

// path is the device's file, "" if it is none.
func (u *unit) path() string {
	if u.node == "" {
		return ""
	}
	return filepath.Join("/dev", u.node)
}

// enter takes the right to touch the driver.
func (u *unit) enter(stop <-chan struct{}) bool {
	select {
	case u.gate <- struct{}{}:
		return true
	case <-stop:
		return false
	}
}

func (u *unit) leave() { <-u.gate }

// inspect opens the device for a moment to see what it can do. The light of a camera stays off.
func inspect(d driver.Driver) ([]prop.Media, error) {
	if err := d.Open(); err != nil {
		return nil, err
	}
	modes := slices.Clone(d.Properties())
	if err := d.Close(); err != nil {
		return nil, err
	}
	if _, err := driver.IsAvailable(d); errors.Is(err, availability.ErrBusy) {
		return modes, err
	}
	return modes, nil
}

// A report is what is told of a device.
type report struct {
	Node    string   `json:"node,omitempty"`
	Bus     string   `json:"bus,omitempty"`
	InUse   bool     `json:"in_use"`           // by this program
	Reason  string   `json:"reason,omitempty"` // why it cannot be used
	Formats []format `json:"formats"`
}

// A format is a size in one encoding, with the frame rates that it comes in, the highest first.
type format struct {
	Format string    `json:"format"`
	Width  int       `json:"width"`
	Height int       `json:"height"`
	Rates  []float32 `json:"rates,omitempty"`
}

// formats puts modes together that differ only in their rate: the largest first.
func formats(modes []prop.Media) []format {
	all := []format{}
	for _, m := range modes {
		if !decodable(m) {
			continue
		}
		one := format{Format: string(m.FrameFormat), Width: m.Width, Height: m.Height}
		i := slices.IndexFunc(all, func(f format) bool {
			return f.Format == one.Format && f.Width == one.Width && f.Height == one.Height
		})
		if i < 0 {
			i, all = len(all), append(all, one)
		}
		if m.FrameRate > 0 && !slices.Contains(all[i].Rates, m.FrameRate) {
			all[i].Rates = append(all[i].Rates, m.FrameRate)
		}
	}
	for i := range all {
		slices.SortFunc(all[i].Rates, func(a, b float32) int { return cmp.Compare(b, a) })
	}
	slices.SortFunc(all, func(a, b format) int {
		return cmp.Or(cmp.Compare(b.Width*b.Height, a.Width*a.Height), cmp.Compare(a.Format, b.Format), cmp.Compare(b.Width, a.Width))
	})
	return all
}

func (r report) raw() json.RawMessage {
	raw, err := json.Marshal(r)
	if err != nil {
		return json.RawMessage(`{}`) // no such value is in it
	}
	return raw
}

// bounded runs f beside the caller, who waits until it has ended or ctx has: a driver may hang.
func bounded(ctx context.Context, f func()) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
