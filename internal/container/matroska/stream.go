package matroska

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"weir/internal/media"
)

// Elements of Matroska (RFC 9559 5.1).
const (
	idEBML           = 0x1A45DFA3
	idDocType        = 0x4282
	idSegment        = 0x18538067
	idInfo           = 0x1549A966
	idTimestampScale = 0x2AD7B1
	idDuration       = 0x4489
	idTracks         = 0x1654AE6B
	idCluster        = 0x1F43B675
	idTimestamp      = 0xE7
	idSimpleBlock    = 0xA3
	idBlockGroup     = 0xA0
	idBlock          = 0xA1
	idBlockDuration  = 0x9B
	idReferenceBlock = 0xFB
	idCues           = 0x1C53BB6B
	idSeekHead       = 0x114D9B74
	idTags           = 0x1254C367
	maxHeader        = 1 << 20 // bytes of Info or Tracks
	maxBeforeCluster = 256     // elements
	defaultScale     = time.Millisecond
	outOfBounds      = "the times of the file are out of bounds"
)

// A Stream is a Matroska or WebM file, or stream, that is read from the front. One goroutine uses it.
type Stream struct {
	r        *ebmlReader
	scale    time.Duration
	duration time.Duration // 0: not said
	tracks   []media.Track
	entries  []*track
	byNumber map[uint64]int

	clusters  int64 // where the first cluster begins
	atCluster bool  // its head has been read
	timestamp time.Duration
	inCluster bool
	idle      int64        // bytes of blocks since the last unit
	queue     []media.Unit // of a block with several frames
}

// A track is what is needed of a track besides what is told.
type track struct {
	number  uint64
	delay   time.Duration // of the codec: to be taken off
	grid    grid
	convert media.Converter // nil: the track is not played
}

// Read reads up to the first cluster, so that the tracks are known. A slow caller only blocks r. It returns when ctx
// is done only if reading r does then, as that of a child's pipe does; the caller closes r.
func Read(ctx context.Context, r io.Reader) (*Stream, error) {
	e, err := newEBMLReader(r)
	if err != nil {
		return nil, err
	}
	m := &Stream{r: e, scale: defaultScale, byNumber: map[uint64]int{}}
	for range maxBeforeCluster {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		found, err := m.header()
		if err != nil {
			return nil, fmt.Errorf("read Matroska: %w", media.Cut(err))
		}
		if found {
			if len(m.tracks) == 0 {
				return nil, fmt.Errorf("read Matroska: %w", media.Damagedf("no tracks are described before the first cluster"))
			}
			return m, nil
		}
	}
	return nil, fmt.Errorf("read Matroska: %w", media.Damagedf("no cluster among the first %d elements", maxBeforeCluster))
}

// header reads one element before the first cluster, and says whether it was that.
func (m *Stream) header() (found bool, err error) {
	begin := m.r.at
	id, size, err := m.r.head()
	if err != nil {
		return false, err
	}
	if begin == 0 && id != idEBML {
		return false, media.Damagedf("it does not begin as Matroska does")
	}
	switch id {
	case idEBML:
		return false, m.docType(size)
	case idSegment:
		return false, nil
	case idInfo:
		return false, m.readInfo(size)
	case idTracks:
		return false, m.readTracks(size)
	case idCluster:
		m.clusters, m.atCluster = begin, true
		return true, nil
	default:
		return false, m.r.skip(size)
	}
}

// docType reads what kind of EBML it is.
func (m *Stream) docType(size int64) error {
	b, err := m.r.bytes(size, maxHeader)
	if err != nil {
		return err
	}
	for e, err := range elements(b) {
		if err != nil {
			return err
		}
		if t := e.text(); e.id == idDocType && t != "matroska" && t != "webm" {
			return media.Damagedf("it is %.20q, not Matroska", t)
		}
	}
	return nil
}

// readInfo reads the scale of timestamps, and the duration.
func (m *Stream) readInfo(size int64) error {
	b, err := m.r.bytes(size, maxHeader)
	if err != nil {
		return err
	}
	var duration float64
	for e, err := range elements(b) {
		if err != nil {
			return err
		}
		switch e.id {
		case idTimestampScale:
			if n := e.uint(); n > 0 && n <= uint64(10*time.Second) {
				m.scale = time.Duration(n)
				continue
			}
			return media.Damagedf("a timestamp scale of %d ns", e.uint())
		case idDuration:
			duration = e.float()
		}
	}
	if d := duration * float64(m.scale); d > 0 && d <= float64(media.MaxTime) {
		m.duration = time.Duration(d)
	}
	return nil
}

// Tracks are those of the file, also those that cannot be played. A unit's Track is an index into them.
func (m *Stream) Tracks() []media.Track { return m.tracks }

