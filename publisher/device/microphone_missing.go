//go:build cgo && linux && !microphone

package device

const haveMicrophones = false

func findMicrophones() {}
