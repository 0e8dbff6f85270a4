// Package device makes the encoders that are built in: OpenH264 for pictures and libopus for sound, both through
// pion/mediadevices, whose static libraries need a C and a C++ compiler and nothing else, and, with the build tag vpx,
// libvpx for VP8, whose headers must be installed. It is the only package that uses cgo. Built without cgo it has the same
// functions, and each returns ErrNoCgo; Missing and MissingVP8 say so before one is needed.
//
// The C libraries crash the process when an encoder is touched by two goroutines or after its Close. An encoder of this
// package therefore belongs to the goroutine that made it; publisher.Rendition is that goroutine.
package device

import "errors"

// ErrNoCgo is returned by the constructors of a program that was built without cgo.
var ErrNoCgo = errors.New("built without cgo (CGO_ENABLED=0, or no C and C++ compiler): no encoder is built in")

// ErrNoVPX is returned for VP8 by a program that was built without libvpx.
var ErrNoVPX = errors.New("built without libvpx (install libvpx-dev and pkg-config, then make)")
