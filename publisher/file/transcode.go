package file

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"weir/internal/codec"
	"weir/internal/container/matroska"
	"weir/internal/media"
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

// A demuxer reads what an encoding plays: a container.Reader, or a converted file. One goroutine uses it.
type demuxer interface {
	About() media.Info
	Next() (media.Unit, error)
	Restart(at time.Duration) error
}

// A converted file is read as what a Transcode makes of it. It is a demuxer whose file goes on for ever if it loops.
type converted struct {
	ctx       context.Context //nolint:containedctx // of Run, in whose goroutine it is used
	transcode Transcode
	what      Conversion
	length    time.Duration // of the file; 0: not known

	out    io.ReadCloser // nil: nothing runs
	stream *matroska.Stream
	units  func() (media.Unit, error)
	begin  time.Duration // in the file, of time 0 of what is read
}

// Restart begins a new conversion. The old one is closed first.
func (c *converted) Restart(at time.Duration) error {
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
	if c.stream, err = matroska.Read(c.ctx, out); err != nil {
		return errors.Join(err, c.close())
	}
	c.units = c.stream.InOrder()
	return nil
}

func (c *converted) Next() (media.Unit, error) {
	if c.units == nil {
		if err := c.Restart(0); err != nil {
			return media.Unit{}, err
		}
	}
	u, err := c.units()
	u.PTS, u.DTS = u.PTS+c.begin, u.DTS+c.begin
	return u, err
}

func (c *converted) About() media.Info {
	if c.stream == nil {
		return media.Info{}
	}
	return media.Info{Container: "Matroska", Tracks: c.stream.Tracks(), Duration: c.length}
}

// close ends what runs.
func (c *converted) close() error {
	if c.out == nil {
		return nil
	}
	err := c.out.Close()
	c.out, c.stream, c.units = nil, nil, nil
	return err //nolint:wrapcheck // of what the caller gave
}

// mute says whether the sound of a file is one that has to be encoded: there is some, and none that browsers take.
func mute(tracks []media.Track) bool {
	_, opus := media.Choose(tracks)
	return opus < 0 && slices.ContainsFunc(tracks, func(t media.Track) bool { return t.Kind == codec.Audio })
}
