package exec

import "os"

// handOver gives a child an open file, which it opens anew under this name: with a position of its own, and whatever stands
// at the file's path by then.
func handOver(f *os.File) (address string, files []*os.File) {
	return "file:/proc/self/fd/3", []*os.File{f}
}
