package guest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const qemu = "qemu-system-x86_64"

// Options are what a machine is made of.
type Options struct {
	Cache    string   // the folder that `make soak` fills: .cache/vivid
	Init     string   // the program that it runs, which comes with its libraries
	Args     []string // of that program, without spaces
	Programs []string // more of them, for the folder /bin
	// Ports of 127.0.0.1, of TCP and of UDP, that lead to the same ones of the
	// machine: see [Forward] and [Address].
	Ports []int
}

// A Machine can be run more than once.
type Machine struct {
	// static after New
	kernel, ramdisk, told string
	options               Options
}

// Lacking says what it takes to run machines and is not there; "" for nothing.
func Lacking(cache string) string {
	if _, err := exec.LookPath(qemu); err != nil {
		return qemu + ": make soak installs it"
	}
	if kernelIn(cache) == "" {
		return "a kernel in .cache/vivid: make soak brings it"
	}
	return ""
}

func kernelIn(cache string) string {
	kernels, err := filepath.Glob(filepath.Join(cache, "boot/vmlinuz-*"))
	if err != nil || len(kernels) == 0 {
		return ""
	}
	return slices.Max(kernels)
}

// New makes a machine, which is there until the test ends.
func New(tb testing.TB, o Options) *Machine {
	tb.Helper()
	dir := tb.TempDir()
	m := &Machine{kernel: kernelIn(o.Cache), ramdisk: filepath.Join(dir, "ramdisk"), told: filepath.Join(dir, "told"), options: o}
	files, err := contents(o)
	if err != nil {
		tb.Fatal(err)
	}
	archive, err := pack(files)
	if err == nil {
		err = os.WriteFile(m.ramdisk, archive, 0o600)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// contents are the machine's files, by their path in it.
func contents(o Options) (map[string]string, error) {
	files := map[string]string{"init": o.Init}
	for _, program := range o.Programs {
		files["bin/"+filepath.Base(program)] = program
	}
	for _, program := range append(slices.Clone(o.Programs), o.Init) {
		libraries, err := exec.Command("ldd", program).Output() //nolint:gosec,noctx // the caller's choice; it takes no time
		if err != nil && len(libraries) == 0 {
			continue // it has none
		}
		for field := range strings.FieldsSeq(string(libraries)) {
			if filepath.IsAbs(field) {
				files[strings.TrimPrefix(field, "/")] = field
			}
		}
	}
	err := filepath.WalkDir(filepath.Join(o.Cache, "lib"), func(path string, _ os.DirEntry, err error) error {
		name, module := strings.CutSuffix(filepath.Base(path), ".ko")
		if module && (name == adapter || slices.Contains(cameraModules(), name)) {
			files[modulePath(name)[1:]] = path
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the kernel's modules: %w", err)
	}
	return files, nil
}

// Run starts the machine and waits for its end. It writes to console what the
// kernel and the program print, and returns what that has told: see [Tell]. When
// ctx ends the machine is switched off.
func (m *Machine) Run(ctx context.Context, console io.Writer) ([]byte, error) {
	args := []string{
		"-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024", "-nodefaults", "-no-reboot", "-display", "none",
		"-serial", "stdio", "-serial", "file:" + m.told, "-kernel", m.kernel, "-initrd", m.ramdisk,
		"-append", strings.Join(append([]string{"console=ttyS0 quiet panic=-1 random.trust_cpu=on --"}, m.options.Args...), " "),
	}
	if len(m.options.Ports) > 0 {
		network := []string{"user,id=outside,ipv6=off"}
		for _, port := range m.options.Ports {
			for _, protocol := range []string{"tcp", "udp"} {
				network = append(network, fmt.Sprintf("hostfwd=%s:127.0.0.1:%d-%s:%d", protocol, port, Address, port))
			}
		}
		args = append(args, "-netdev", strings.Join(network, ","), "-device", adapter+",netdev=outside")
	}
	machine := exec.CommandContext(ctx, qemu, args...) //nolint:gosec // of the tests' own arguments
	machine.Stdout, machine.Stderr = console, console
	if err := machine.Run(); err != nil {
		return nil, fmt.Errorf("run the machine: %w", err)
	}
	told, err := os.ReadFile(m.told)
	if err != nil {
		return nil, fmt.Errorf("read what the machine told: %w", err)
	}
	return bytes.TrimSpace(told), nil
}
