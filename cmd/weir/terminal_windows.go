package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// answersAsTerminal tells a console from other character devices, such as NUL:
// it has a mode.
func answersAsTerminal(f *os.File) bool {
	var mode uint32
	return windows.GetConsoleMode(windows.Handle(f.Fd()), &mode) == nil
}
