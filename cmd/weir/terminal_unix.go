//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// answersAsTerminal tells a terminal from other character devices, such as
// /dev/null: it has a size.
func answersAsTerminal(f *os.File) bool {
	_, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	return err == nil
}
