package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// endGrace is how long a child may take to end by itself when it is asked to: FFmpeg tells a camera that it goes.
	endGrace = 500 * time.Millisecond
	// killGrace is how long the system may take to end a child that was killed.
	killGrace = 2 * time.Second
	// tellGrace is how long is waited for the last words of a child that has ended.
	tellGrace = 250 * time.Millisecond
)

// A command is what a child is started with.
type command struct {
	path    string
	args    []string
	env     []string
	secrets []string   // not to be told
	files   []*os.File // its descriptors from 3 on
}

// A child is a program whose output is read. Read and Close may be called from any goroutine.
type child struct {
	// static after startChild
	out     *os.File // the end of the pipe that is read
	tail    *tail
	done    chan struct{} // closed when the child has ended, err is set and all it said was read
	group   group
	closing sync.Once

	err error // of its end; read after done
}

// startChild starts a program in a process group of its own. It does not end with a context: Close ends it.
func startChild(c command) (*child, error) {
	out, itsOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	told, itsTold, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), out.Close(), itsOut.Close())
	}
	ch := &child{out: out, tail: newTail(c.secrets), done: make(chan struct{})}
	// The address in the arguments was put together from parts that were checked; see Allowed.
	cmd := osexec.Command(c.path, c.args...) //nolint:gosec,noctx // the program is configured; Close ends it, group and all
	cmd.Stdout, cmd.Stderr, cmd.Env, cmd.Dir = itsOut, itsTold, c.env, os.TempDir()
	cmd.ExtraFiles = c.files
	ch.group.prepare(cmd)
	started := make(chan error)
	go ch.run(cmd, told, started, itsOut, itsTold)
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.path, err), out.Close(), told.Close())
	}
	return ch, nil
}

// run starts the child and waits for its end. It keeps its thread for as long: on Linux the kernel kills a child when the
// thread that started it ends.
func (c *child) run(cmd *osexec.Cmd, told *os.File, started chan<- error, its ...*os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	for _, f := range its {
		_ = f.Close() // the child has its own
	}
	if err != nil {
		started <- err
		return
	}
	c.group.begin(cmd.Process.Pid)
	started <- nil
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		_, _ = io.Copy(c.tail, told) // until its end, or Close
		c.tail.end()
	}()
	err = c.group.wait(cmd)
	timer := time.NewTimer(tellGrace)
	select {
	case <-heard:
	case <-timer.C: // somebody else holds its stderr
	}
	timer.Stop()
	_ = told.Close() // ends a read under way
	<-heard
	c.err = err
	close(c.done)
}

// Read reads what the child writes; io.EOF when it has ended.
func (c *child) Read(b []byte) (int, error) {
	n, err := c.out.Read(b)
	if errors.Is(err, os.ErrClosed) {
		err = io.ErrClosedPipe
	}
	return n, err
}

// Close asks the child to end, kills what is left of its group after a while, and returns when it has ended. It fails where
// the system does not end it in time.
func (c *child) Close() error {
	c.closing.Do(func() {
		c.group.terminate()
		_ = c.out.Close() // it is not blocked by what nobody reads, and ends at its next write
		if !c.ended(endGrace) {
			c.group.kill()
		}
	})
	if !c.ended(killGrace) {
		return errors.New("the child was killed and has not ended")
	}
	return nil
}

// ended waits for the child's end, for as long as d.
func (c *child) ended(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// failure is why the child has ended: nil if all is well; with its last lines. It waits for the end, or for ctx.
func (c *child) failure(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
	}
	if c.err == nil {
		return nil
	}
	return told("FFmpeg has ended: "+c.err.Error(), c.tail.all())
}

// told is an error with the child's last lines.
func told(what string, lines []string) error {
	if len(lines) > 0 {
		what += ": " + strings.Join(lines, "; ")
	}
	return errors.New(what)
}

// environment is what a child gets of ours: no token, nor what makes FFmpeg write reports.
func environment() []string {
	kept := []string{
		"PATH", "HOME", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", // all
		"DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "PULSE_SERVER", // devices
		"SystemRoot", "SystemDrive", "TEMP", "TMP", "USERPROFILE", // Windows
	}
	env := []string{"LC_ALL=C", "AV_LOG_FORCE_NOCOLOR=1"}
	for _, name := range slices.Compact(kept) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
