package file

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"weir/internal/codec"
)

// A Conversion is what is asked of FFmpeg for a file that cannot be played as it is.
type Conversion struct {
	File  *os.File      // open, and so until what is written was closed; its position is not to be relied on
	Start time.Duration // where in the file to begin, or at a key frame before it
	Loop  bool          // go on with its beginning at the end, without a gap
	// Video and Audio say what is to be encoded: into H.264 without B-frames, into Opus. Else it is copied.
	Video, Audio bool
}

// A Transcode starts a conversion. What it returns is Matroska whose times begin at 0; reading it ends soon after ctx is
// done. Close ends the conversion, and waits.
type Transcode func(ctx context.Context, c Conversion) (io.ReadCloser, error)

// A converted file is read as what a Transcode makes of it. It is a demuxer whose file goes on for ever if it loops.
type converted struct {
	ctx       context.Context //nolint:containedctx // of Run, in whose goroutine it is used
	transcode Transcode
	what      Conversion
	length    time.Duration // of the file; 0: not known

	out    io.ReadCloser // nil: nothing runs
	stream *MatroskaStream
	order  *order
	begin  time.Duration // in the file, of time 0 of what is read
}

// restart begins a new conversion. The old one is closed first.
func (c *converted) restart(at time.Duration) error {
	if err := c.close(); err != nil {
		return err
	}
	if c.length > 0 {
		at %= c.length
	}
	c.what.Start, c.begin = max(at, 0), max(at, 0)
	out, err := c.transcode(c.ctx, c.what)
	if err != nil {
		return err
	}
	c.out = out
	if c.stream, err = ReadMatroska(c.ctx, out); err != nil {
		return errors.Join(err, c.close())
	}
	c.order = newOrder(c.stream.tracks, c.stream.Next)
	return nil
}

func (c *converted) next() (Unit, error) {
	if c.order == nil {
		if err := c.restart(0); err != nil {
			return Unit{}, err
		}
	}
	u, err := c.order.next()
	u.PTS, u.DTS = u.PTS+c.begin, u.DTS+c.begin
	return u, err
}

func (c *converted) about() fileInfo {
	if c.stream == nil {
		return fileInfo{}
	}
	return fileInfo{container: "Matroska", tracks: c.stream.tracks, duration: c.length}
}

// close ends what runs.
func (c *converted) close() error {
	if c.out == nil {
		return nil
	}
	err := c.out.Close()
	c.out, c.stream, c.order = nil, nil, nil
	return err //nolint:wrapcheck // of what the caller gave
}

// needs says what of a file's tracks has to be encoded.
func needs(tracks []TrackInfo, bframes bool) (video, audio bool) {
	_, opus := choose(tracks)
	for _, t := range tracks {
		if t.Kind == codec.Audio && !t.Playable() && opus < 0 {
			audio = true
		}
	}
	return bframes, audio
}
