package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"weir/config"
)

// write makes a file of the text and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, in config.Input) *config.Loaded {
	t.Helper()
	l, err := config.Load(in)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The sample says what holds without it.
func TestSampleIsTheDefaults(t *testing.T) {
	got := load(t, config.Input{File: write(t, config.Sample())}).Config
	if diff := cmp.Diff(config.Default(), got); diff != "" {
		t.Errorf("the sample differs from the defaults (-default +sample):\n%s", diff)
	}
	if diff := cmp.Diff(config.Default(), load(t, config.Input{}).Config); diff != "" {
		t.Errorf("nothing given differs from the defaults:\n%s", diff)
	}
	if diff := cmp.Diff(config.Default(), load(t, config.Input{File: write(t, "")}).Config); diff != "" {
		t.Errorf("an empty file differs from the defaults:\n%s", diff)
	}
}

// Each setting stands in the sample, so that nobody has to guess its name.
func TestSampleIsComplete(t *testing.T) {
	l := load(t, config.Input{File: write(t, config.Sample())})
	for line := range strings.Lines(l.Show()) {
		if strings.Contains(line, "# default") && !strings.Contains(line, "tokens:") {
			t.Errorf("the sample is silent on %s", line)
		}
	}
}

func TestDefaultIsValid(t *testing.T) {
	c := config.Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

// Validate finds all mistakes of a Config made by hand, and repeats no secret.
func TestValidate(t *testing.T) {
	c := config.Default()
	c.HTTP.Addr = "nowhere"
	c.HTTP.Hosts = []string{"good.example", "bad host"}
	c.Log.Level = slog.Level(3)
	c.Limits.Sessions = 0
	c.Limits.Offer = 1
	c.Access.Tokens = []config.Token{
		{Name: "hunter2 ", Secret: "hunter2", Rights: []string{"hunter2"}},
		{Name: "a", Secret: "hunter2-hunter2"},
		{Name: "a", Secret: "hunter2-hunter2", Rights: []string{"play"}},
	}
	err := c.Validate()
	mistakes, ok := errors.AsType[config.Mistakes](err)
	if !ok {
		t.Fatalf("%v", err)
	}
	var paths []string
	for _, m := range mistakes {
		paths = append(paths, m.Path)
	}
	want := []string{
		"http.addr", "http.hosts[1]", "log.level", "limits.sessions", "limits.offer",
		"access.tokens[0].name", "access.tokens[0].token", "access.tokens[0].rights[0]",
		"access.tokens[1].rights", "access.tokens[2].name", "access.tokens[2].token",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s\n%v", diff, err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret is repeated:\n%v", err)
	}
}

