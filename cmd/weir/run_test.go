package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"weir/internal/webrtctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is what the program writes; it may be read while it runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}

	terminal bool // static
}

// Terminal is what the program asks of a writer that is no file.
func (o *output) Terminal() bool { return o.terminal }

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program is one run of the program in this process.
type program struct {
	stdout, stderr *output
	url            string // of HTTP, no slash at the end
	end            func() error
}

// start runs the program with these arguments on a port of its own, and returns
// when it has printed its addresses.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	return startWith(t, newOutput(), stateIn(t.TempDir()), args...)
}

// stateIn is an environment with nothing but this state directory.
func stateIn(dir string) []string { return []string{"WEIR_STATE_DIR=" + dir} }

// startWith is start with a standard output and an environment.
func startWith(t *testing.T, stdout *output, env []string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{stdout: stdout, stderr: newOutput()}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), env, p.stdout, p.stderr)
	}()
	p.end = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := p.end(); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	for {
		if m := regexp.MustCompile(`http://[0-9.:]+`).FindString(p.stdout.String()); m != "" {
			p.url = m
			return p
		}
		select {
		case <-p.stdout.more:
		case err := <-ended:
			ended <- err
			t.Fatalf("ended before it listened: %v\n%s", err, p.stderr)
		}
	}
}

func (p *program) play(t *testing.T, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	player, err := webrtctest.Play(t.Context(), p.url+"/whep/test?token=query-hunter2", o)
	if err != nil {
		t.Fatalf("play: %v", err)
	}
	t.Cleanup(func() {
		if err := player.Close(); err != nil {
			t.Errorf("close player: %v", err)
		}
	})
	return player
}

func (p *program) watch(t *testing.T, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	player := p.play(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := player.WaitMedia(ctx, 20); err != nil {
		t.Fatalf("no media: %v\n%s", err, p.stderr)
	}
	return player
}

// Ended by the signal's context with ten viewers, every player sees the close
// within a second, and nothing is left of the program.
func TestEndsWithViewers(t *testing.T) {
	p := start(t)
	var players []*webrtctest.Player
	for range 10 {
		players = append(players, p.watch(t, webrtctest.Options{}))
	}
	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- p.end() }()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for i, player := range players {
		err := webrtctest.Wait(ctx, func() string {
			if player.Saw(webrtc.PeerConnectionStateClosed, webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateDisconnected) {
				return ""
			}
			return fmt.Sprintf("player %d is %s", i, player.PeerConnection().ConnectionState())
		})
		if err != nil {
			t.Error(err)
		}
	}
	webrtctest.InTime(t, "all players know", time.Since(began), time.Second)
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
	webrtctest.InTime(t, "the end", time.Since(began), 3*time.Second)
}

// What opens a session, or belongs to its user, is in no log at any level.
func TestLogsHoldNoSecrets(t *testing.T) {
	p := start(t, "-log-level", "debug")
	token := webrtctest.Options{Fields: []string{"Authorization", "Bearer token-hunter2", "Referer", "http://example.test/?referer-hunter2"}}
	trickle := token
	trickle.Trickle = true
	secrets := []string{"hunter2"}
	for _, o := range []webrtctest.Options{token, trickle} {
		player := p.watch(t, o)
		credentials := player.Answer() + player.Local()
		reply, err := player.Restart(t.Context())
		if err != nil || reply.Status != 200 {
			t.Fatalf("restart: %v %+v", err, reply)
		}
		credentials += reply.Body + player.PeerConnection().LocalDescription().SDP
		if err := player.WaitMedia(t.Context(), 20); err != nil {
			t.Fatalf("no media after the restart: %v", err)
		}
		for _, m := range regexp.MustCompile(`a=ice-(?:pwd|ufrag):(\S+)`).FindAllStringSubmatch(credentials, -1) {
			secrets = append(secrets, m[1])
		}
		secrets = append(secrets, player.Session()[strings.LastIndex(player.Session(), "/")+1:])
		if reply, err := player.Delete(t.Context()); err != nil || reply.Status != 200 {
			t.Errorf("delete: %v %+v", err, reply)
		}
		if reply, err := player.Delete(t.Context()); err != nil || reply.Status != 404 {
			t.Errorf("second delete: %v %+v", err, reply)
		}
	}
	if err := p.end(); err != nil {
		t.Errorf("run: %v", err)
	}
	log := p.stderr.String()
	if !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "session ended") {
		t.Errorf("the log holds too little to prove anything:\n%s", log)
	}
	if len(secrets) < 10 {
		t.Errorf("only %d secrets were seen", len(secrets))
	}
	for _, secret := range secrets {
		for line := range strings.Lines(log) {
			if strings.Contains(line, secret) {
				t.Errorf("%q is in the log: %s", secret, line)
			}
		}
	}
}

