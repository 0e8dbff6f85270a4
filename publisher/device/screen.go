//go:build cgo && linux && screen

package device

import "github.com/pion/mediadevices/pkg/driver/screen"

// missingScreens is why there are no screens, nil where they can be captured.
func missingScreens() error { return nil }

// findScreens looks for screens of the X server that DISPLAY names. The X library ends the whole program when that server
// goes away, or its screen gets smaller, while a screen is captured.
func findScreens() { screen.Initialize() }
