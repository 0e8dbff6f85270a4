//go:build ignore

// Make draws the clip with the pattern and encodes it with FFmpeg: go generate ./publisher/clip. It needs an ffmpeg with
// libx264, libvpx and libopus; the files in the repository were made by FFmpeg 5.1. All encoders run with one thread, so the
// same FFmpeg makes the same bytes, but for the Ogg stream's serial number.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"

	"weir/publisher/clip"
	"weir/publisher/pattern"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "make the clip:", err)
		os.Exit(1)
	}
}

func run() error {
	p := pattern.Default("test pattern")
	p.Width, p.Height, p.Rate, p.Recorded = clip.Width, clip.Height, clip.Rate, true
	painter, err := pattern.NewPainter(p)
	if err != nil {
		return err
	}
	var pictures bytes.Buffer
	for n := range int64(clip.Frames) {
		img := painter.Draw(n, time.Time{})
		pictures.Write(img.Y)
		pictures.Write(img.Cb)
		pictures.Write(img.Cr)
	}
	raw := []string{
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", fmt.Sprintf("%dx%d", clip.Width, clip.Height),
		"-r", fmt.Sprint(clip.Rate), "-i", "pipe:0", "-threads", "1", "-g", fmt.Sprint(clip.Rate),
		"-keyint_min", fmt.Sprint(clip.Rate), "-color_range", "tv", "-colorspace", "smpte170m",
	}
	if err := encode("clip.h264", pictures.Bytes(), append(raw, "-c:v", "libx264", "-profile:v", "baseline", "-level", "3.0",
		"-preset", "veryslow", "-refs", "1", "-bf", "0", "-sc_threshold", "0", "-crf", "34",
		"-x264-params", "threads=1:sliced-threads=0:slices=1:aud=1:repeat-headers=1",
		"-bsf:v", "filter_units=remove_types=6", "-f", "h264")); err != nil {
		return err
	}
	if err := encode("clip.ivf", pictures.Bytes(), append(raw, "-c:v", "libvpx", "-deadline", "best", "-cpu-used", "0",
		"-auto-alt-ref", "0", "-lag-in-frames", "0", "-crf", "44", "-b:v", "2M", "-qmin", "40", "-qmax", "46", "-f", "ivf")); err != nil {
		return err
	}
	return sound(p)
}

// encode runs FFmpeg from raw bytes to a file.
func encode(file string, raw []byte, args []string) error {
	args = append([]string{"-hide_banner", "-loglevel", "error", "-y", "-fflags", "+bitexact"}, args...)
	cmd := exec.Command("ffmpeg", append(args, "-flags", "+bitexact", "-fflags", "+bitexact", file)...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(raw), os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("encode %s: %w", file, err)
	}
	return nil
}

// sound encodes a second more at either end and keeps the middle: there the encoder's state at the end is that at the
// beginning, for the sound is the same in each second, and its delay (the pre-skip) is that of an encoder that runs.
func sound(p pattern.Params) error {
	const rate, whole = 50, "clip.whole.opus"
	tones := pattern.NewSound(p)
	var pcm []byte
	for n := range int64((clip.Seconds + 2) * rate) {
		for _, v := range tones.Samples(n) {
			pcm = append(pcm, byte(v), byte(uint16(v)>>8))
		}
	}
	defer os.Remove(whole)
	if err := encode(whole, pcm, []string{
		"-f", "s16le", "-ar", "48000", "-ac", "2", "-i", "pipe:0", "-c:a", "libopus",
		"-b:a", "48k", "-vbr", "constrained", "-frame_duration", "20", "-application", "audio", "-page_duration", "20000",
	}); err != nil {
		return err
	}
	in, err := os.Open(whole)
	if err != nil {
		return err
	}
	defer in.Close()
	r, _, err := oggreader.NewWith(in)
	if err != nil {
		return err
	}
	out, err := oggwriter.New("clip.opus", 48000, 2)
	if err != nil {
		return err
	}
	for page := -1; ; page++ { // -1: the tags
		packet, _, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return out.Close()
		}
		if err != nil {
			return err
		}
		if page < rate || page >= (clip.Seconds+1)*rate {
			continue
		}
		if err := out.WriteRTP(&rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(page), Timestamp: uint32(page * 960)},
			Payload: packet,
		}); err != nil {
			return err
		}
	}
}
