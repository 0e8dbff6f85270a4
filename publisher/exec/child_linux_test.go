package exec

import (
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"strings"
	"testing"
	"time"
)

func TestChildIsRead(t *testing.T) {
	c := begin(t, nil, "writes", "one", "two")
	b, err := io.ReadAll(c)
	if string(b) != "one two" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if err := c.failure(t.Context()); err != nil {
		t.Error(err)
	}
}

// What it said last is told, without what must not be.
func TestChildFails(t *testing.T) {
	c := begin(t, []string{"hunter22"}, "says", "rtsp://me:hunter22@host/x: no\nkey hunter22\nhttp://host/a?token=abc failed\x1b[31m")
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
	err := c.failure(t.Context())
	const want = "FFmpeg has ended: exit status 3: rtsp://***@host/x: no; key ***; http://host/a?*** failed [31m"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestChildIsKilled(t *testing.T) {
	c := begin(t, nil, "dies")
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
	if err := c.failure(t.Context()); err == nil || !strings.Contains(err.Error(), "signal: killed") {
		t.Error(err)
	}
}

func TestChildIsNotThere(t *testing.T) {
	if c, err := startChild(command{path: "/does/not/exist"}); err == nil {
		t.Error("it starts", c.Close())
	}
}

// A child that does not end when it is asked to is killed; so is one that is blocked, and a read under way ends.
func TestChildIsClosed(t *testing.T) {
	for _, what := range []string{"hangs", "waits", "blocks"} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := begin(t, nil, what)
			read := make(chan error, 1)
			go func() {
				_, err := c.Read(make([]byte, 16))
				if err == nil && what != "blocks" {
					_, err = c.Read(make([]byte, 16)) // blocked
				}
				read <- err
			}()
			if what == "blocks" {
				if err := <-read; err != nil {
					t.Error(err)
				}
				time.Sleep(50 * time.Millisecond) // until the pipe is full
			}
			began := time.Now()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > killGrace {
				t.Errorf("it took %v", took)
			}
			if what != "blocks" {
				if err := <-read; !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, io.EOF) && err != nil {
					t.Errorf("the read ends with %v", err)
				}
			}
			if n := c.group.number(); n != 0 {
				t.Errorf("process %d is not reaped", n)
			}
		})
	}
}

// A flood of words costs no more than the last of them.
func TestChildFloods(t *testing.T) {
	c := begin(t, nil, "floods")
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
	err := c.failure(t.Context())
	if err == nil || !strings.HasSuffix(err.Error(), "the last words") || len(err.Error()) > tailLines*(lineBytes+10) {
		t.Errorf("%.200v", err)
	}
}

// What a child has started goes with it, whether the child is ended or ends by itself.
func TestGrandchildren(t *testing.T) {
	c := begin(t, nil, "breeds")
	pid := line(t, c)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	gone(t, pid)
	c = begin(t, nil, "breeds", "and dies")
	gone(t, line(t, c))
	if err := c.failure(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Error(err)
	}
}

// A child does not outlive who started it, however that ends.
func TestFatherIsKilled(t *testing.T) {
	father := osexec.Command(os.Args[0], "fake", "fathers")
	out, err := father.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := father.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 32)
	n, err := out.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := father.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = father.Wait() // killed
	gone(t, strings.TrimSpace(string(b[:n])))
}

// A child gets no token.
func TestEnvironment(t *testing.T) {
	t.Setenv("WEIR_ADMIN_TOKEN", "do-not-tell")
	t.Setenv("FFREPORT", "file=/tmp/x")
	for _, pair := range environment() {
		if strings.HasPrefix(pair, "WEIR") || strings.HasPrefix(pair, "FFREPORT") {
			t.Error(pair)
		}
	}
}
