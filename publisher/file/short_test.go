//go:build !soak

package file_test

// soak lets the slow tests run whole.
const soak = false
