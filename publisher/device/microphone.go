//go:build cgo && linux && microphone

package device

import (
	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/driver/microphone"
)

const haveMicrophones = true

// findMicrophones looks at what is plugged in anew. The drivers found before stay usable, and each look leaves some memory of
// the sound library's behind.
func findMicrophones() {
	manager := driver.GetManager()
	for _, d := range manager.Query(driver.FilterAudioRecorder()) {
		manager.Delete(d.ID())
	}
	defer func() { _ = recover() }() // the library panics where it cannot list: then there is no microphone
	microphone.Initialize()
}
