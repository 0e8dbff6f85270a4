package exec

import (
	"context"
	"fmt"
	"net"
	osexec "os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// sends has a second FFmpeg send a film to an address, over and over, until the test ends: one that listens does so once. It
// sends eight times as fast as is shown, since FFmpeg looks at five seconds of MPEG-TS before it begins.
func sends(t *testing.T, path string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() {
		for ctx.Err() == nil {
			all := append([]string{"-loglevel", "error", "-nostdin", "-readrate", "8", "-stream_loop", "-1", "-i", path, "-c", "copy"}, args...)
			_ = osexec.CommandContext(ctx, "ffmpeg", all...).Run() // it fails whenever a child leaves it
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond): // it does not spin
			}
		}
	})
	t.Cleanup(func() { cancel(); sending.Wait() })
}

// free is a port of loopback that nobody has at the moment.
func free(t *testing.T, network string) int {
	t.Helper()
	if network == "tcp" {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		return l.Addr().(*net.TCPAddr).Port //nolint:errcheck // it is one of TCP
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr).Port //nolint:errcheck // it is one of UDP
}

// tries starts a source until each track has had ten units: where nobody listens at the moment it ends at once.
func tries(t *testing.T, f *FFmpeg, params string) (*stage, *slices264) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	s := plays(t, f, params)
	pictures := watches(t, s)
	for deadline := time.After(time.Minute); ; {
		select {
		case err := <-s.ended:
			t.Log(err)
			s = plays(t, f, params)
			pictures = watches(t, s)
			<-tick.C
		case <-tick.C:
		case <-deadline:
			t.Fatalf("too few units: %+v", s.source.Stats())
		}
		if all := s.source.Stats(); len(all) == 2 && all[0].Units >= 10 && all[1].Units >= 10 {
			return s, pictures
		}
	}
}

// What a sender of each protocol sends plays; H.264 without B-frames is copied, AAC is not.
func TestSenders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	film(t, filepath.Join(dir, "film.mp4"), "-c:v", "libx264", "-bf", "0", "-g", "12", "-c:a", "aac")
	for name, test := range map[string]struct {
		network string
		to      []string // of the sender
		input   string
	}{
		"rtmp": {"tcp", []string{"-f", "flv", "-listen", "1", "rtmp://127.0.0.1:%d/live/x"}, "rtmp://127.0.0.1:%d/live/x"},
		"srt":  {"udp", []string{"-f", "mpegts", "srt://127.0.0.1:%d?mode=listener"}, "srt://127.0.0.1:%d?mode=caller"},
		"udp":  {"udp", []string{"-f", "mpegts", "udp://127.0.0.1:%d?pkt_size=1316"}, "udp://127.0.0.1:%d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := installed(t, name+"://127.0.0.1:*")
			port := free(t, test.network)
			last := len(test.to) - 1
			to := append(append([]string{}, test.to[:last]...), fmt.Sprintf(test.to[last], port))
			sends(t, filepath.Join(dir, "film.mp4"), to...)
			s, pictures := tries(t, f, `{"input":"`+fmt.Sprintf(test.input, port)+`","video":true,"audio":true,"copy":true,"bit_rate":500000,"max_height":1080,"timeout":10}`)
			if got, want := f.plan(s.source.params, s.source.input), (plan{video: true}); got != want {
				t.Errorf("copied %+v, want %+v", got, want)
			}
			if same, all := pictures.of(t, filepath.Join(dir, "film.mp4")); all < 10 || same < all {
				t.Errorf("of %d slices %d are the film's", all, same)
			}
		})
	}
}
