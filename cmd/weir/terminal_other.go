//go:build !unix && !windows

package main

import "os"

// answersAsTerminal is false where nobody knows: then no token is printed.
func answersAsTerminal(*os.File) bool { return false }
