//go:build cgo && linux && !screen

package device

func missingScreens() error { return errNoScreens }

func findScreens() {}
