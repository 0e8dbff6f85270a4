package file

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// A demuxer reads one file. One goroutine uses it; it does not close the file.
type demuxer interface {
	// about says what the file is. The value does not change.
	about() fileInfo
	// next returns the next unit of a track that can be played, in the order in which they are decoded; io.EOF at the end.
	next() (Unit, error)
	// restart makes next begin at a time, or some way before it, where that is quicker.
	restart(at time.Duration) error
}

// A fileInfo is what a demuxer knows of its file without reading it all.
type fileInfo struct {
	container string
	tracks    []TrackInfo
	duration  time.Duration // 0: not said
}

// A container is a format of files, and how it is known.
type container struct {
	is   func(head []byte) bool
	open func(ctx context.Context, r io.ReaderAt, size int64) (demuxer, error)
}

func containers() []container {
	return []container{
		{is: prefixed("\x1A\x45\xDF\xA3"), open: openMatroska},
		{is: prefixed("DKIF"), open: openIVF},
		{is: prefixed("OggS"), open: openOgg},
		{is: isMP4, open: openMP4},
		{is: isByteStream, open: openByteStream},
	}
}

func prefixed(magic string) func([]byte) bool {
	return func(head []byte) bool { return bytes.HasPrefix(head, []byte(magic)) }
}

// openDemuxer finds out what a file is by its first bytes, whatever its name, and reads its headers.
func openDemuxer(ctx context.Context, f *os.File) (d guarded, err error) {
	info, err := f.Stat()
	if err != nil {
		return d, fmt.Errorf("look at the file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return d, fmt.Errorf("%w: it is no regular file", ErrUnsupported)
	}
	return openAt(ctx, f, info.Size())
}

// openAt is openDemuxer of so many bytes. Once ctx is done the demuxer's calls return its error.
func openAt(ctx context.Context, r io.ReaderAt, size int64) (d guarded, err error) {
	defer recovered(&err)
	r = untilDone(ctx, r)
	head := make([]byte, 16)
	n, err := r.ReadAt(head, 0)
	if err != nil && n == 0 && size > 0 {
		return d, fmt.Errorf("read the file: %w", err)
	}
	if n == 0 {
		return d, fmt.Errorf("%w: it is empty", ErrDamaged)
	}
	for _, c := range containers() {
		if c.is(head[:n]) {
			d.demuxer, err = c.open(ctx, r, size)
			return d, err
		}
	}
	return d, fmt.Errorf("%w: it is none of MP4, Matroska, WebM, IVF, Ogg, and H.264 or H.265 as a byte stream", ErrUnsupported)
}

// A matroskaFile is a MatroskaStream that can begin anew, with its units put in order.
type matroskaFile struct {
	stream *MatroskaStream
	order  *order
}

func openMatroska(ctx context.Context, r io.ReaderAt, size int64) (demuxer, error) {
	s, err := ReadMatroska(ctx, io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	m := &matroskaFile{stream: s}
	m.order = newOrder(s.tracks, s.Next)
	return m, nil
}

func (m *matroskaFile) about() fileInfo {
	return fileInfo{container: "Matroska", tracks: m.stream.tracks, duration: m.stream.duration}
}

func (m *matroskaFile) next() (Unit, error) { return m.order.next() }

// restart goes from cluster to cluster, by their heads and times alone.
func (m *matroskaFile) restart(at time.Duration) error {
	m.order = newOrder(m.stream.tracks, m.stream.Next)
	return m.stream.restart(at)
}

// restart makes Next begin with the last cluster that begins at a time, or before.
func (m *MatroskaStream) restart(at time.Duration) error {
	m.queue = nil
	for _, t := range m.entries {
		t.grid = grid{}
	}
	begin, err := m.find(at)
	if err != nil {
		return fmt.Errorf("read Matroska: %w", err)
	}
	m.atCluster, m.inCluster = false, false
	return m.r.jump(begin)
}

// find returns where the cluster begins.
func (m *MatroskaStream) find(at time.Duration) (begin int64, err error) {
	begin = m.clusters
	if at <= 0 {
		return begin, nil
	}
	if err := m.r.jump(m.clusters); err != nil {
		return 0, err
	}
	cluster, end := begin, int64(unknownSize)
	for n := 0; ; n++ {
		if n == 4*maxIdle {
			return begin, nil // so far, and no further
		}
		here := m.r.at
		id, size, err := m.r.head()
		switch {
		case err == io.EOF: //nolint:errorlint // head says so
			return begin, nil
		case err != nil:
			return 0, err
		case id == idCluster:
			cluster, end = here, unknownSize
			if size != unknownSize {
				end = m.r.at + size
			}
			continue
		case id == idSegment:
			continue
		case id != idTimestamp:
			if err := m.r.skip(size); err != nil {
				return 0, err
			}
			continue
		}
		if err := m.clusterTime(size); err != nil {
			return 0, err
		}
		if m.timestamp > at {
			return begin, nil
		}
		begin = cluster
		if end > m.r.at { // a time behind its cluster leads nowhere
			if err := m.r.jump(end); err != nil {
				return 0, err
			}
		}
		end = unknownSize
	}
}

const (
	// aheadUnits and aheadBytes bound what is read ahead to put units in order.
	aheadUnits = 512
	aheadBytes = 16 << 20
)

// An order puts the units of several tracks in the order of their times, within bounds: in a file a track's units may stand
// behind later ones of another.
type order struct {
	read    func() (Unit, error)
	tracks  [][]Unit // what was read ahead, by track
	waited  []bool   // the tracks that are waited for
	units   int
	bytes   int
	ended   error // of read; nil: it goes on
	playing int
}

func newOrder(tracks []TrackInfo, read func() (Unit, error)) *order {
	o := &order{read: read, tracks: make([][]Unit, len(tracks)), waited: make([]bool, len(tracks))}
	video, audio := choose(tracks)
	for _, i := range []int{video, audio} {
		if i >= 0 {
			o.waited[i] = true
			o.playing++
		}
	}
	return o
}

// next returns the earliest of the units of the tracks, once each has one.
func (o *order) next() (Unit, error) {
	for o.ended == nil && !o.complete() && o.units < aheadUnits && o.bytes < aheadBytes {
		u, err := o.read()
		if err != nil {
			o.ended = err
			break
		}
		if !o.waited[u.Track] {
			continue
		}
		u.Data = bytes.Clone(u.Data) // it may be a small part of what was read of the file
		o.tracks[u.Track] = append(o.tracks[u.Track], u)
		o.units, o.bytes = o.units+1, o.bytes+len(u.Data)
	}
	first := -1
	for i, units := range o.tracks {
		if len(units) > 0 && (first < 0 || units[0].DTS < o.tracks[first][0].DTS) {
			first = i
		}
	}
	if first < 0 {
		if o.ended == nil {
			o.ended = io.EOF
		}
		return Unit{}, o.ended
	}
	u := o.tracks[first][0]
	o.tracks[first] = o.tracks[first][1:]
	o.units, o.bytes = o.units-1, o.bytes-len(u.Data)
	return u, nil
}

// complete says whether each track that is waited for has a unit.
func (o *order) complete() bool {
	have := 0
	for i, units := range o.tracks {
		if o.waited[i] && len(units) > 0 {
			have++
		}
	}
	return have == o.playing
}
