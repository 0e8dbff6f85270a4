package file_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp/codecs"

	"weir/internal/mediatest"
	"weir/internal/webrtctest"
	"weir/publisher"
	"weir/publisher/file"
	"weir/stream"
)

// A child is FFmpeg, whose end is waited for by Close.
type child struct {
	io.Reader
	cmd    *exec.Cmd
	cancel context.CancelFunc
}

func (c *child) Close() error {
	c.cancel()
	_ = c.cmd.Wait() // it was killed
	return nil
}

// transcode is what the program's FFmpeg does, in few words.
func transcode(ctx context.Context, c file.Conversion) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	loop := "0"
	if c.Loop {
		loop = "-1"
	}
	args := []string{"-hide_banner", "-loglevel", "error", "-nostdin", "-stream_loop", loop, "-ss", fmt.Sprint(c.Start.Seconds()), "-i", c.File.Name()}
	if c.Video {
		args = append(args, mediatest.H264()...)
	} else {
		args = append(args, "-c:v", "copy")
	}
	args = append(args, "-c:a", "libopus", "-f", "matroska", "-cluster_time_limit", "40", "-flush_packets", "1", "pipe:1")
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &child{Reader: out, cmd: cmd, cancel: cancel}, nil
}

// With FFmpeg a file with AAC, or with B-frames, plays on and on, in real time; without, the sound of one is left out and
// said so, and the other is refused with the line that mends it.
func TestConversion(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bframes := []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "30", "-pix_fmt", "yuv420p"}
	mediatest.Clip(t, dir, "aac.mp4", mediatest.Picture("1"), mediatest.Sound("1"), mediatest.H264(), []string{"-c:a", "aac"})
	mediatest.Clip(t, dir, "b.mp4", mediatest.Picture("1"), mediatest.Sound("1"), bframes, []string{"-c:a", "aac"})
	params := func(name string) json.RawMessage {
		return json.RawMessage(`{"file": "` + name + `", "loop": true}`)
	}
	without := file.Kind(file.Options{Dir: dir})
	source, err := without.New("test", params("aac.mp4"))
	if err != nil || len(source.Specs()) != 1 || !strings.Contains(source.Specs()[0].Title, "AAC") {
		t.Fatalf("AAC without FFmpeg: %v, %v", source, err)
	}
	_, err = without.New("test", params("b.mp4"))
	if _, ok := errors.AsType[*publisher.ParamError](err); !ok || !strings.Contains(err.Error(), "ffmpeg -i b.mp4 -c:v libx264 -profile:v baseline -bf 0") {
		t.Errorf("B-frames without FFmpeg: %v", err)
	}
	with := file.Kind(file.Options{Dir: dir, Transcode: transcode})
	for _, name := range []string{"aac.mp4", "b.mp4"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, err := with.New("test", params(name))
			if err != nil || len(source.Specs()) != 2 {
				t.Fatalf("%v, %v", source, err)
			}
			st := newStage(t)
			p := st.publish(source.Specs())
			video, audio := st.watch(p, 0), st.watch(p, 1)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- source.Run(ctx, p) }()
			began := time.Now()
			webrtctest.Until(t, time.Minute, func() string {
				if n, m := len(video.units(false)), len(audio.units(true)); n < 90 || m < 150 {
					return fmt.Sprintf("three rounds of one second: %d pictures, %d sounds", n, m)
				}
				return ""
			})
			if took := time.Since(began); took < 2500*time.Millisecond {
				t.Errorf("three seconds took %v", took)
			}
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// H.265, which no browser here decodes, comes out of its packets as FFmpeg decodes it: every picture.
func TestH265Decodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	all := samples()
	for i, s := range []sample{all[1], all[5], all[9], all[17]} {
		if !soak && i > 0 {
			break
		}
		s.make(t, dir, "1.5")
		var units []got
		var packets [][]byte
		synctest.Test(t, func(t *testing.T) {
			source, err := newSource(dir, map[string]any{"file": s.name})
			if err != nil {
				t.Fatal(err)
			}
			_, seen := newStage(t).play(source)
			time.Sleep(4 * time.Second)
			synctest.Wait()
			units = seen[0].units(false)
			for _, p := range seen[0].units(true) {
				packets = append(packets, p.payload)
			}
		})
		var b bytes.Buffer
		d := &codecs.H265Depacketizer{}
		for _, p := range packets {
			nal, err := d.Unmarshal(p)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(nal)
		}
		path := filepath.Join(dir, "out.h265")
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out := ffmpegCount(t, path)
		if d := out - len(units); d < -2 || d > 2 {
			t.Errorf("%s: %d pictures decoded, %d sent", s.name, out, len(units))
		}
		t.Logf("%s: %d pictures decoded, %d sent", s.name, out, len(units))
	}
}

// Who joins between two key frames has a picture at once, from the stream's cache.
func TestJoinAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("4"), []string{"-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "120", "-pix_fmt", "yuv420p"})
	synctest.Test(t, func(t *testing.T) {
		source, err := newSource(dir, map[string]any{"file": "clip.mp4"})
		if err != nil {
			t.Fatal(err)
		}
		sh, _ := newStage(t).play(source)
		time.Sleep(2505 * time.Millisecond)
		began := time.Now()
		late := sh.watch(sh.publication, 0)
		time.Sleep(time.Second)
		synctest.Wait()
		pictures := late.units(false)
		if len(pictures) < 90 {
			t.Fatalf("%d pictures", len(pictures))
		}
		if d := pictures[0].at.Sub(began); d > 50*time.Millisecond {
			t.Errorf("the first picture comes after %v", d)
		}
	})
}

// The file row of the cycles: what many starts and stops leave behind.
func TestCycles(t *testing.T) {
	dir := t.TempDir()
	mediatest.Clip(t, dir, "clip.mp4", mediatest.Picture("1"), mediatest.Sound("1"), mediatest.H264(), mediatest.Opus())
	registry := stream.New(stream.Options{Workers: 1})
	supervisor, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: registry, Kinds: []publisher.Kind{file.Kind(file.Options{Dir: dir})}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = registry.Run(ctx) })
	running.Go(func() { _ = supervisor.Run(ctx) })
	defer running.Wait()
	defer cancel()
	cycle := func(n int) {
		for range n {
			if _, err := supervisor.Start("clip", publisher.Start{Source: "file", Params: json.RawMessage(`{"file": "clip.mp4"}`)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
			if err := supervisor.Stop(t.Context(), "clip"); err != nil {
				t.Fatal(err)
			}
		}
	}
	cycle(10)
	before := standing(t)
	if soak {
		cycle(150)
	}
	cycle(50)
	after := standing(t)
	t.Logf("before %+v, after %+v", before, after)
	if after.goroutines > before.goroutines || after.files > before.files || after.heap > before.heap+2<<20 {
		t.Errorf("before %+v, after %+v", before, after)
	}
}