func TestNoDefaultStream(t *testing.T) {
	p := start(t, "-no-default-stream")
	var refused *webrtctest.Refused
	_, err := webrtctest.Play(t.Context(), p.url+"/whep/test", webrtctest.Options{})
	if !errors.As(err, &refused) || refused.Status != 409 || refused.Header.Get("Retry-After") == "" {
		t.Errorf("play: %v", err)
	}
	if strings.Contains(p.stdout.String(), "/watch/") {
		t.Errorf("prints a page with nothing to see:\n%s", p.stdout)
	}
}

// What cannot be is said in one line.
func TestMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free, err := listen(t.Context(), "127.0.0.1:0") // for TCP and for UDP
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", ":"+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close(); _ = udp.Close() })
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		usage bool
		want  string
	}{
		{[]string{"-addr", taken.Addr().String()}, false, "taken by another program"},
		{[]string{"-addr", "127.0.0.1:" + port}, false, "udp port"},
		{[]string{"-addr", "192.0.2.77:0"}, false, "no address"},
		{[]string{"-addr", "8080"}, true, "host:port"},
		{[]string{"-addr", "127.0.0.1:99999"}, true, "no port number"},
		{[]string{"-log-level", "loud"}, true, "log-level"},
		{[]string{"-ice-server", "turn:secret-hunter2@"}, true, "ice-server"},
		{[]string{"-no-such-flag"}, true, "no-such-flag"},
		{[]string{"something"}, true, "something"},
	} {
		err := run(t.Context(), c.args, stateIn(t.TempDir()), newOutput(), newOutput())
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want one line with %q", c.args, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v: %v repeats a credential", c.args, err)
		}
		if errors.Is(err, errUsage) != c.usage {
			t.Errorf("%v: %v, is a usage error: %t", c.args, err, c.usage)
		}
	}
}

// The help names every flag, and the version what is built in.
func TestHelpAndVersion(t *testing.T) {
	out := newOutput()
	if err := run(t.Context(), []string{"-h"}, nil, out, newOutput()); err != nil {
		t.Errorf("help: %v", err)
	}
	for _, flag := range []string{"-addr", "-config", "-log-level", "-no-default-stream", "-ice-server", "-mdns", "-version"} {
		if !strings.Contains(out.String(), "  "+flag+" ") {
			t.Errorf("help is silent on %s", flag)
		}
	}
	out = newOutput()
	if err := run(t.Context(), []string{"-version"}, nil, out, newOutput()); err != nil || !strings.HasPrefix(out.String(), "weir ") {
		t.Errorf("version: %v %q", err, out)
	}
}

// What was let pass is counted by name and told at the end.
func TestLenienciesAreCounted(t *testing.T) {
	p := start(t)
	player := p.watch(t, webrtctest.Options{})
	fragment := webrtctest.Fragment(player.Local())
	for range 2 {
		if reply, err := player.Patch(t.Context(), fragment, `"*"`); err != nil || reply.Status != 204 {
			t.Fatalf("patch: %v %+v", err, reply)
		}
	}
	if err := p.end(); err != nil {
		t.Errorf("run: %v", err)
	}
	if !regexp.MustCompile(`msg=leniencies reason=\S+ count=2\n`).MatchString(p.stderr.String()) {
		t.Errorf("the log does not count what was let pass:\n%s", p.stderr)
	}
}

// The servers that are given are told to players, each in a field of its own.
func TestICEServers(t *testing.T) {
	p := startWith(t, newOutput(), append(stateIn(t.TempDir()), "WEIR_PUBLISH_TOKEN=hunter2-hunter2"), "-ice-server", "stun:stun.example.test:3478", "-ice-server", "turn:user:word@turn.example.test:3478?transport=udp")
	want := []string{
		`<stun:stun.example.test:3478>; rel="ice-server"`,
		`<turn:turn.example.test:3478?transport=udp>; rel="ice-server"; username="user"; credential="word"; credential-type="password"`,
	}
	got := p.play(t, webrtctest.Options{}).Created().Header.Values("Link")
	if !slices.Equal(got, want) {
		t.Errorf("Link %q, want %q", got, want)
	}
	client := webrtctest.NewClient()
	defer client.Close()
	for _, c := range []struct {
		path  string
		field []string
		want  []string
	}{
		{"/whep/test", nil, want}, // which anybody may play
		{"/whip/test", nil, want[:1]},
		{"/whip", nil, want[:1]},
		{"/whip/test", []string{"Authorization", "Bearer wrong"}, want[:1]},
		{"/whip/test", []string{"Authorization", "Bearer hunter2-hunter2"}, want},
	} {
		reply, err := client.Do(t.Context(), "OPTIONS", p.url+c.path, "", c.field...)
		if err != nil {
			t.Fatal(err)
		}
		if got := reply.Header.Values("Link"); !slices.Equal(got, c.want) {
			t.Errorf("OPTIONS %s: Link %q, want %q", c.path, got, c.want)
		}
	}
}
