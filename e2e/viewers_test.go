//go:build e2e

package e2e_test

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/internal/webrtctest"
)

// watch plays the stream "test" and waits for media.
func watch(t *testing.T, server *process, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p, err := webrtctest.Play(ctx, server.base+"/whep/test", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := p.WaitMedia(ctx, 20); err != nil {
		t.Fatalf("%v\n%s", err, server.log)
	}
	return p
}

// On SIGTERM with ten viewers every one of them sees the end within a second,
// and the process is gone within three, with status 0.
func TestSIGTERM(t *testing.T) { webrtctest.Tries(t, endsInTime) }

func endsInTime(t *webrtctest.Attempt) {
	server := start(t.T, build(t.T, "1"), "127.0.0.1:0")
	var players []*webrtctest.Player
	for range 10 {
		players = append(players, watch(t.T, server, webrtctest.Options{}))
	}
	began := time.Now()
	if err := server.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, p := range players {
		if err := webrtctest.Wait(ctx, func() string {
			if p.Saw(webrtc.PeerConnectionStateClosed) {
				return ""
			}
			return fmt.Sprintf("the end of player %d, which is %s", i, p.PeerConnection().ConnectionState())
		}); err != nil {
			t.Fatal(err)
		}
	}
	told := time.Since(began)
	select {
	case <-server.done:
	case <-ctx.Done():
		t.Fatalf("weir does not end\n%s", server.log)
	}
	ended := time.Since(began)
	if told > time.Second || ended > 3*time.Second {
		t.Errorf("all told in %v, ended in %v; want 1 and 3 s", told, ended)
	}
	if code := server.cmd.ProcessState.ExitCode(); code != 0 {
		t.T.Errorf("exit code %d\n%s", code, server.log)
	}
	t.Logf("all told in %v, ended in %v", told.Round(time.Millisecond), ended.Round(time.Millisecond))
}

// Viewers that ask for everything again, for key frames without end, that lose
// every fifth packet or that vanish cost another viewer nothing.
func TestBadViewersHarmNobody(t *testing.T) {
	server := start(t, build(t, "1"), "127.0.0.1:0", withAdmin)
	good := watch(t, server, webrtctest.Options{})
	watch(t, server, webrtctest.Options{}).FloodNACK(true)
	watch(t, server, webrtctest.Options{NoRTX: true}).FloodNACK(true)
	watch(t, server, webrtctest.Options{}).FloodPLI(true)
	watch(t, server, webrtctest.Options{}).Lose(5)
	watch(t, server, webrtctest.Options{}).Vanish()
	long := 3 * time.Second
	if os.Getenv("E2E_SOAK") != "" {
		long = 10 * time.Second
	}
	webrtctest.Tries(t, func(t *webrtctest.Attempt) {
		before, leftOut := good.Video(), renditions(t.T, server)["H264"].Skipped
		sound := good.Audio().Missing
		<-time.After(long)
		after := good.Video()
		leftOut = renditions(t.T, server)["H264"].Skipped - leftOut
		if after.Missing != before.Missing || after.Recovered != before.Recovered || good.Audio().Missing != sound {
			t.Errorf("%d packets are missing, %d had to be sent again, of sound %d are missing",
				after.Missing-before.Missing, after.Recovered-before.Recovered, good.Audio().Missing-sound)
		}
		if n := after.Frames - before.Frames; float64(n+int(leftOut)) < 29*long.Seconds() {
			t.Errorf("%d pictures in %v, %d were left out by the source", n, long, leftOut)
		}
		if n := after.KeyFrames - before.KeyFrames; float64(n) > long.Seconds()+2 {
			t.Errorf("%d key frames in %v: some viewer makes the source send them to all", n, long)
		}
		t.Logf("%d pictures and %d key frames in %v, %d pictures were left out", after.Frames-before.Frames, after.KeyFrames-before.KeyFrames, long, leftOut)
	})
}
