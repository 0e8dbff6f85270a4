//go:build linux || darwin

package library_test

import (
	"errors"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"weir/publisher"
)

// A pipe is no media file, and blocks nobody.
func TestPipesAreNotThere(t *testing.T) {
	t.Parallel()
	s := newShelf(t, nil)
	if err := unix.Mkfifo(filepath.Join(s.dir, "pipe.mp4"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.paths(t, "", 10); len(got) > 0 {
		t.Error(got)
	}
	if _, err := s.Open("pipe.mp4"); !errors.Is(err, publisher.ErrNoFile) {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "pipe.mp4"); !errors.Is(err, publisher.ErrNoFile) {
		t.Error(err)
	}
}
