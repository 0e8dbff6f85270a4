package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
	"weir/publisher/device"
)

// configured is a file of the configuration.
func configured(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What only a kind of source knows is told with its place too, by check and at the start, and no secret with it.
func TestBadDeclaredStreams(t *testing.T) {
	if err := device.Missing(); err != nil { // what cannot run here is not looked into
		t.Skip(err)
	}
	path := configured(t, `streams:
  lobby: {source: patern}
  hall:
    source: pattern
    params: {width: 641, height: hunter2}
    restart: {delay: 1m}
  api: {source: clip}
`)
	want := path + `:2:19: streams.lobby.source: there is no such kind of source; there are pattern, clip,
` + path + `:5:21: streams.hall.params.width: must be an even whole number from 160 to 4096 px
` + path + `:5:34: streams.hall.params.height: must be an even whole number from 90 to 4096 px
` + path + `:6:14: streams.hall.restart.longest: must be a time from that of delay to 1h0m0s
` + path + `:7:3: streams.api: no stream can have this name: it is that of an address`
	for _, args := range [][]string{{"config", "check", "-config", path}, {"-addr", "127.0.0.1:0", "-config", path}} {
		var out bytes.Buffer
		err := run(t.Context(), args, stateIn(t.TempDir()), &out, &out)
		if err == nil {
			t.Fatalf("%v: no mistake", args)
		}
		got := strings.Split(err.Error(), "\n")
		for i, line := range strings.Split(want, "\n") {
			if i >= len(got) || !strings.HasPrefix(got[i], line) {
				t.Errorf("%v: want %s, got\n%v", args[0], line, err)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is repeated: %v", err)
		}
	}
}

// Nothing hides another: each mistake of each stream is named, with its place, in one run of check.
func TestCheckNamesAll(t *testing.T) {
	if err := device.Missing(); err != nil { // what cannot run here is not looked into
		t.Skip(err)
	}
	path := configured(t, `media: {dir: "`+t.TempDir()+`"}
ffmpeg: {inputs: ["rtsp:/camera.lan"]}
relay: {hosts: ["example.org"]}
streams:
  xy: {source: patern, params: {width: 64}, foo: 3}
  z: {source: pattern, params: {width: 64}}
  "x y": {source: pattern, params: {height: [1], width: 64}, restart: {delay: 5}}
  m: {source: file, params: {file: "../x"}, stop_after: 1ms}
  w: {source: whep, params: {url: "http://hunter2.example.net/x"}}
  f: {source: ffmpeg, params: {input: "file:///etc/passwd"}}
  api: {source: pattern, params: {width: 64}}
log: {level: loud}
`)
	want := []string{
		`:2:19: ffmpeg.inputs[0]: must be SCHEME://HOST[:PORT], `,
		`:5:16: streams.xy.source: there is no such kind of source; `,
		`:5:45: streams.xy: there is no such setting; here may stand source, `,
		`:6:40: streams.z.params.width: must be an even whole number `,
		`:7:3: streams: "x y" is no name that a stream can have: want 1 to 64 letters, `,
		`:7:45: streams.x y.params.height: want a text, a number, true or false, got a list`,
		`:7:57: streams.x y.params.width: must be an even whole number `,
		`:7:79: streams.x y.restart.delay: want a time with its unit, `,
		`:8:36: streams.m.params.file: must be the path of a file in the media folder`,
		`:9:35: streams.w.params.url: is not allowed: relay.hosts does not list it`,
		`:10:39: streams.f.params.input: must be no file: `,
		`:11:3: streams.api: no stream can have this name: `,
		`:11:42: streams.api.params.width: must be an even whole number `,
		`:12:14: log.level: want debug, `,
	}
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, "streams.f.") })
	}
	var out bytes.Buffer
	err := run(t.Context(), []string{"config", "check", "-config", path}, stateIn(t.TempDir()), &out, &out)
	if err == nil {
		t.Fatal("no mistake")
	}
	got := strings.Split(err.Error(), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], path+want[i]) {
			t.Fatalf("line %d\n%v\nwant\n%s", i+1, err, strings.Join(want, "\n"))
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a value is repeated: %v", err)
	}
}

