//go:build e2e

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/internal/webrtctest"
	"weir/publisher/pattern"
)

// A film is the test pattern with its live clock and a tone, encoded by FFmpeg and published by a WHIP client that
// answers no key-frame request: 1280x720 at 30 Hz and 2.5 Mbit/s, in short a quarter of that.
type film struct {
	publisher *webrtctest.Publisher
	pictures  atomic.Int64 // drawn
}

// filmOptions say what is published.
type filmOptions struct {
	codec string // "H264" or "VP8"
	gop   int    // pictures
}

// publishFilm publishes into the stream "live" until the test ends. It returns when pictures are on their way.
func publishFilm(t *testing.T, server *process, o filmOptions) *film {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		lack(t, "ffmpeg")
	}
	publisher, err := webrtctest.Publish(t.Context(), server.base+"/whip/live", webrtctest.PublishOptions{
		Codecs: []string{o.codec}, Fields: []string{"Authorization", "Bearer " + server.tokens(t)["admin"]},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := &film{publisher: publisher}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 4)
	video, audio := f.forward(t, ended, func(p *rtp.Packet) error { return publisher.SendVideo(0, p) }), f.forward(t, ended, publisher.SendAudio)
	if err := publisher.Connected(ctx); err != nil {
		t.Fatal(err)
	}
	encoder := map[string][]string{
		"H264": {"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-sc_threshold", "0", "-threads", "1"},
		"VP8": {
			"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "12", "-lag-in-frames", "0", "-error-resilient", "1",
			"-auto-alt-ref", "0", "-keyint_min", fmt.Sprint(o.gop), "-threads", "1",
		},
	}[o.codec]
	p := filmPattern()
	args := []string{
		"-hide_banner", "-loglevel", "error", "-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0",
		"-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", fmt.Sprintf("%dx%d", p.Width, p.Height), "-framerate", "30", "-i", "pipe:0",
		"-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:samples_per_frame=960", "-map", "0:v",
	}
	args = append(args, encoder...)
	args = append(args, "-g", fmt.Sprint(o.gop), "-b:v", fmt.Sprint(p.BitRate), "-maxrate", fmt.Sprint(p.BitRate), "-bufsize", fmt.Sprint(p.BitRate/2),
		"-f", "rtp", fmt.Sprintf("rtp://%s?pkt_size=1200", video.LocalAddr()),
		"-map", "1:a", "-ac", "2", "-c:a", "libopus", "-b:a", "64k", "-f", "rtp", fmt.Sprintf("rtp://%s", audio.LocalAddr()))
	ffmpeg := exec.CommandContext(ctx, "ffmpeg", args...)
	stderr := new(lockedBuffer)
	ffmpeg.Stderr = stderr
	pictures, err := ffmpeg.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ffmpeg.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { ended <- f.draw(ctx, pictures) }()
	t.Cleanup(func() {
		cancel()
		_ = ffmpeg.Wait() // it is killed
		closed := errors.Join(video.Close(), audio.Close())
		for range 3 {
			closed = errors.Join(closed, <-ended)
		}
		if closed = errors.Join(closed, publisher.Close()); closed != nil {
			t.Errorf("the film: %v\n%s", closed, stderr)
		}
	})
	webrtctest.Until(t, patience, func() string {
		if f.pictures.Load() < 15 {
			return "pictures; " + stderr.String()
		}
		return ""
	})
	return f
}

// filmPattern is what it shows.
func filmPattern() pattern.Params {
	p := pattern.Default("live")
	if p.BitRate = 2_500_000; os.Getenv("E2E_SOAK") == "" {
		p.Width, p.Height, p.BitRate = 640, 360, 625_000
	}
	return p
}

// forward hands on the RTP packets that come to a port of this machine, until it is closed.
func (f *film) forward(t *testing.T, ended chan<- error, send func(*rtp.Packet) error) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadBuffer(1 << 20); err != nil {
		t.Fatal(err)
	}
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, err := conn.Read(buffer)
			if errors.Is(err, net.ErrClosed) {
				ended <- nil
				return
			}
			packet := &rtp.Packet{}
			if err == nil {
				err = packet.Unmarshal(append([]byte(nil), buffer[:n]...))
			}
			if err == nil {
				err = send(packet)
			}
			if err != nil && !errors.Is(err, io.ErrClosedPipe) {
				ended <- fmt.Errorf("forward RTP: %w", err)
				return
			}
		}
	}()
	return conn
}

// draw writes a picture whenever one is due.
func (f *film) draw(ctx context.Context, into io.Writer) error {
	painter, err := pattern.NewPainter(filmPattern())
	if err != nil {
		return fmt.Errorf("make the painter: %w", err)
	}
	begin := time.Now()
	for n := int64(0); ; n++ {
		due := begin.Add(time.Duration(n) * time.Second / 30)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if err := writePicture(into, painter.Draw(n, due)); err != nil && ctx.Err() == nil { // else FFmpeg is killed
			return fmt.Errorf("hand picture %d to FFmpeg: %w", n, err)
		}
		f.pictures.Store(n)
	}
}

func writePicture(into io.Writer, picture *image.YCbCr) error {
	for _, plane := range [][]byte{picture.Y, picture.Cb, picture.Cr} {
		if _, err := into.Write(plane); err != nil {
			return fmt.Errorf("write a plane: %w", err)
		}
	}
	return nil
}
