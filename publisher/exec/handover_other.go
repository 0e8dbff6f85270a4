//go:build !linux

package exec

import "os"

// handOver gives a child a file, which it opens by its path.
func handOver(f *os.File) (address string, files []*os.File) { return "file:" + f.Name(), nil }
