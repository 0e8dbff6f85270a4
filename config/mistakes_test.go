package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/config"
)

var update = flag.Bool("update", false, "write what is found as what is wanted")

// checks stands in for what another room knows of ICE servers.
func checks() map[string]func(string) error {
	return map[string]func(string) error{"ice.servers": func(text string) error {
		if !strings.HasPrefix(text, "stun:") {
			return errors.New("not an ICE server: the rest is kept to itself")
		}
		return nil
	}}
}

// Each broken file gives all its mistakes in one run, each with its place.
func TestBrokenFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Errorf("%d files, want 30 at least", len(files))
	}
	place := regexp.MustCompile(`^[a-z-]+\.yaml:\d+:\d+: `)
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Input{File: file, Checks: checks()})
			if err == nil {
				t.Fatal("no mistake is found")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(file)+string(filepath.Separator), "") + "\n"
			for line := range strings.Lines(got) {
				if !place.MatchString(line) {
					t.Errorf("no place: %s", line)
				}
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("a secret is repeated:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".mistakes"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Mistakes of all layers come in one run, in the order of the layers.
func TestMistakesOfAllLayers(t *testing.T) {
	path := write(t, "log:\n  level: loud\nlimits: {sessions: 0}\n")
	_, err := config.Load(config.Input{
		File: path, Checks: checks(),
		Environ: []string{
			"WEIR_LIMITS_SESSIONS=none", "WEIR_HTTP_ADR=:80", "WEIR_ACCESS_TOKENS=a", "WEIR_SOMETHING=hunter2", "WEIR_ADMIN_TOKEN=hunter2",
			"WEIR_HTTP_HOSTS=good.example,bad host", "WEIR_ICE_SERVERS=turn:hunter2", "WEIR_PUBLISH_TOKEN=hunter2-hunter2", "WEIR_PLAY_TOKEN=hunter2-hunter2", "OTHER=1",
		},
		Flags: []config.Flag{{"-addr", "http.addr", "8080"}, {"-ice-server", "ice.servers", "hunter2"}, {"-mdns", "ice.mdns", "perhaps"}},
	})
	if err == nil {
		t.Fatal("no mistake is found")
	}
	want := []string{
		`weir.yaml:2:10: log.level: want debug, info, warn or error, got "loud"`,
		`weir.yaml:3:20: limits.sessions: want a whole number from 1 to 1000000, got 0`,
		`WEIR_ACCESS_TOKENS: is no variable: tokens stand in the file, in WEIR_ADMIN_TOKEN, WEIR_PUBLISH_TOKEN and WEIR_PLAY_TOKEN, or are made by weir token add`,
		`WEIR_ADMIN_TOKEN: want 8 to 256 letters, digits and - . _ ~ + /`,
		`WEIR_HTTP_ADR: is no variable of Weir; did you mean WEIR_HTTP_ADDR?`,
		`WEIR_HTTP_HOSTS: want a name or an address without a port, such as weir.example.org, got "bad host"`,
		`WEIR_ICE_SERVERS: not an ICE server: the rest is kept to itself`,
		`WEIR_LIMITS_SESSIONS: want a whole number from 1 to 1000000, got "none"`,
		`WEIR_SOMETHING: is no variable of Weir; weir config show lists the settings, and http.addr is WEIR_HTTP_ADDR`,
		`WEIR_PUBLISH_TOKEN: is the token of WEIR_PLAY_TOKEN too`,
		`-addr: want host:port, such as 127.0.0.1:8080, got "8080"`,
		`-mdns: want true or false, got "perhaps"`,
		`-ice-server: not an ICE server: the rest is kept to itself`,
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), ""), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A file that cannot be read is a mistake of who named it.
func TestNoFile(t *testing.T) {
	long := write(t, strings.Repeat("# long\n", 1<<16))
	for _, c := range []struct {
		in   config.Input
		want string
	}{
		{config.Input{File: "/no/such/file"}, "-config: /no/such/file cannot be read: "},
		{config.Input{Environ: []string{"WEIR_CONFIG=/no/such/file"}}, "WEIR_CONFIG: /no/such/file cannot be read: "},
		{config.Input{File: t.TempDir()}, "is a directory"},
		{config.Input{File: long}, "it is longer than 256KiB"},
	} {
		if _, err := config.Load(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// Whatever a file holds: an answer, and every mistake in it with a place.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte(config.Sample()))
	path := filepath.Join(f.TempDir(), "weir.yaml")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Load(config.Input{File: path})
		if err == nil {
			if err := l.Config.Validate(); err != nil {
				t.Errorf("loaded, and not valid: %v", err)
			}
			return
		}
		mistakes, ok := errors.AsType[config.Mistakes](err)
		if !ok || len(mistakes) == 0 {
			t.Fatalf("%v is no list of mistakes", err)
		}
		for _, m := range mistakes {
			if m.Place == "" || m.Detail == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}
