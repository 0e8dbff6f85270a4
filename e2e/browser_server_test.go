//go:build e2e

package e2e_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// build makes the program once for each value of CGO_ENABLED and returns its path.
var build = func() func(t *testing.T, cgo string) string {
	var mu sync.Mutex
	built := make(map[string]string)
	return func(t *testing.T, cgo string) string {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if path, ok := built[cgo]; ok {
			return path
		}
		path, err := filepath.Abs(filepath.Join("out", "weir-cgo"+cgo))
		if err != nil {
			t.Fatal(err)
		}
		env := append(os.Environ(), "CGO_ENABLED="+cgo)
		tags := exec.CommandContext(t.Context(), "sh", filepath.Join("..", "scripts", "tags.sh"))
		tags.Env = env
		has, err := tags.Output()
		if err != nil {
			t.Fatalf("what this machine has: %v", err)
		}
		cmd := exec.CommandContext(t.Context(), "go", "build", "-tags", strings.TrimSpace(string(has)), "-o", path, "weir/cmd/weir")
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build weir: %v\n%s", err, out)
		}
		built[cgo] = path
		return path
	}
}()

// process is a running weir.
type process struct {
	base string // "http://127.0.0.1:…"
	addr string // "127.0.0.1:…"
	log  *lockedBuffer
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	state    string         // folder of its tokens
	watching sync.WaitGroup // for what it tells
}

// start runs the program at addr until the test ends, with its tokens in a folder of its own and these variables besides,
// each NAME=value.
func start(t *testing.T, path, addr string, env ...string) *process {
	t.Helper()
	p := &process{log: new(lockedBuffer), done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), path, "-addr", addr) // it is asked to end, below
	p.cmd.Env = append(append(os.Environ(), "WEIR_STATE_DIR="+t.TempDir(), "WEIR_LOG_LEVEL=debug"), env...)
	p.cmd.Stderr = p.log
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 16) // more than it prints at its start
	go func() {
		defer close(p.done)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			default: // only the addresses are waited for
			}
		}
		_ = p.cmd.Wait() // the test has asked it to end
		told.text("a log", p.log.String())
	}()
	t.Cleanup(func() { p.end(t, syscall.SIGTERM); p.watching.Wait() })
	address := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)/watch/test`)
	for deadline := time.After(patience); p.addr == ""; {
		select {
		case line := <-lines:
			if found := address.FindStringSubmatch(line); found != nil {
				p.addr, p.base = found[1], "http://"+found[1]
			}
		case <-p.done:
			t.Fatalf("weir ended at once:\n%s", p.log)
		case <-deadline:
			t.Fatalf("weir prints no address:\n%s", p.log)
		}
	}
	p.witness(t)
	return p
}

// small makes the picture of the stream "test" a small one, for who looks at pages and not at pictures: it costs server and
// browser a tenth.
func small(t *testing.T) string {
	t.Helper()
	return sized(t, 320, 180)
}

// middling makes it one that is large enough to be looked at closely, and costs a quarter. The soak has the large one.
func middling(t *testing.T) string {
	t.Helper()
	if os.Getenv("E2E_SOAK") != "" {
		return sized(t, 1280, 720)
	}
	return sized(t, 640, 360)
}

func sized(t *testing.T, width, height int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.yaml")
	text := fmt.Sprintf("streams:\n  test:\n    source: pattern\n    params: {width: %d, height: %d}\n", width, height)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "WEIR_CONFIG=" + path
}

// signal sends the signal, unless the program has ended.
func (p *process) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal weir: %v", err)
	}
}

// end sends the signal and waits for the end.
func (p *process) end(t *testing.T, signal os.Signal) {
	t.Helper()
	select {
	case <-p.done:
		return
	default:
	}
	p.signal(t, signal)
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Errorf("weir does not end on %v", signal)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// logged waits for a line of the log that matches.
func (p *process) logged(t *testing.T, pattern string) {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !wanted.MatchString(p.log.String()); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the log has no line %q:\n%s", pattern, p.log)
		}
	}
}

// lockedBuffer is written by a process and read by a test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// needs skips the test where one of the programs is missing; where CI is set that is a failure.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	var missing []string
	for _, program := range append(programs, "node") {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
		}
	}
	if _, err := os.Stat("node_modules"); err != nil {
		missing = append(missing, "npm packages (npm ci in e2e)")
	}
	if len(missing) > 0 {
		lack(t, strings.Join(missing, ", "))
	}
}

// lack skips the test for want of something; where CI is set that is a failure.
func lack(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("missing: ", what)
	}
	t.Skip("missing: ", what)
}

// script is a running Node script of folder page.
type script struct {
	lines  *bufio.Scanner
	input  io.WriteCloser
	stderr *lockedBuffer
	cmd    *exec.Cmd
}

// run starts a script; it has ten minutes, of which it needs one on a machine that does nothing else.
func run(t *testing.T, name string, args ...string) *script {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	s, err := startScript(ctx, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// After its last report a script still closes its browser: only one that has failed is told to.
		if t.Failed() {
			cancel()
		}
		_ = s.cmd.Wait() // it was judged by what it printed
		cancel()
	})
	return s
}

// report reads the script's next line of JSON.
func (s *script) report(t *testing.T, into any) {
	t.Helper()
	if !s.lines.Scan() {
		_ = s.cmd.Wait()
		t.Fatalf("%s reports nothing: %v\n%s", s.cmd.Args[1], s.lines.Err(), s.stderr)
	}
	if err := json.Unmarshal(s.lines.Bytes(), into); err != nil {
		t.Fatalf("%s reports %q: %v", s.cmd.Args[1], s.lines.Text(), err)
	}
}

// step waits until the script has come to the named step.
func (s *script) step(t *testing.T, name string) {
	t.Helper()
	var got struct{ Step string }
	if s.report(t, &got); got.Step != name {
		t.Fatalf("%s is at step %q, not %q", s.cmd.Args[1], got.Step, name)
	}
}

// proceed lets the script go on.
func (s *script) proceed(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(s.input, "\n"); err != nil {
		t.Fatal(err)
	}
}
