package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/config"
)

// All that is wrong with the command line, the environment and the file is said
// in one run.
func TestAllMistakesAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(file, []byte("limits:\n  sessions: 0\nice:\n  servers: [\"turn:user:hunter2@\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := run(t.Context(), []string{"-adr", "hunter2:hunter2@x", "-addr", "8080", "turn:user:hunter2@host", "-mdns=maybe", "-turn:hunter2@x", "-config", file},
		[]string{"WEIR_LOG_LEVEL=loud", "WEIR_STATE_DIR=" + t.TempDir()}, newOutput(), newOutput())
	if !errors.Is(err, errUsage) {
		t.Fatalf("%v", err)
	}
	for _, want := range []string{"unknown flag -adr", "unknown argument", "unknown flag\n", file + ":2:13: limits.sessions", file + ":4:13: ice.servers[0]", "WEIR_LOG_LEVEL: ", "-addr: ", "-mdns: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not said:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a credential is repeated:\n%v", err)
	}
}

// A mistake of the file alone is none of the command line.
func TestConfigCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "weir.yaml")
	check := func(text string) (string, error) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out := newOutput()
		err := run(t.Context(), []string{"config", "check", "-config", file}, nil, out, newOutput())
		return out.String(), err
	}
	if out, err := check(config.Sample()); err != nil || out != "ok\n" {
		t.Errorf("the sample: %q %v", out, err)
	}
	out, err := check("log: {level: loud}\nice: {servers: [a]}\n")
	if mistakes, ok := errors.AsType[config.Mistakes](err); !ok || len(mistakes) != 2 || errors.Is(err, errUsage) || out != "" {
		t.Errorf("two mistakes: %q %v", out, err)
	}
}

func TestConfigShowAndDefault(t *testing.T) {
	out := newOutput()
	if err := run(t.Context(), []string{"config", "default"}, []string{"WEIR_BROKEN=1"}, out, newOutput()); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(config.Sample(), out.String()); diff != "" {
		t.Error(diff)
	}
	out = newOutput()
	if err := run(t.Context(), []string{"config", "show", "-addr", ":9"}, []string{"WEIR_PLAY_TOKEN=hunter2-hunter2", "WEIR_STATE_DIR=/s"}, out, newOutput()); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"addr: \":9\" # -addr\n", "dir: \"/s\" # WEIR_STATE_DIR\n", "# WEIR_PLAY_TOKEN\n", "level: \"info\" # default\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is shown:\n%s", out)
	}
}

// Each command has its help, and says what it can do where it is not told what.
func TestCommands(t *testing.T) {
	for _, command := range []string{commandConfig, commandToken} {
		out := newOutput()
		if err := run(t.Context(), []string{command, "-h"}, nil, out, newOutput()); err != nil {
			t.Error(err)
		}
		for _, verb := range verbs(command) {
			if !strings.Contains(out.String(), "weir "+command+" "+verb) {
				t.Errorf("weir %s -h is silent on %s", command, verb)
			}
		}
		for _, args := range [][]string{{command}, {command, "hunter2"}, {command, "-config", "x"}} {
			err := run(t.Context(), args, nil, newOutput(), newOutput())
			if !errors.Is(err, errUsage) || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), verbs(command)[1]) {
				t.Errorf("%v: %v", args, err)
			}
		}
	}
	for _, args := range [][]string{
		{"config", "default", "more"},
		{"config", "default", "-addr", ":9"},
		{"config", "check", "more"},
		{"config", "check", "-show"},
		{"token", "add", "name"},
		{"token", "add", "name", "own"},
		{"token", "add", "a/b", "play"},
		{"token", "add", "name", ","},
		{"token", "rotate"},
		{"token", "list", "name"},
		{"token", "list", "-addr", ":9"},
		{"token", "add", "-show", "name", "play"},
		{"-config"},
	} {
		if err := run(t.Context(), args, stateIn(t.TempDir()), newOutput(), newOutput()); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
