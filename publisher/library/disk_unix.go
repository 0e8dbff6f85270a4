//go:build linux || darwin

package library

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// freeSpace is what the folder's disk has left for this process, bytes.
func freeSpace(root *os.Root) (int64, error) {
	f, err := root.Open(".")
	if err != nil {
		return 0, fmt.Errorf("open the folder: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only looked at
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return 0, fmt.Errorf("ask the file system: %w", err)
	}
	return int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert // the types differ between systems
}

func isDiskFull(err error) bool { return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) }
