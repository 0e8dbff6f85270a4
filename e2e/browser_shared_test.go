//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// One Chromium serves all scripts that want no switches of their own, each in a context of its own: starting one takes longer
// than many a test. It is started by the first script, again should it have ended, and lives until the run ends.
var shared sharedBrowser

type sharedBrowser struct {
	mu sync.Mutex
	// guarded by mu
	address string
	input   io.Closer
	done    chan struct{} // closed when it has ended; nil before the first
}

// at returns its address, "" where there is no Chromium. It outlives the context.
func (b *sharedBrowser) at(ctx context.Context) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done != nil {
		select {
		case <-b.done:
		default:
			return b.address, nil
		}
	}
	if _, err := exec.LookPath(chromium); err != nil {
		return "", nil
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "node", filepath.Join("page", "shared.mjs"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is for the tests, which end it
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	input, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // its scripts tell what is wrong
	}()
	if err != nil {
		return "", fmt.Errorf("the shared browser: %w: %s", err, &stderr)
	}
	b.address, b.input, b.done = strings.TrimSpace(line), input, done
	return b.address, nil
}

// end ends it, if it was started.
func (b *sharedBrowser) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.done == nil {
		return
	}
	_ = b.input.Close() // it may have ended
	select {
	case <-b.done:
	case <-time.After(patience):
		fmt.Fprintln(os.Stderr, "the shared browser does not end")
	}
}

// startScript starts a Node script of folder page, which ends with the context.
func startScript(ctx context.Context, name string, args ...string) (*script, error) {
	address, err := shared.at(ctx)
	if err != nil {
		return nil, err
	}
	s := &script{stderr: new(lockedBuffer)}
	s.cmd = exec.CommandContext(ctx, "node", append([]string{filepath.Join("page", name)}, args...)...)
	s.cmd.Env = append(os.Environ(), "E2E_BROWSER="+address)
	s.cmd.Stderr = s.stderr
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) } // both drivers end their browser on it
	s.cmd.WaitDelay = 10 * time.Second
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.lines = bufio.NewScanner(output)
	s.lines.Buffer(nil, 1<<20)
	return s, s.cmd.Start()
}
