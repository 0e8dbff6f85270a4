package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	// fileBitRate and fileHeight are of a file's picture that is transcoded.
	fileBitRate = 4_000_000
	fileHeight  = 1080
	// fileFormats are what a file may be: none of them names other files.
	fileFormats = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ivf,ogg,h264,hevc"
	// convertPatience is how long a read may wait.
	convertPatience = 30 * time.Second
)

// A Conversion is what is wanted of a file that cannot be played as it is.
type Conversion struct {
	File  *os.File      // open, and so until what is written was closed; its position is not to be relied on
	Start time.Duration // where in the file to begin, or at a key frame before it
	Loop  bool          // go on with its beginning at the end, without a gap
	// Video and Audio say what is to be encoded: into H.264 without B-frames, into Opus. Else it is copied.
	Video, Audio bool
}

// Transcode starts a conversion of a file. What it returns is Matroska whose times begin at 0; reading it ends soon after ctx
// is done. Close ends the conversion, and waits.
func (f *FFmpeg) Transcode(ctx context.Context, c Conversion) (io.ReadCloser, error) {
	release, err := f.take()
	if err != nil {
		return nil, err
	}
	address, files := handOver(c.File)
	ch, err := startChild(command{path: f.opts.Path, args: convertArguments(c, address), env: environment(), files: files})
	if err != nil {
		release()
		return nil, err
	}
	v := &conversion{ctx: ctx, child: ch, release: release}
	v.stop = context.AfterFunc(ctx, func() { _ = v.end() }) // Close tells
	return v, nil
}

// convertArguments are the child's for a file.
func convertArguments(c Conversion, address string) []string {
	args := append(common(), "-protocol_whitelist", "file", "-format_whitelist", fileFormats)
	if c.Loop {
		args = append(args, "-stream_loop", "-1")
	}
	if c.Start > 0 {
		args = append(args, "-noaccurate_seek", "-ss", strconv.FormatFloat(c.Start.Seconds(), 'f', 3, 64))
	}
	args = append(args, "-i", address, "-map", firstVideo)
	if c.Video {
		args = append(args, encodeVideo(fileBitRate, fileHeight)...)
	} else {
		args = append(args, "-c:v", "copy")
	}
	args = append(args, "-map", firstAudio)
	if c.Audio {
		args = append(args, encodeAudio()...)
	} else {
		args = append(args, "-c:a", "copy")
	}
	return append(append(args, "-avoid_negative_ts", "make_zero"), output()...)
}

// A conversion is a child that reads a file. It implements io.ReadCloser.
type conversion struct {
	ctx     context.Context //nolint:containedctx // it is that of an io.Reader, whose Read has none
	child   *child
	stop    func() bool // of ctx
	release func()
	once    sync.Once
}

// Read reads what the child writes. At the end that is its failure, if it failed.
func (v *conversion) Read(b []byte) (int, error) {
	_ = v.child.out.SetReadDeadline(time.Now().Add(convertPatience)) // where pipes have none it waits
	n, err := v.child.Read(b)
	switch {
	case err == nil || n > 0:
		return n, nil
	case v.ctx.Err() != nil:
		return 0, v.ctx.Err() //nolint:wrapcheck // it is the caller's
	case errors.Is(err, os.ErrDeadlineExceeded):
		return 0, told(fmt.Sprintf("nothing has come of the file for %v", convertPatience), v.child.tail.all())
	case errors.Is(err, io.EOF):
		ctx, cancel := context.WithTimeout(v.ctx, killGrace)
		defer cancel()
		if failure := v.child.failure(ctx); failure != nil {
			return 0, failure
		}
		return 0, io.EOF
	default:
		return 0, err
	}
}

// Close ends the child and waits for that.
func (v *conversion) Close() error {
	v.stop()
	return v.end()
}

func (v *conversion) end() error {
	err := v.child.Close()
	v.once.Do(v.release)
	return err
}
