package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

// A push of the configuration runs after the start, and again after the next.
func TestDeclaredPushRuns(t *testing.T) {
	const token = "weir_of-the-server-that-is-pushed-to"
	target := startWith(t, newOutput(), []string{"WEIR_STATE_DIR=" + t.TempDir(), "WEIR_PUBLISH_TOKEN=" + token})
	path := configured(t, `relay: {hosts: ["127.0.0.1:*"]}
default_stream: false
streams:
  house: {source: clip, pushes: [{url: "`+target.url+`/whip/copy", token: "`+token+`"}]}
  guest: {pushes: [{url: "`+target.url+`/whip/other"}]}
`)
	dir := t.TempDir()
	for range 2 {
		p := startWith(t, newOutput(), []string{"WEIR_STATE_DIR=" + dir, "WEIR_ADMIN_TOKEN=" + adminToken}, "-config", path)
		began := time.Now()
		webrtctest.Until(t, soon, func() string {
			r := newRequest(t, "GET", p.url+"/api/v1/streams/house/pushes", "")
			r.Header.Set("Authorization", "Bearer "+adminToken)
			if _, body := exchange(t, r); !strings.Contains(body, `"state":"live"`) {
				return "a push that is live: " + body
			}
			return ""
		})
		since(t, target.watchStream(t, "copy", webrtctest.Options{}), began, 10)
		if err := p.end(); err != nil {
			t.Error(err)
		}
		if strings.Contains(p.stderr.String()+p.stdout.String(), token) {
			t.Error("the token is in the log")
		}
	}
}

// Mistakes of pushes are told with their places, by check and at the start, and no secret with them.
func TestBadDeclaredPushes(t *testing.T) {
	path := configured(t, `relay: {hosts: ["example.org"]}
streams:
  house:
    source: clip
    pushes:
      - {url: "https://example.org/whip/x", token: "hunter2 "}
      - {url: "https://hunter2.example.net/whip/x"}
      - {url: "https://example.org/whip/y"}
      - {url: "https://example.org/whip/y"}
  api: {pushes: [{url: "https://example.org/whip/x"}]}
`)
	want := []string{
		":6:52: streams.house.pushes[0].token: the token is too long, or holds what is no visible ASCII character",
		":7:15: streams.house.pushes[1].url: is not allowed: relay.hosts does not list it",
		":9:15: streams.house.pushes[3].url: the stream is pushed there already",
		":10:3: streams.api: no stream can have this name: ",
	}
	for _, args := range [][]string{{"config", "check", "-config", path}, {"-addr", "127.0.0.1:0", "-config", path}} {
		var out bytes.Buffer
		err := run(t.Context(), args, stateIn(t.TempDir()), &out, &out)
		if err == nil {
			t.Fatalf("%v: no mistake", args)
		}
		got := strings.Split(err.Error(), "\n")
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], path+want[i]) {
				t.Fatalf("%v\n%v\nwant\n%s", args[0], err, strings.Join(want, "\n"))
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a secret is repeated: %v", err)
		}
	}
}