// A stream of the configuration that is named like a token is a mistake, which does not say the name.
func TestDeclaredLikeAToken(t *testing.T) {
	path := configured(t, `access:
  tokens:
    - {name: studio, token: hunter2-of-the-studio, rights: [publish]}
streams:
  hunter2-of-the-studio: {source: patern}
  weir_HUNTER2: {source: clip}
`)
	for _, args := range [][]string{{"config", "check", "-config", path}, {"-addr", "127.0.0.1:0", "-config", path}} {
		err := run(t.Context(), args, stateIn(t.TempDir()), newOutput(), newOutput())
		if err == nil {
			t.Fatalf("%v: no mistake", args)
		}
		for _, want := range []string{path + ":5:3: streams: no stream can have the name here", path + ":6:3: streams: no stream can have the name here"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: want %s, got\n%v", args[0], want, err)
			}
		}
		if strings.Contains(strings.ToLower(err.Error()), "hunter2") {
			t.Errorf("a secret is repeated: %v", err)
		}
	}
}

// A media folder that is not there ends a start, so it is a mistake too, and hides no other.
func TestCheckMediaFolder(t *testing.T) {
	path := configured(t, "media: {dir: "+t.TempDir()+"/none}\nstreams:\n  xy: {source: patern}\n")
	err := run(t.Context(), []string{"config", "check", "-config", path}, nil, newOutput(), newOutput())
	if err == nil || !strings.HasPrefix(err.Error(), path+":1:14: media.dir: ") || !strings.Contains(err.Error(), ":3:16: streams.xy.source: ") {
		t.Error(err)
	}
}

// Streams of the configuration are there at each start; one on demand is idle, and its first player is answered at once
// and starts it. One that cannot run is no reason for the others not to.
func TestDeclaredStreamsRun(t *testing.T) {
	path := configured(t, `streams:
  test: {source: clip}
  rare: {source: clip, on_demand: true, stop_after: 1s}
  house: {source: clip, private: true, restart: {attempts: 7}}
  gone: {source: ffmpeg, params: {input: "rtsp://198.51.100.1/x"}}
`)
	dir := t.TempDir()
	for range 2 {
		p := startWith(t, newOutput(), []string{"WEIR_STATE_DIR=" + dir, "WEIR_ADMIN_TOKEN=" + adminToken}, "-config", path)
		for name, want := range map[string]struct{ kind, state string }{
			"test": {"clip", "live"}, "rare": {"clip", "idle"}, "house": {"clip", "live"},
		} {
			if kind, state := p.standing(t, name); kind != want.kind || state != want.state {
				t.Errorf("%s: %s is %s, want %+v", name, kind, state, want)
			}
		}
		if status, _ := exchange(t, newRequest(t, http.MethodGet, p.url+"/api/v1/streams", "")); status != http.StatusOK {
			t.Errorf("list: %d", status)
		}
		player := p.watchStream(t, "rare", webrtctest.Options{})
		since(t, player, time.Time{}, 10)
		if _, state := p.standing(t, "rare"); state != "live" {
			t.Errorf("watched, and %s", state)
		}
		if err := p.end(); err != nil {
			t.Error(err)
		}
	}
}

// standing is the kind and the state of a stream's source.
func (p *program) standing(t *testing.T, name string) (kind, state string) {
	t.Helper()
	r := newRequest(t, http.MethodGet, p.url+"/api/v1/streams/"+name, "")
	r.Header.Set("Authorization", "Bearer "+adminToken)
	_, body := exchange(t, r)
	var answer struct{ Source struct{ Kind, State string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return answer.Source.Kind, answer.Source.State
}
