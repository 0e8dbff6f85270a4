package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"weir/auth"
	"weir/internal/webrtctest"
)

// weirToken runs "weir token" on a state directory.
func weirToken(t *testing.T, env []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	out, log := newOutput(), newOutput()
	err = run(t.Context(), append([]string{"token"}, args...), env, out, log)
	return out.String(), log.String(), err
}

func TestToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	env := append(stateIn(dir), "WEIR_ADMIN_TOKEN=hunter2-hunter2")
	out, _, err := weirToken(t, env, "list")
	if err != nil || strings.Contains(out, "hunter2") || !regexp.MustCompile(`(?m)^admin +administer +- +WEIR_ADMIN_TOKEN$`).MatchString(out) {
		t.Errorf("list: %v\n%s", err, out)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a list makes a directory: %v", err)
	}
	first, log, err := weirToken(t, env, "add", "studio", "publish", "play")
	if err != nil || !regexp.MustCompile(`^weir_\S+\n$`).MatchString(first) {
		t.Errorf("add: %v %q", err, first)
	}
	if !strings.Contains(log, "playing now needs a token") || strings.Contains(log, strings.TrimSpace(first)) {
		t.Errorf("add says: %s", log)
	}
	if _, log, err := weirToken(t, env, "add", "viewer", "play"); err != nil || log != "" {
		t.Errorf("the second play token: %v %q", err, log)
	}
	if _, _, err := weirToken(t, env, "add", "viewer", "play"); !errors.Is(err, auth.ErrExists) {
		t.Errorf("add again: %v", err)
	}
	second, _, err := weirToken(t, env, "rotate", "studio")
	if err != nil || second == first || !strings.HasPrefix(second, "weir_") {
		t.Errorf("rotate: %v %q", err, second)
	}
	out, _, err = weirToken(t, env, "list")
	if err != nil || strings.Contains(out, "weir_") || !regexp.MustCompile(`(?m)^studio +play,publish +20\S+Z +`+regexp.QuoteMeta(filepath.Join(dir, stateFile))+`$`).MatchString(out) {
		t.Errorf("list: %v\n%s", err, out)
	}
	out, _, err = weirToken(t, env, "list", "-show")
	if err != nil || !strings.Contains(out, strings.TrimSpace(second)) || strings.Contains(out, strings.TrimSpace(first)) || !strings.Contains(out, "hunter2-hunter2") {
		t.Errorf("list -show: %v\n%s", err, out)
	}
	if out, log, err := weirToken(t, env, "revoke", "studio"); err != nil || out != "" || log != "" {
		t.Errorf("revoke: %v %q %q", err, out, log)
	}
	if _, log, err := weirToken(t, env, "revoke", "viewer"); err != nil || !strings.Contains(log, "open to everybody") {
		t.Errorf("revoke the last play token: %v %q", err, log)
	}
	if _, _, err := weirToken(t, env, "revoke", "viewer"); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("revoke again: %v", err)
	}
	if _, _, err := weirToken(t, env, "rotate", "admin"); !errors.Is(err, auth.ErrFixed) {
		t.Errorf("rotate a fixed one: %v", err)
	}
	if _, _, err := weirToken(t, nil, "add", "a", "play"); !errors.Is(err, auth.ErrNoFile) || !strings.Contains(err.Error(), "WEIR_STATE_DIR") {
		t.Errorf("nowhere to keep it: %v", err)
	}
}

// A running server follows what "weir token" does.
func TestTokenWhileServing(t *testing.T) {
	dir := t.TempDir()
	p := startWith(t, newOutput(), stateIn(dir))
	status := func(token string) int {
		player, err := webrtctest.Play(t.Context(), p.url+"/whep/test", webrtctest.Options{Fields: []string{"Authorization", "Bearer " + token}})
		if refused, ok := errors.AsType[*webrtctest.Refused](err); ok {
			return refused.Status
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := player.Close(); err != nil {
			t.Error(err)
		}
		return http.StatusCreated
	}
	if got := status("undefined"); got != http.StatusCreated {
		t.Errorf("with playing open: %d", got)
	}
	viewer, _, err := weirToken(t, stateIn(dir), "add", "viewer", "play")
	if err != nil {
		t.Fatal(err)
	}
	viewer = strings.TrimSpace(viewer)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := webrtctest.Wait(ctx, func() string {
		if status("undefined") != http.StatusUnauthorized {
			return "playing is still open"
		}
		return ""
	}); err != nil {
		t.Fatal(err)
	}
	if got := status(viewer); got != http.StatusCreated {
		t.Errorf("with the new token: %d", got)
	}
	if err := p.end(); err != nil {
		t.Error(err)
	}
	if strings.Contains(p.stderr.String(), viewer) {
		t.Error("the token is in the log")
	}
}

// Without a place to keep a token, one line says what to do.
func TestNoStateDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere := stateIn("/proc/weir") // not even root makes a directory there
	for _, c := range []struct {
		env, want []string
	}{
		{nil, []string{"WEIR_STATE_DIR", "WEIR_ADMIN_TOKEN"}},
		{nowhere, []string{"WEIR_STATE_DIR", "WEIR_ADMIN_TOKEN"}},
		{append(nowhere, "WEIR_PUBLISH_TOKEN=hunter2-hunter2"), []string{"WEIR_STATE_DIR", "WEIR_ADMIN_TOKEN"}},
		{stateIn(filepath.Join(file, "below")), []string{"WEIR_STATE_DIR"}},
	} {
		err := run(t.Context(), []string{"-addr", "127.0.0.1:0"}, c.env, newOutput(), newOutput())
		if err == nil || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%v: %v, want one line", c.env, err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, want it to name %s", c.env, err, want)
			}
		}
	}
	startWith(t, newOutput(), append(nowhere, "WEIR_ADMIN_TOKEN=hunter2-hunter2"))
}
