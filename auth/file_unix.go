//go:build unix

package auth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

const (
	hasModes  = true
	openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
)

// lockDir waits until nobody else changes the directory's state file. A file
// system without locks has none to give: then the last one to write wins.
func lockDir(dir string) (unlock func(), err error) {
	d, err := os.Open(dir) //nolint:gosec // whoever starts the program names the state directory
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	none := []error{nil, syscall.ENOTSUP, syscall.EOPNOTSUPP, syscall.ENOSYS, syscall.ENOLCK, syscall.EBADF}
	if !slices.ContainsFunc(none, func(e error) bool { return errors.Is(err, e) }) {
		return nil, errors.Join(err, d.Close())
	}
	return func() { _ = d.Close() }, nil // which unlocks it
}

// syncDir makes a rename in the directory last.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // whoever starts the program names the state directory
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}

// sameOwner gives the new file to the owner of the old one or, where there is
// none, of the directory: a service must be able to read what root has changed.
func sameOwner(out *os.File, path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		info, err = os.Stat(filepath.Dir(path))
	}
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || owner.Uid == 0 {
		return nil
	}
	if err := out.Chown(int(owner.Uid), int(owner.Gid)); err != nil {
		return fmt.Errorf("give the file to the owner of the state directory: %w", err)
	}
	return nil
}
