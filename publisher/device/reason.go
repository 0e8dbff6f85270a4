package device

import "errors"

// Why a device cannot be used.
var (
	// ErrAbsent is returned where no such device is connected.
	ErrAbsent = errors.New("is not connected")
	// ErrNone is returned where no device of a kind is connected.
	ErrNone = errors.New("none is connected to this machine, or passed on to where this program runs")
	// ErrDenied is returned where this user may not open the device.
	ErrDenied = errors.New("may not be opened by this user")
	// ErrBusy is returned where another program uses the device.
	ErrBusy = errors.New("is used by another program")
	// ErrNotCamera is returned for a device that is none that records.
	ErrNotCamera = errors.New("is not a camera")
	// ErrUnplugged is returned where a device went away while it was used.
	ErrUnplugged = errors.New("was unplugged")
	// ErrSilent is returned where a device gives nothing, not even an answer.
	ErrSilent = errors.New("does not answer")
)
