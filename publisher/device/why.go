//go:build cgo && linux

package device

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// causes are what the kernel says of a device, and what that means. Some errors of the driver keep only the text.
var causes = []struct { //nolint:gochecknoglobals // a table
	errno syscall.Errno
	means error
}{
	{syscall.ENOENT, ErrAbsent},
	{syscall.ENODEV, ErrAbsent},
	{syscall.ENXIO, ErrAbsent},
	{syscall.EACCES, ErrDenied},
	{syscall.EPERM, ErrDenied},
	{syscall.EBUSY, ErrBusy},
	{syscall.ENOTTY, ErrNotCamera},
}

// why says what an error of a driver means, in words for people.
func (u *unit) why(err error) error {
	text := err.Error()
	for _, c := range causes {
		if !errors.Is(err, c.errno) && !strings.HasSuffix(text, c.errno.Error()) {
			continue
		}
		if c.means == ErrDenied { //nolint:errorlint // of the table
			return fmt.Errorf("%s %w%s", u.quoted(), ErrDenied, admission(u.path()))
		}
		return fmt.Errorf("%s %w", u.quoted(), c.means)
	}
	if strings.Contains(text, "ot a video capture device") || strings.Contains(text, "does not support the streaming") {
		return fmt.Errorf("%s %w", u.quoted(), ErrNotCamera)
	}
	return fmt.Errorf("%s cannot be used: %w", u.quoted(), err)
}

// lost says why a device that was in use gives nothing any more.
func (u *unit) lost(err error, present bool) error {
	if !present || errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.ENXIO) {
		return fmt.Errorf("%s %w", u.quoted(), ErrUnplugged)
	}
	if strings.Contains(err.Error(), "timeout") {
		return fmt.Errorf("%s %w: nothing came from it for some seconds", u.quoted(), ErrSilent)
	}
	return fmt.Errorf("%s gives nothing any more: %w", u.quoted(), err)
}

// admission says how a user may come to open a device file: by its group, which on most systems is "video".
func admission(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Perm()&0o060 != 0o060 {
		return ""
	}
	id := strconv.FormatUint(uint64(stat.Gid), 10)
	name := id
	if g, err := user.LookupGroupId(id); err == nil {
		name = g.Name
	}
	return fmt.Sprintf(": it is for the group %q; add the user to it (sudo usermod -aG %s USER) and log in again", name, name)
}
