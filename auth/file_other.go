//go:build !unix

package auth

import "os"

// Here the file's mode says nothing: it inherits the directory's access list.
const (
	hasModes  = false
	openFlags = 0
)

// lockDir locks nothing here: of two programs that change the file at the same
// time the last one wins.
func lockDir(string) (unlock func(), err error) { return func() {}, nil }

func syncDir(string) error { return nil }

func sameOwner(*os.File, string) error { return nil }
