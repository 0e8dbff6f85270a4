//go:build e2e && !race

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const pipeline = "../../e2e/gstreamer/target/release/pipeline"

// So they do with GStreamer, which publishes from a host of its own: its ICE
// library does not use loopback.
func TestSoundAndPictureOfGStreamer(t *testing.T) {
	if os.Getenv("E2E_SOAK") == "" {
		t.Skip("only with E2E_SOAK=1")
	}
	build := exec.Command("cargo", "build", "--locked", "--release", "--quiet", "--features", "clients")
	build.Dir = "../../e2e/gstreamer"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the pipeline: %v: %s", err, out)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for element, codec := range map[string]string{"whipsink": "H264", "whipclientsink": "VP8"} {
		if player := os.Getenv(playerVariable); player != "" {
			t.Run(element, func(t *testing.T) { gstreamerPublishes(t, player, element, codec, string(readme)) })
		}
	}
	if os.Getenv(playerVariable) != "" {
		return
	}
	const server, player = "weir-sync-s", "weir-sync-p"
	cable(t, server, player)
	self := exec.Command("ip", "netns", "exec", server, os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	self.Env = append(os.Environ(), playerVariable+"="+player)
	out, err := self.CombinedOutput()
	t.Logf("on a host of its own: %v\n%s", err, out)
	if err != nil {
		t.Fail()
	}
}

// playerVariable makes the test one that runs on the server's host already: its
// value is the name of the other.
const playerVariable = "E2E_SYNC_PLAYER"

func gstreamerPublishes(t *testing.T, player, element, codec, readme string) {
	t.Helper()
	s := startServerAt(t, "192.0.2.1:0")
	_, line, found := strings.Cut(readme, "\ngst-launch-1.0 "+element+" ")
	line, _, _ = strings.Cut(strings.ReplaceAll(line, "\\\n", ""), "\n")
	if !found {
		t.Fatalf("README.md has no line for %s", element)
	}
	line = strings.NewReplacer("HOST:8080/whip/lobby", s.listener.Addr().String()+"/whip/live", "TOKEN", crowdToken).Replace(line)
	s.publishBy(t, "ip", "netns", "exec", player, pipeline, "90", element+" "+line)
	s.judgeSkews(t, codec)
}

// cable makes two hosts, 192.0.2.1 and 192.0.2.2, with a cable between.
func cable(t *testing.T, server, player string) {
	t.Helper()
	run := func(args ...string) string {
		out, err := exec.Command("ip", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	for _, host := range []string{server, player} {
		run("netns", "add", host)
		t.Cleanup(func() { run("netns", "del", host) })
		run("-n", host, "link", "set", "lo", "up")
	}
	run("-n", server, "link", "add", "w0", "type", "veth", "peer", "name", "w0", "netns", player)
	run("-n", server, "addr", "add", "192.0.2.1/24", "dev", "w0")
	run("-n", player, "addr", "add", "192.0.2.2/24", "dev", "w0")
	for _, host := range []string{server, player} {
		run("-n", host, "link", "set", "w0", "up")
	}
	// libnice sees no address before the kernel calls the device running.
	for deadline := time.Now().Add(5 * time.Second); !strings.Contains(run("-n", player, "-brief", "link", "show", "w0"), "UP "); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the device is not running")
		}
	}
}
