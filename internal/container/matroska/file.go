package matroska

import (
	"context"
	"fmt"
	"io"
	"time"

	"weir/internal/media"
)

// A File is a Stream that can begin anew, with its units put in order. One goroutine uses it.
type File struct {
	stream *Stream
	next   func() (media.Unit, error)
}

// Open reads the headers of a file of so many bytes.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*File, error) {
	s, err := Read(ctx, io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, err
	}
	return &File{stream: s, next: s.InOrder()}, nil
}

// About says what the file is.
func (f *File) About() media.Info {
	return media.Info{Container: "Matroska", Tracks: f.stream.tracks, Duration: f.stream.duration}
}

// Next returns the next unit of a track that can be played, in the order of their times; io.EOF at the end.
func (f *File) Next() (media.Unit, error) { return f.next() }

// Restart goes from cluster to cluster, by their heads and times alone: Next begins with the last one that begins at a time,
// or before.
func (f *File) Restart(at time.Duration) error {
	f.next = f.stream.InOrder()
	return f.stream.restart(at)
}

// restart makes Next begin with the last cluster that begins at a time, or before.
func (m *Stream) restart(at time.Duration) error {
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
func (m *Stream) find(at time.Duration) (begin int64, err error) {
	begin = m.clusters
	if at <= 0 {
		return begin, nil
	}
	if err := m.r.jump(m.clusters); err != nil {
		return 0, err
	}
	cluster, end := begin, int64(unknownSize)
	for n := 0; ; n++ {
		if n == 4*media.MaxIdle {
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
