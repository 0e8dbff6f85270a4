//go:build cgo && linux

package device

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/driver/camera"
)

// machine is the hardware that there is.
func machine() hardware {
	return hardware{
		find: func() []driver.Driver {
			camera.Initialize() // forgets all drivers that give pictures
			findScreens()
			findMicrophones()
			return driver.GetManager().Query(func(driver.Driver) bool { return true })
		},
		mark: func() string {
			return "seen" + imprint("/dev/video*", "/dev/v4l/by-id/*", "/dev/v4l/by-path/*", "/dev/snd/*")
		},
		sound: haveMicrophones,
		present: func(u *unit) bool {
			_, err := os.Stat(u.path())
			return !errors.Is(err, fs.ErrNotExist)
		},
	}
}

// imprint changes when a file comes or goes that one of the patterns matches, or is made anew, or belongs to others.
func imprint(patterns ...string) string {
	var b strings.Builder
	for _, pattern := range patterns {
		files, _ := filepath.Glob(pattern) // the patterns are well formed
		for _, file := range files {
			b.WriteString(file)
			info, err := os.Stat(file)
			if err != nil {
				continue
			}
			if stat, ok := info.Sys().(*syscall.Stat_t); ok {
				fmt.Fprint(&b, " ", stat.Ino, stat.Rdev, stat.Mode, stat.Uid, stat.Gid, stat.Ctim)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
