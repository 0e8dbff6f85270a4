//go:build e2e

package netns_test

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ask asks a gateway's API on its own host, with the right to administer.
func ask(t *testing.T, host, method, path, body string) string {
	t.Helper()
	c := on(t.Context(), host, "curl", "-sS", "-X", method, "-H", "Authorization: Bearer "+token,
		"-H", "Content-Type: application/json", "-d", body, "http://192.0.2.1:8080"+path)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, out)
	}
	return string(out)
}

// background runs GStreamer until the test ends or kill is called.
func background(t *testing.T, host, program, line string) (kill func(), said *logBuffer) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := on(ctx, host, program, "120", line)
	said = &logBuffer{}
	c.Stdout, c.Stderr = said, said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ip, and what it has become
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	kill = func() {
		if !ended {
			ended = true
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			_ = c.Wait()
			cancel()
		}
	}
	t.Cleanup(kill)
	return kill, said
}

// listening waits until something listens on a port of a host.
func listening(t *testing.T, host, port string, said *logBuffer) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if exec.Command("ip", "netns", "exec", host, "curl", "-s", "-o", "/dev/null", "http://192.0.2.2:"+port+"/").Run() == nil {
			return
		}
	}
	t.Fatalf("nothing listens on port %s: %s", port, said)
}

// A stream is played from GStreamer's whepserversink, which is killed and begins
// anew: the viewer stays.
func TestPullFromWhepserversink(t *testing.T) {
	pipeline := clients(t)
	t.Setenv("WEIR_RELAY_HOSTS", "192.0.2.2:9090")
	n := newNetwork(t, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	g := startGateway(t, n.server, "-addr", "192.0.2.1:8080")
	const line = "whepserversink name=out video-caps=video/x-vp8 signaller::host-addr=http://192.0.2.2:9090 " +
		"videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! queue ! out. " +
		"audiotestsrc is-live=true ! queue ! out."
	kill, origin := background(t, n.player, pipeline, line)
	listening(t, n.player, "9090", origin)
	started := ask(t, n.server, "POST", "/api/v1/streams/copy", `{"source":"whep","params":{"url":"http://192.0.2.2:9090/whep/endpoint"}}`)
	if !strings.Contains(started, `"copy"`) {
		t.Fatal(started)
	}
	g.logged(t, `msg="session connected"`, "stream=copy")
	viewer := peer{URL: "http://192.0.2.1:8080/whep/copy", Viewers: 1}.run(t, n.player)
	viewer.said("connected")
	time.Sleep(6 * time.Second)
	kill()
	_, origin = background(t, n.player, pipeline, line)
	listening(t, n.player, "9090", origin)
	back := time.Now()
	time.Sleep(8 * time.Second)
	got := viewer.end().Viewers[0]
	before, after, first := 0, 0, time.Time{}
	for _, f := range got.Frames {
		switch at := f.At; {
		case at.Before(back):
			before++
		default:
			if after == 0 {
				first = at
			}
			after++
		}
	}
	t.Logf("%d pictures before, %d after, the first %v after it listened; %d packets of sound; codec %s",
		before, after, first.Sub(back).Round(time.Millisecond), got.Audio.Packets, got.Video.Codec)
	if before < 100 || after < 100 || got.Audio.Packets < 300 || got.Video.Codec != "VP8" || first.Sub(back) > 3*time.Second {
		t.Errorf("video %+v, audio %+v\n%s\n%s", got.Video, got.Audio, g.log, origin)
	}
}

// A stream is pushed to GStreamer's whipserversrc, which decodes it.
func TestPushToWhipserversrc(t *testing.T) {
	pipeline := clients(t)
	t.Setenv("WEIR_RELAY_HOSTS", "192.0.2.2:9091")
	n := newNetwork(t, link{server: []string{"192.0.2.1/24"}, player: []string{"192.0.2.2/24"}})
	g := startGateway(t, n.server, "-addr", "192.0.2.1:8080")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	const line = "whipserversrc name=in signaller::host-addr=http://192.0.2.2:9091 " +
		"in. ! decodebin ! fakesink name=first sync=false in. ! decodebin ! fakesink name=second sync=false"
	c := on(ctx, n.player, pipeline, "20", line)
	var stdout bytes.Buffer
	said := &logBuffer{}
	c.Stdout, c.Stderr = &stdout, said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	listening(t, n.player, "9091", said)
	started := ask(t, n.server, "POST", "/api/v1/streams/test/pushes", `{"url":"http://192.0.2.2:9091/whip/endpoint"}`)
	if !strings.Contains(started, `"starting"`) {
		t.Fatal(started)
	}
	time.Sleep(12 * time.Second)
	how := ask(t, n.server, "GET", "/api/v1/streams/test/pushes", "")
	err := c.Wait()
	t.Logf("push: %s; GStreamer: %v, %s", how, err, strings.ReplaceAll(strings.TrimSpace(stdout.String()), "\n", ", "))
	if !strings.Contains(how, `"live"`) {
		t.Errorf("the push does not live: %s\n%s", how, g.log)
	}
	for _, name := range []string{"first", "second"} {
		if got := handed(stdout.String(), name); got < 150 {
			t.Errorf("%d buffers decoded at %s\n%s", got, name, said)
		}
	}
}
