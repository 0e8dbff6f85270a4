package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// CameraFile is the camera's, once it is plugged in.
const CameraFile = "/dev/video0"

// cameraModules are what vivid needs, in this order, and vivid.
func cameraModules() []string {
	return []string{
		"rc-core", "mc", "videodev", "videobuf2-common", "videobuf2-memops", "videobuf2-v4l2", "videobuf2-vmalloc", "videobuf2-dma-contig",
		"v4l2-dv-timings", "v4l2-tpg", "cec", "vivid",
	}
}

// Inside says that this process is the first of a machine: one that [Machine.Run] started.
func Inside() bool { return os.Getpid() == 1 }

// Mount mounts what the kernel shows of itself. It comes first.
func Mount() error {
	for kind, path := range map[string]string{"devtmpfs": "/dev", "proc": "/proc", "sysfs": "/sys"} {
		if err := unix.Mount(kind, path, kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", path, err)
		}
	}
	return nil
}

// PlugIn brings the camera and waits for its file.
func PlugIn() error {
	for _, name := range cameraModules() {
		params := ""
		if name == "vivid" {
			params = "n_devs=1 node_types=0x1"
		}
		if err := insert(name, params); err != nil {
			return err
		}
	}
	return appears(CameraFile)
}

// appears waits for a file.
func appears(path string) error {
	for range 1000 {
		if _, err := os.Stat(path); err == nil {
			return nil
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // between two looks
	}
	return fmt.Errorf("%s does not appear", path)
}

func modulePath(name string) string { return filepath.Join("/modules", name+".ko") }

func insert(name, params string) error {
	file, err := os.Open(modulePath(name))
	if err != nil {
		return fmt.Errorf("insert a module: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was read
	if err := unix.FinitModule(int(file.Fd()), params, 0); err != nil {
		return fmt.Errorf("insert %s: %w", name, err)
	}
	return nil
}

// Tell gives the host something, as JSON. It goes to the second serial port,
// which the kernel leaves alone.
func Tell(what any) error {
	port, err := os.OpenFile("/dev/ttyS1", os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("tell the host: %w", err)
	}
	defer port.Close() //nolint:errcheck // it was flushed
	if err := json.NewEncoder(port).Encode(what); err != nil {
		return fmt.Errorf("tell the host: %w", err)
	}
	if err := unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1); err != nil { // until all is sent
		return fmt.Errorf("tell the host: %w", err)
	}
	return nil
}

// PowerOff ends the machine.
func PowerOff() error {
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		return fmt.Errorf("power off: %w", err)
	}
	return nil
}
