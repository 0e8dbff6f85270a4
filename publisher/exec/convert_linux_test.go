package exec

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/codec"
	"weir/internal/container/matroska"
)

// converts has a film converted and returns it as it is read.
func converts(ctx context.Context, t *testing.T, f *FFmpeg, path string, c Conversion) (io.ReadCloser, *matroska.Stream) {
	t.Helper()
	opened, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	if _, err := opened.Seek(100, io.SeekStart); err != nil { // where it is does not matter
		t.Fatal(err)
	}
	c.File = opened
	out, err := f.Transcode(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = out.Close() })
	m, err := matroska.Read(ctx, out)
	if err != nil {
		t.Fatal(err)
	}
	return out, m
}

// A file with B-frames and AAC comes without, from its beginning or later, once or over and over.
func TestTranscode(t *testing.T) {
	t.Parallel()
	f := installed(t)
	path := filepath.Join(t.TempDir(), "-i film.mp4") // a name that could be an option
	film(t, path, "-c:v", "libx264", "-bf", "2", "-g", "10", "-c:a", "aac")
	for name, test := range map[string]struct {
		what Conversion
		last time.Duration // at least
	}{
		"both":     {Conversion{Video: true, Audio: true}, 1400 * time.Millisecond},
		"the rest": {Conversion{Video: true, Audio: true, Start: time.Second}, 400 * time.Millisecond},
		"sound":    {Conversion{Audio: true}, 1400 * time.Millisecond},
		"for ever": {Conversion{Video: true, Audio: true, Loop: true}, 4 * time.Second},
	} {
		if !long && name == "both" {
			continue // is part of the others
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, m := converts(t.Context(), t, f, path, test.what)
			var pictures order
			first, last := map[string]time.Duration{}, map[string]time.Duration{}
			for {
				u, err := m.Next()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				track := m.Tracks()[u.Track]
				if _, ok := first[track.Codec]; !ok {
					first[track.Codec] = u.PTS
				}
				last[track.Codec] = max(last[track.Codec], u.PTS)
				if track.Codec == codec.H264 && test.what.Video && pictures.reordered(u.PTS) {
					t.Fatal("pictures come out of order")
				}
				if test.what.Loop && u.PTS > test.last {
					break
				}
			}
			for _, name := range []string{codec.H264, codec.Opus} {
				if _, ok := first[name]; !ok || first[name] > 600*time.Millisecond || last[name] < test.last-100*time.Millisecond {
					t.Errorf("%s goes from %v to %v", name, first[name], last[name])
				}
			}
			if err := out.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A conversion ends with its context and with Close, in the middle too, and its place is given back once.
func TestTranscodeEnds(t *testing.T) {
	t.Parallel()
	f := installed(t)
	path := filepath.Join(t.TempDir(), "film.mkv")
	film(t, path, "-c:v", "libx264", "-bf", "2", "-c:a", "libopus")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, m := converts(ctx, t, f, path, Conversion{Video: true, Loop: true})
	if _, err := m.Next(); err != nil {
		t.Error(err)
	}
	cancel()
	for {
		if _, err := m.Next(); err != nil {
			break
		}
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if err := out.Close(); err != nil {
		t.Error(err)
	}
	if n := len(f.slots); n != 0 {
		t.Errorf("%d places are taken", n)
	}
}

// A file that names others is none that can be converted, whatever its name says.
func TestTranscodeRefuses(t *testing.T) {
	t.Parallel()
	f := installed(t)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.ts")
	film(t, secret, "-c:v", "libx264", "-c:a", "libopus")
	for name, text := range map[string]string{
		"playlist.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n" + secret + "\n#EXT-X-ENDLIST\n",
		"concat.mkv":   "ffconcat version 1.0\nfile '" + secret + "'\n",
		"none.mkv":     "nothing",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		opened, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		out, err := f.Transcode(t.Context(), Conversion{File: opened, Video: true, Audio: true})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(out)
		if len(b) > 0 || err == nil || !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("%s gives %d bytes, %v", name, len(b), err)
		}
		if err := errors.Join(out.Close(), opened.Close()); err != nil {
			t.Error(err)
		}
	}
}
