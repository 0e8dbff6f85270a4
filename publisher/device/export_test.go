//go:build cgo && linux

package device

import (
	"image"
	"log/slog"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/prop"

	"weir/publisher"
)

// NewTestInventory has hardware of a test's: find as a driver's Initialize and the query after it, and the nodes there are.
func NewTestInventory(log *slog.Logger, find func() []driver.Driver, nodes func() string, present func(node string) bool) *Inventory {
	return newInventory(log, hardware{find: find, mark: nodes, sound: true, present: func(u *unit) bool { return present(u.node) }})
}

func Pick(modes []prop.Media, want publisher.VideoParams) (prop.Media, bool) {
	return pick(modes, want)
}

// NewFit is what becomes of a device's pictures before they are encoded.
func NewFit(size image.Point) func(img image.Image, full bool) (*image.YCbCr, error) {
	s := newScaler(size)
	return func(img image.Image, full bool) (*image.YCbCr, error) {
		p, err := planar(img, full)
		if err != nil {
			return image.NewYCbCr(image.Rectangle{}, image.YCbCrSubsampleRatio420), err
		}
		return s.draw(p), nil
	}
}

func Fit(img image.Image, full bool, size image.Point) (*image.YCbCr, error) {
	return NewFit(size)(img, full)
}