// Next returns the next unit of a track that can be played; io.EOF at the end.
func (m *Stream) Next() (media.Unit, error) {
	m.idle = 0
	for n := 0; len(m.queue) == 0; n++ {
		err := m.element()
		if err == nil && len(m.queue) == 0 {
			err = media.Idle(n, media.MaxIdle, m.idle)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				return media.Unit{}, io.EOF
			}
			return media.Unit{}, fmt.Errorf("read Matroska: %w", err)
		}
	}
	u := m.queue[0]
	m.queue = m.queue[1:]
	return u, nil
}

// element reads the next one from the first cluster on. The levels need no keeping: an id stands in one place only, and a
// cluster of unknown size ends where another begins.
func (m *Stream) element() error {
	if m.atCluster {
		m.atCluster = false
		m.inCluster = false
		return nil
	}
	id, size, err := m.r.head()
	if err != nil {
		return err
	}
	switch id {
	case idSegment, idCluster:
		m.inCluster = false
		return nil
	case idTimestamp:
		return m.clusterTime(size)
	case idSimpleBlock:
		b, err := m.r.bytes(size, media.MaxUnit)
		if err != nil {
			return err
		}
		return m.block(b, func(flags byte) bool { return flags&0x80 != 0 }, 0)
	case idBlockGroup:
		return m.group(size)
	default:
		return m.r.skip(size)
	}
}

func (m *Stream) clusterTime(size int64) error {
	b, err := m.r.bytes(size, 8)
	if err != nil {
		return err
	}
	n := element{data: b}.uint()
	if n > uint64(media.MaxTime/m.scale) {
		return media.Damagedf(outOfBounds)
	}
	m.timestamp, m.inCluster = time.Duration(n)*m.scale, true
	return nil
}

// group reads a block that says more of itself.
func (m *Stream) group(size int64) error {
	b, err := m.r.bytes(size, media.MaxUnit)
	if err != nil {
		return err
	}
	var block []byte
	var duration time.Duration
	key := true
	for e, err := range elements(b) {
		if err != nil {
			return err
		}
		switch e.id {
		case idBlock:
			block = e.data
		case idBlockDuration:
			if n := e.uint(); n <= uint64(media.MaxTime/m.scale) {
				duration = time.Duration(n) * m.scale
			}
		case idReferenceBlock:
			key = false
		}
	}
	return m.block(block, func(byte) bool { return key }, duration)
}

// block reads the frames of one (RFC 9559 10).
func (m *Stream) block(b []byte, isKey func(flags byte) bool, duration time.Duration) error {
	number, rest, err := vint(b)
	if err != nil {
		return err
	}
	if len(rest) < 3 {
		return media.Damagedf("a block of %d bytes", len(b))
	}
	i, known := m.byNumber[number]
	if !known || m.entries[i].convert == nil {
		return nil
	}
	if !m.inCluster {
		return media.Damagedf("a block stands before its cluster's time")
	}
	m.idle += int64(len(b))
	relative := int16(uint16(rest[0])<<8 | uint16(rest[1]))
	flags := rest[2]
	frames, err := unlace(rest[3:], flags>>1&3)
	if err != nil {
		return err
	}
	if n := time.Duration(len(frames)); n > 1 {
		duration /= n
	}
	at := m.timestamp + time.Duration(relative)*m.scale
	for _, data := range frames {
		u := media.Unit{Track: i, Data: data, Duration: duration, Key: isKey(flags)}
		if at, err = m.unit(&u, at); err != nil {
			return err
		}
		if len(u.Data) > 0 {
			m.queue = append(m.queue, u)
		}
	}
	return nil
}

// unit makes a frame ready that stands at a time, and returns when the next one of its block does.
func (m *Stream) unit(u *media.Unit, at time.Duration) (time.Duration, error) {
	t, info := m.entries[u.Track], &m.tracks[u.Track]
	if err := t.convert(u); err != nil {
		return 0, err
	}
	if info.FrameDuration > 0 {
		u.Duration = info.FrameDuration
	}
	u.PTS = t.grid.snap(at-t.delay, u.Duration, m.scale)
	u.DTS = u.PTS
	return at + u.Duration, nil
}

// A grid takes the rounding to a scale out of timestamps of units that follow each other without a gap.
type grid struct {
	begun bool
	next  time.Duration // where the next unit should stand
}

// snap returns where a unit stands that is said to be at a time, rounded to the scale, and lasts so long; 0: not known. What
// lies further off the grid than rounding explains begins a new one.
func (g *grid) snap(at, lasts, scale time.Duration) time.Duration {
	if g.begun && lasts > scale {
		steps := int64((at - g.next + lasts/2) / lasts) // units that are missing
		if exact := g.next + time.Duration(steps)*lasts; steps >= 0 && (exact-at).Abs() <= scale*3/2 {
			at = exact
		}
	}
	g.begun, g.next = true, at+lasts
	return at
}
