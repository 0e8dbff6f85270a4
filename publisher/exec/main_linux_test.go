package exec

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	osexec "os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// As a child of a test this binary is a program that behaves as its first argument says.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "fake" {
		fake(os.Args[2], os.Args[3:])
		return
	}
	if i := slices.Index(os.Args, "-i"); i > 0 && slices.Contains(os.Args, "pipe:1") { // in place of FFmpeg
		what, arg, _ := strings.Cut(os.Args[i+1], "=")
		fake(what, []string{arg})
		return
	}
	goleak.VerifyTestMain(m)
}

// exit ends the child.
func exit(code int) { os.Exit(code) } //nolint:forbidigo // it is a program

// fake is what the child does.
func fake(what string, args []string) {
	switch what {
	case "says":
		fmt.Fprint(os.Stderr, strings.Join(args, " "))
		exit(3)
	case "writes":
		_, _ = fmt.Fprint(os.Stdout, strings.Join(args, " "))
	case "ends":
	case "garbage":
		for b := make([]byte, 4096); ; {
			_, _ = rand.Read(b)
			if _, err := os.Stdout.Write(b); err != nil {
				exit(4)
			}
		}
	case "dies":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hangs":
		signal.Ignore(syscall.SIGTERM, syscall.SIGPIPE)
		_, _ = fmt.Fprintln(os.Stdout, "hangs")
		time.Sleep(time.Hour)
	case "silent":
		fmt.Fprintln(os.Stderr, "I wait")
		time.Sleep(time.Hour)
	case "waits":
		_, _ = fmt.Fprintln(os.Stdout, "waits")
		time.Sleep(time.Hour)
	case "blocks":
		signal.Ignore(syscall.SIGTERM)
		for line := bytes.Repeat([]byte("x"), 4096); ; {
			if _, err := os.Stdout.Write(line); err != nil {
				exit(4)
			}
		}
	case "floods":
		line := []byte(strings.Repeat("flood ", 1000))
		for range 3000 {
			_, _ = os.Stderr.Write(line)
		}
		fmt.Fprintln(os.Stderr, "\nthe last words")
		exit(5)
	case "breeds":
		c := osexec.Command(os.Args[0], "fake", "hangs")
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil {
			exit(6)
		}
		_, _ = fmt.Fprintln(os.Stdout, c.Process.Pid)
		if len(args) > 0 { // it dies before its child does
			time.Sleep(200 * time.Millisecond)
			exit(7)
		}
		time.Sleep(time.Hour)
	case "fathers": // a child of its own starts one as Weir does, and tells its number
		c, err := startChild(command{path: os.Args[0], args: []string{"fake", "hangs"}})
		if err != nil {
			exit(8)
		}
		_, _ = fmt.Fprintln(os.Stdout, c.group.number())
		time.Sleep(time.Hour)
	}
}

// number is the child's, 0 after its end.
func (g *group) number() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.id
}

// begin starts a fake child, which ends with the test.
func begin(t *testing.T, secrets []string, args ...string) *child {
	t.Helper()
	c, err := startChild(command{path: os.Args[0], args: append([]string{"fake"}, args...), env: environment(), secrets: secrets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// line reads the child's next line.
func line(t *testing.T, c *child) string {
	t.Helper()
	text, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

// gone waits until there is no such process.
func gone(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(time.Minute); running(n); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("process %d is still there", n)
		}
	}
}

// running says whether a process is there and is no zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}
