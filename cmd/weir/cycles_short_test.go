//go:build linux && !soak

package main

// How often sources are started and stopped.
const (
	warmUp     = 2
	cycleCount = 5
)
