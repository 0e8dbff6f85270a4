//go:build e2e

package netns_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lacking skips the test for want of something; under CI that is a failure.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// A link is one cable between the two hosts: the addresses at either end.
type link struct {
	server, player []string // with prefix length
}

// A network is two hosts joined by links, with no way to anywhere else.
type network struct {
	server, player string // names of namespaces
}

// patience is how long something may take that is waited for: on a machine that
// is slow or stands still for seconds the tests take longer, and prove the same.
const patience = 90 * time.Second

// networks counts those of this process, so that each has names of its own.
var networks atomic.Int32

func newNetwork(t *testing.T, links ...link) *network {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		lacking(t, "network namespaces need Linux and root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		lacking(t, "network namespaces need ip, of the package iproute2")
	}
	id := fmt.Sprintf("%d-%d", os.Getpid(), networks.Add(1))
	n := &network{server: "weir-s" + id, player: "weir-p" + id}
	for _, host := range []string{n.server, n.player} {
		ip(t, "netns", "add", host)
		t.Cleanup(func() { ip(t, "netns", "del", host) })
		ip(t, "-n", host, "link", "set", "lo", "up")
	}
	for i, l := range links {
		device := fmt.Sprintf("w%d", i)
		ip(t, "-n", n.server, "link", "add", device, "type", "veth", "peer", "name", device, "netns", n.player)
		for host, addresses := range map[string][]string{n.server: l.server, n.player: l.player} {
			for _, address := range addresses {
				args := []string{"-n", host, "addr", "add", address, "dev", device}
				if netip.MustParsePrefix(address).Addr().Is6() {
					args = append(args, "nodad") // usable at once
				}
				ip(t, args...)
			}
			ip(t, "-n", host, "link", "set", device, "up")
		}
		carried(t, n.server, device)
		carried(t, n.player, device)
	}
	return n
}

// carried waits until the kernel calls a device running, which takes up to a
// second: libnice sees no address before, and then gathers for ever.
func carried(t *testing.T, host, device string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		state := ip(t, "-n", host, "-brief", "link", "show", device)
		if fields := strings.Fields(state); len(fields) > 1 && fields[1] == "UP" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the device is not running: %s", state)
		}
	}
}

func ip(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("ip", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// on makes a command that runs on a host, without the variables that would send
// its HTTP requests to a proxy.
func on(ctx context.Context, host, program string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", host, program}, args...)...)
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasSuffix(strings.ToLower(name), "_proxy") {
			c.Env = append(c.Env, variable)
		}
	}
	return c
}

// token may do everything at every gateway.
const token = "weir_of-the-tests-of-a-network"

// A gateway is the built binary, running.
type gateway struct {
	log *logBuffer
}

// build builds weir, once, and returns its path.
var build = sync.OnceValues(func() (string, error) {
	path, err := filepath.Abs(filepath.Join("..", "out", "weir-netns"))
	if err != nil {
		return "", fmt.Errorf("build weir: %w", err)
	}
	if out, err := exec.Command("go", "build", "-o", path, "weir/cmd/weir").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build weir: %w: %s", err, out)
	}
	return path, nil
})

// startGateway runs weir on a host until the test ends. When it returns the
// gateway serves.
func startGateway(t *testing.T, host string, args ...string) *gateway {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway{log: &logBuffer{}}
	c := on(context.Background(), host, binary, args...)
	c.Env = append(c.Env, "WEIR_STATE_DIR="+t.TempDir(), "WEIR_ADMIN_TOKEN="+token, "WEIR_LOG_LEVEL=debug")
	c.Stderr = g.log
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := c.Wait(); err != nil {
			t.Errorf("weir ended with %v\n%s", err, g.log)
		}
		tell(g.log.String())
	})
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "media") { // the last of what it prints
				ready <- true
			}
		}
		close(ready)
	}()
	select {
	case ok := <-ready:
		if !ok {
			t.Fatalf("weir printed no addresses\n%s", g.log)
		}
	case <-time.After(patience):
		t.Fatalf("weir printed no addresses in %v\n%s", patience, g.log)
	}
	return g
}

// logged waits until one line of the log holds all these.
func (g *gateway) logged(tb testing.TB, parts ...string) {
	tb.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		for line := range strings.Lines(g.log.String()) {
			all := true
			for _, part := range parts {
				all = all && strings.Contains(line, part)
			}
			if all {
				return
			}
		}
	}
	tb.Errorf("no line of the log holds %q\n%s", parts, g.log)
}

// A logBuffer is written by one process and read by the test.
type logBuffer struct {
	mu sync.Mutex
	// guarded by mu
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
