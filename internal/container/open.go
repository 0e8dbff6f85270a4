package container

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"weir/internal/codec"
	"weir/internal/container/matroska"
	"weir/internal/container/mp4"
	"weir/internal/media"
)

// A demuxer reads one file. One goroutine uses it; it does not close the file.
type demuxer interface {
	// About says what the file is. The value does not change.
	About() media.Info
	// Next returns the next unit of a track that can be played, in the order in which they are decoded; io.EOF at the end.
	Next() (media.Unit, error)
	// Restart makes Next begin at a time, or some way before it, where that is quicker.
	Restart(at time.Duration) error
}

// A format of files, and how it is known.
type format struct {
	is   func(head []byte) bool
	open func(ctx context.Context, r io.ReaderAt, size int64) (demuxer, error)
}

func formats() []format {
	return []format{
		{is: prefixed("\x1A\x45\xDF\xA3"), open: opener(matroska.Open)},
		{is: prefixed("DKIF"), open: opener(openIVF)},
		{is: prefixed("OggS"), open: opener(openOgg)},
		{is: isMP4, open: opener(mp4.Open)},
		{is: isByteStream, open: opener(openByteStream)},
	}
}

func prefixed(magic string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }
}

// isMP4 knows the boxes that a file begins with.
func isMP4(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp", "moov", "styp", "free", "skip", "wide", "mdat", "moof", "sidx":
		return true
	default:
		return false
	}
}

// opener is what opens one format, as what opens any.
func opener[D demuxer](open func(context.Context, io.ReaderAt, int64) (D, error)) func(context.Context, io.ReaderAt, int64) (demuxer, error) {
	return func(ctx context.Context, r io.ReaderAt, size int64) (demuxer, error) {
		d, err := open(ctx, r, size)
		if err != nil {
			return nil, err // and no demuxer that is a nil of its kind
		}
		return d, nil
	}
}

// A Reader reads one file, whatever it is. What its format's reader did not expect of it is damage: what is in a file must
// not end the program. One goroutine uses it; it does not close the file.
type Reader struct {
	demuxer demuxer
	tracks  []media.Track // with what the media say of them; nil: as the demuxer tells
}

// Open finds out what a file of so many bytes is by its first ones, and reads its headers. Once ctx is done the Reader's
// calls return its error.
func Open(ctx context.Context, r io.ReaderAt, size int64) (_ *Reader, err error) {
	defer recovered(&err)
	r = untilDone(ctx, r)
	head := make([]byte, 16)
	n, err := r.ReadAt(head, 0)
	if err != nil && n == 0 && size > 0 {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: it is empty", media.ErrDamaged)
	}
	for _, f := range formats() {
		if f.is(head[:n]) {
			d, err := f.open(ctx, r, size)
			if err != nil {
				return nil, err
			}
			rd := &Reader{demuxer: d}
			return rd, rd.look()
		}
	}
	return nil, fmt.Errorf("%w: it is none of MP4, Matroska, WebM, IVF, Ogg, and H.264 or H.265 as a byte stream", media.ErrUnsupported)
}

// maxLook is how many units are read to find out what only the media say.
const maxLook = 200

// look finds the profile of VP9, which most files say nowhere but in its frames. What is wrong with the media is told by Next.
func (r *Reader) look() error {
	tracks := r.demuxer.About().Tracks
	video, _ := media.Choose(tracks)
	if video < 0 || tracks[video].Codec != codec.VP9 {
		return nil
	}
	for range maxLook {
		u, err := r.demuxer.Next()
		if err != nil {
			break
		}
		if u.Track == video && u.Key {
			r.tracks = slices.Clone(tracks)
			r.tracks[video].Profile = media.ProfileVP9(u.Data)
			break
		}
	}
	return r.demuxer.Restart(0)
}

// About says what the file is. The value does not change, unless SetRate changes it.
func (r *Reader) About() media.Info {
	about := r.demuxer.About()
	if r.tracks != nil {
		about.Tracks = r.tracks
	}
	return about
}

// SetRate lets a byte stream, which has no times, have so many pictures a second. Any other file has its own.
func (r *Reader) SetRate(pictures float64) {
	if b, ok := r.demuxer.(*byteStream); ok {
		b.info.FrameDuration = time.Duration(float64(time.Second) / pictures)
	}
}

// Next returns the next unit of a track that can be played, in the order in which they are decoded; io.EOF at the end.
func (r *Reader) Next() (u media.Unit, err error) {
	defer recovered(&err)
	return r.demuxer.Next()
}

// Restart makes Next begin at a time, or some way before it, where that is quicker.
func (r *Reader) Restart(at time.Duration) (err error) {
	defer recovered(&err)
	return r.demuxer.Restart(at)
}
