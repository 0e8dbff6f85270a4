//go:build !cgo || !linux

package device

import (
	"fmt"
	"log/slog"
	"runtime"

	"weir/publisher"
)

// An Inventory knows no devices in this build.
type Inventory struct{}

// NewInventory returns one that says what is missing.
func NewInventory(*slog.Logger) *Inventory { return &Inventory{} }

// Camera is the kind of source that a camera is, with the reason why it cannot run.
func (*Inventory) Camera() publisher.Kind {
	return publisher.Kind{
		Name: kindCamera, Title: "Camera", Description: cameraText, Private: true, Schema: cameraSchema(false),
		Missing: noDrivers(),
	}
}

// Screen is the kind of source that a screen is, with the reason why it cannot run.
func (*Inventory) Screen() publisher.Kind {
	return publisher.Kind{
		Name: kindScreen, Title: "Screen", Description: screenText, Private: true, Schema: screenSchema(), Missing: noDrivers(),
	}
}

// noDrivers says why this build has no cameras.
func noDrivers() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("devices are there on Linux only, this is %s", runtime.GOOS)
	}
	return ErrNoCgo
}
