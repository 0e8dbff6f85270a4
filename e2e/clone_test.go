//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Who clones the repository and types `make run` sees a picture, with and without a compiler of C++.
func TestCleanClone(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("builds twice: only when E2E_SOAK is set")
	}
	needs(t, chromium, "git", "make", "g++")
	for _, compiler := range []bool{true, false} {
		t.Run("g++ "+strconv.FormatBool(compiler), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "weir")
			if out, err := exec.CommandContext(t.Context(), "git", "clone", "-q", "..", dir).CombinedOutput(); err != nil {
				t.Fatalf("clone: %v\n%s", err, out)
			}
			cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "make", "run", "ARGS=-addr 127.0.0.1:0")
			cmd.Dir = dir
			cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CGO_ENABLED=") || strings.HasPrefix(v, "WEIR_") })
			cmd.Env = append(cmd.Env, "WEIR_STATE_DIR="+t.TempDir())
			if !compiler {
				cmd.Env = append(cmd.Env, "PATH="+without(t, "g++", "c++", "clang++"))
			}
			began := time.Now()
			base := address(t, cmd)
			t.Logf("served after %v", time.Since(began).Round(time.Second))
			var got chromiumPlayed
			run(t, "h264.mjs", base, "60").report(t, &got)
			got.hasCodec(t, "video/H264")
			if live := got.Live > 0; len(got.Numbers) != 60 || live != compiler {
				t.Errorf("%d frames, %d say that they are live", len(got.Numbers), got.Live)
			}
			judgeTones(t, got.Tones)
		})
	}
}

// address starts the program with all its children, which end with the test, and waits for the address that it prints.
func address(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr lockedBuffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(5*time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) })
	found := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		wanted := regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/watch/test`)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if match := wanted.FindStringSubmatch(lines.Text()); match != nil && stop.Stop() {
				found <- match[1]
			}
		}
		_ = cmd.Wait() // it was asked to end
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) // it may have ended
		<-ended
	})
	select {
	case base := <-found:
		return base
	case <-ended:
		t.Fatalf("%v prints no address:\n%s", cmd.Args, &stderr)
		return ""
	}
}

// without is a PATH on which there is all but these programs.
func without(t *testing.T, programs ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		entries, _ := os.ReadDir(folder) // a PATH names folders that are not there
		for _, e := range entries {
			if slices.Contains(programs, e.Name()) {
				continue
			}
			_ = os.Symlink(filepath.Join(folder, e.Name()), filepath.Join(dir, e.Name())) // the first of a name counts
		}
	}
	return dir
}