// Flags go over the environment, the environment over the file.
func TestOrder(t *testing.T) {
	path := write(t, "http: {addr: 'a:1', hosts: [file]}\nlog: {level: debug}\nlimits: {sessions: 1, candidates: 1}\nice: {mdns: true}\n")
	l := load(t, config.Input{
		File:    path,
		Environ: []string{"WEIR_HTTP_ADDR=b:2", "WEIR_LIMITS_SESSIONS=2", "WEIR_HTTP_HOSTS=one.example, two.example", "WEIR_LOG_LEVEL=", "HOME=/home/x"},
		Flags:   []config.Flag{{"-addr", "http.addr", "c:3"}, {"-ice-server", "ice.servers", "stun:a"}, {"-ice-server", "ice.servers", "stun:b"}},
	})
	want := config.Default()
	want.HTTP = config.HTTP{Addr: "c:3", Hosts: []string{"one.example", "two.example"}}
	want.Log.Level = slog.LevelDebug
	want.ICE = config.ICE{Servers: []string{"stun:a", "stun:b"}, MDNS: true}
	want.Limits.Sessions, want.Limits.Candidates = 2, 1
	want.State.Dir = "/home/x/.local/state/weir"
	if diff := cmp.Diff(want, l.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for setting, origin := range map[string]string{
		"http.addr": "-addr", "http.hosts": "WEIR_HTTP_HOSTS", "ice.servers": "-ice-server", "limits.sessions": "WEIR_LIMITS_SESSIONS",
		"limits.candidates": path + ":3:35", "log.level": path + ":2:14", "limits.offer": "default", "state.dir": "HOME",
	} {
		if got := l.Origin(setting); got != origin {
			t.Errorf("%s comes from %s, want %s", setting, got, origin)
		}
	}
}

func TestStateDirectory(t *testing.T) {
	for _, c := range []struct{ want, environ string }{
		{"/w", "WEIR_STATE_DIR=/w STATE_DIRECTORY=/s XDG_STATE_HOME=/x HOME=/h"},
		{"/s", "STATE_DIRECTORY=/s:/t XDG_STATE_HOME=/x HOME=/h"},
		{"/x/weir", "XDG_STATE_HOME=/x HOME=/h"},
		{"/h/.local/state/weir", "XDG_STATE_HOME=relative HOME=/h"},
		{"", "PATH=/bin"},
	} {
		if got := load(t, config.Input{Environ: strings.Fields(c.environ)}).Config.State.Dir; got != c.want {
			t.Errorf("%s: %q, want %q", c.environ, got, c.want)
		}
	}
}

// The variables for tokens go over tokens of their names.
func TestTokens(t *testing.T) {
	file := write(t, `
access:
  tokens:
    - {name: admin, token: file-secret-1, rights: [administer]}
    - {name: studio, token: file-secret-2, rights: [publish, play, publish]}
`)
	l := load(t, config.Input{Environ: []string{"WEIR_CONFIG=" + file, "WEIR_ADMIN_TOKEN=env-secret-1", "WEIR_PLAY_TOKEN=env-secret-2"}})
	want := []config.Token{
		{Name: "admin", Secret: "env-secret-1", Rights: []string{"administer"}},
		{Name: "studio", Secret: "file-secret-2", Rights: []string{"publish", "play"}},
		{Name: "play", Secret: "env-secret-2", Rights: []string{"play"}},
	}
	if diff := cmp.Diff(want, l.Config.Access.Tokens); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, origin := range []string{"WEIR_ADMIN_TOKEN", file + ":5:14", "WEIR_PLAY_TOKEN"} {
		if got := l.Origin(fmt.Sprintf("access.tokens[%d]", i)); got != origin {
			t.Errorf("token %d comes from %s, want %s", i, got, origin)
		}
	}
}

// Show is YAML that loads again to the same, but for its secrets.
func TestShow(t *testing.T) {
	in := config.Input{
		Environ: []string{"WEIR_PUBLISH_TOKEN=hunter2-hunter2", "WEIR_ICE_SERVERS=stun:a.example,turn:user:hunter2-hunter2@b.example", "WEIR_STATE_DIR=/a \"b\""},
	}
	l := load(t, in)
	shown := l.Show()
	if strings.Contains(shown, "hunter2") {
		t.Errorf("a secret is shown:\n%s", shown)
	}
	again := load(t, config.Input{File: write(t, strings.ReplaceAll(shown, `token: "***"`, `token: "hunter2-hunter2"`))}).Config
	want := l.Config
	want.ICE.Servers = []string{"stun:a.example", "turn:***@b.example"}
	if diff := cmp.Diff(want, again); diff != "" {
		t.Errorf("what is shown loads differently:\n%s\n%s", diff, shown)
	}
}

// However a configuration is printed, its tokens are not.
func TestSecretsAreHidden(t *testing.T) {
	token := config.Token{Name: "a", Secret: "hunter2-hunter2", Rights: []string{"play"}}
	encoded, err := json.Marshal(token)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	log := slog.New(slog.NewJSONHandler(io.MultiWriter(&logged), nil))
	log.Info("token", "source", token, "reason", token.Secret)
	for _, s := range []string{string(encoded), logged.String(), fmt.Sprintf("%v %+v %#v %s", token, token, token, token.Secret)} {
		if strings.Contains(s, "hunter2") {
			t.Errorf("printed: %s", s)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]config.Size{"1KiB": 1 << 10, "64 KiB": 64 << 10, "2048B": 2 << 10, "1MiB": 1 << 20} {
		l, err := config.Load(config.Input{Environ: []string{"WEIR_LIMITS_OFFER=" + text}})
		if err != nil || l.Config.Limits.Offer != want {
			t.Errorf("%s: %v %v", text, l, err)
		}
	}
	for size, want := range map[config.Size]string{0: "0B", 1: "1B", 1 << 10: "1KiB", 1025: "1025B", 3 << 20: "3MiB", 1 << 30: "1GiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d is %s, want %s", int64(size), got, want)
		}
	}
}
