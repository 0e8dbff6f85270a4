//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An ending is how the program ends of itself.
type ending struct {
	code           int
	stdout, stderr string
}

// ends runs the program with nothing but this in its environment, until it ends.
func ends(t *testing.T, cmd *exec.Cmd, env ...string) ending {
	t.Helper()
	var stdout, stderr lockedBuffer
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &stdout, &stderr
	err := cmd.Run()
	if failed, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || failed.ExitCode() < 0) {
		t.Fatalf("run weir: %v\n%s", err, &stderr)
	}
	return ending{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// want holds the ending to a code and, but for 0, to one line besides the log that says all of these, with nothing on
// standard output.
func (e ending) want(t *testing.T, code int, says ...string) {
	t.Helper()
	if e.code != code {
		t.Errorf("exit code %d, want %d: %s", e.code, code, e.stderr)
	}
	said := e.stdout
	if code != 0 {
		said = regexp.MustCompile(`(?m)^time=.*\n`).ReplaceAllString(e.stderr, "")
		if e.stdout != "" {
			t.Errorf("on standard output: %q", e.stdout)
		}
		if strings.Count(said, "\n") != 1 {
			t.Errorf("want one line: %q", said)
		}
	}
	for _, want := range says {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %q", want, said)
		}
	}
}

// What a shell, a service manager and a container see of the program's end.
func TestExitCode(t *testing.T) {
	t.Parallel()
	path := build(t, "1")
	folder := t.TempDir()
	broken, none := filepath.Join(folder, "broken.yaml"), filepath.Join(folder, "none.yaml")
	if err := os.WriteFile(broken, []byte("log: {level: loud}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tcp, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tcp.Close() }) // after the subtests, which are parallel
	udp, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })                     // after the subtests, which are parallel
	port := strconv.Itoa(udp.LocalAddr().(*net.UDPAddr).Port) //nolint:errcheck // a UDP socket's
	for _, c := range []struct {
		name string
		args []string
		env  string
		code int
		says []string
	}{
		{"help", []string{"-h"}, "", 0, []string{"weir [flags]"}},
		{"version", []string{"-version"}, "", 0, []string{"weir "}},
		{"configuration without mistake", []string{"config", "check"}, "", 0, []string{"ok\n"}},
		{"token made", []string{"token", "add", "name", "publish"}, "", 0, []string{"weir_"}},
		{"port taken", []string{"-addr", tcp.Addr().String()}, "", 1, []string{tcp.Addr().String(), "taken", "-addr"}},
		{"media port taken", []string{"-addr", "127.0.0.1:" + port}, "", 1, []string{"udp port " + port, "-addr"}},
		{"address of another machine", []string{"-addr", "198.51.100.1:0"}, "", 1, []string{"198.51.100.1", "-addr"}},
		{"no file of that name, by the environment", nil, "WEIR_CONFIG=" + none, 1, []string{"WEIR_CONFIG", none}},
		{"mistake in the file", []string{"-config", broken}, "", 1, []string{broken + ":1:"}},
		{"mistake in the file, checked", []string{"config", "check", "-config", broken}, "", 1, []string{broken + ":1:"}},
		{"mistake in the environment", nil, "WEIR_LOG_LEVEL=loud", 1, []string{"WEIR_LOG_LEVEL"}},
		{"nowhere to keep tokens", nil, "WEIR_STATE_DIR=/proc/weir", 1, []string{"WEIR_STATE_DIR"}},
		{"unknown token", []string{"token", "revoke", "nobody"}, "", 1, []string{"weir token list"}},
		{"no file of that name, by the flag", []string{"-config", none}, "", 2, []string{"-config", none, "weir -h"}},
		{"unknown flag", []string{"-adr"}, "", 2, []string{"-adr", "weir -h"}},
		{"unknown command", []string{"serve"}, "", 2, []string{`"serve"`, "weir -h"}},
		{"flag without its value", []string{"-addr"}, "", 2, []string{"-addr", "weir -h"}},
		{"flag with a wrong value", []string{"-log-level", "loud"}, "", 2, []string{"-log-level", "weir -h"}},
		{"command without its verb", []string{"token"}, "", 2, []string{"list", "weir -h"}},
		{"name that no token can have", []string{"token", "add", "a/b", "play"}, "", 2, []string{"a token's name", "weir -h"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			ends(t, exec.CommandContext(ctx, path, c.args...), "WEIR_STATE_DIR="+t.TempDir(), c.env).want(t, c.code, c.says...)
		})
	}
}

// Asked to end, the program has not failed.
func TestExitCodeOfSignals(t *testing.T) {
	t.Parallel()
	path := build(t, "1")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t, path, "127.0.0.1:0", small(t))
		p.end(t, signal)
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d after %v:\n%s", code, signal, p.log)
		}
	}
}
