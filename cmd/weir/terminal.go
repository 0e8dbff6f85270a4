package main

import (
	"io"
	"os"
)

// isTerminal tells whether a person reads what is written to w, and nothing
// keeps it. A writer that is no file may say so itself.
func isTerminal(w io.Writer) bool {
	switch w := w.(type) {
	case interface{ Terminal() bool }:
		return w.Terminal()
	case *os.File:
		info, err := w.Stat()
		return err == nil && info.Mode()&os.ModeCharDevice != 0 && answersAsTerminal(w)
	default:
		return false
	}
}
