//go:build !race

package webrtctest

// Raced tells whether the race detector is built in, which makes everything slower
// by a factor that nobody knows.
const Raced = false
