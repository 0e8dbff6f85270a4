//go:build soak && screen && cgo && linux

package device_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"weir/publisher"
	"weir/publisher/device"
	"weir/stream"
)

// A screen of a real X server, white all over, is captured at the rate that is asked for.
func TestScreen(t *testing.T) {
	path, err := exec.LookPath("Xvfb")
	if err != nil {
		t.Skip("Xvfb is not installed")
	}
	server := exec.CommandContext(t.Context(), path, ":97", "-screen", "0", "640x360x24", "-wr", "-noreset")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Wait() })
	if err := waitFor(func() bool { _, err := os.Stat("/tmp/.X11-unix/X97"); return err == nil }); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DISPLAY", ":97")
	kind := device.NewInventory(nil).Screen()
	if choices, err := kind.Choices(t.Context()); err != nil || len(choices) != 1 || choices[0].Value != "screen0" {
		t.Fatalf("%+v, %v", choices, err)
	}
	registry := stream.New(stream.Options{DemandGrace: 100 * time.Millisecond})
	sources, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: registry, Kinds: []publisher.Kind{kind}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	running.Go(func() { _ = registry.Run(ctx) })
	running.Go(func() { _ = sources.Run(ctx) })
	if _, err := sources.Start("room", publisher.Start{
		Source: "screen", Params: json.RawMessage(`{"device": "screen0", "width": 640, "height": 360, "rate": 15}`),
	}); err != nil {
		t.Fatal(err)
	}
	r, v, err := viewer(registry)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := waitFor(func() bool { return r.missing(30) == "" }); err != nil {
		st, _ := sources.Status("room")
		t.Fatalf("%d pictures, %s %s: %v", r.pictures(), st.State, st.Reason, err)
	}
	before := r.pictures()
	time.Sleep(2 * time.Second)
	t.Logf("%d pictures in 2 s", r.pictures()-before)
	if n := r.pictures() - before; n < 20 || n > 32 {
		t.Error("that is not the rate asked for")
	}
	if err := sources.Stop(ctx, "room"); err != nil {
		t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	raw := ffmpeg(t, r.bytes, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p")
	if len(raw) != 640*360*3/2 || raw[640*180+320] < 225 {
		t.Errorf("%d bytes, the middle is %d bright", len(raw), raw[640*180+320])
	}
}
