package mp4

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/internal/media"
)

const (
	// maxSamples is how many a track may have: two days of either. A table of sizes would not hold as many, but samples of one
	// size need none, and going through them takes time.
	maxSamples = 10_000_000
	// lookEvery is after how many samples, a millisecond or two, it is asked whether anybody still wants to know.
	lookEvery = 1 << 16
)

// A File reads MP4, with its samples in tables or in fragments. One goroutine uses it.
type File struct {
	boxes     *boxReader
	tracks    []*track
	edits     []*mp4.ElstBox // by track; nil once applied
	timescale uint64         // of the whole file
	duration  time.Duration
	playing   []int        // indexes of the tracks to play
	done      func() error // why reading is over; nil: it is not

	fragmented bool
	first      int64    // where the first fragment begins
	at         int64    // where to look for the next fragment
	queue      []sample // of the fragment
}

// Open reads the headers of a file of so many bytes. Once ctx is done Restart returns its error.
func Open(ctx context.Context, r io.ReaderAt, size int64) (*File, error) {
	m := &File{boxes: &boxReader{r: r, size: size, left: maxTables}, done: ctx.Err}
	if err := m.open(ctx); err != nil {
		return nil, fmt.Errorf("read MP4: %w", err)
	}
	return m, nil
}

// open goes through the boxes of the file.
func (m *File) open(ctx context.Context) error {
	var found bool
	var last box // fragment
	err := m.boxes.each(0, m.boxes.size, func(x box) error {
		switch x.name {
		case "moov":
			if found {
				return media.Damagedf("there are two boxes \"moov\"")
			}
			found = true
			return m.readMoov(x)
		case "moof":
			if m.first == 0 {
				m.first = x.at
			}
			last = x
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	if !found {
		return media.Damagedf("the box \"moov\" is missing: the recording was not ended, or the file is not whole")
	}
	for i, t := range m.tracks {
		m.edit(t, m.edits[i])
	}
	m.edits = nil
	video, audio := media.Choose(m.infos())
	for _, i := range []int{video, audio} {
		if i >= 0 && m.tracks[i].convert != nil {
			m.playing = append(m.playing, i)
		}
	}
	if m.fragmented {
		return m.measureFragments(last)
	}
	return m.measure()
}

// readMoov reads what describes the whole file.
func (m *File) readMoov(x box) error {
	var trex []*mp4.TrexBox
	err := m.boxes.each(x.body, x.until, func(x box) (err error) {
		switch x.name {
		case "mvhd":
			var b *mp4.MvhdBox
			if b, err = decodeBox[*mp4.MvhdBox](m.boxes, x, 1<<10); err == nil {
				m.timescale = uint64(b.Timescale)
			}
		case "trak":
			err = m.readTrak(x)
		case "mvex":
			m.fragmented = true
			err = m.boxes.each(x.body, x.until, func(x box) error {
				if x.name != "trex" {
					return nil
				}
				b, err := decodeBox[*mp4.TrexBox](m.boxes, x, 1<<10)
				trex = append(trex, b)
				return err
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range m.tracks {
		for _, b := range trex {
			if b.TrackID == t.id {
				t.trex = b
			}
		}
	}
	return nil
}

// measure finds out how long the tracks to play last, and that their tables are there.
func (m *File) measure() error {
	for _, i := range m.playing {
		t := m.tracks[i]
		if !t.complete() {
			return media.Damagedf("a track lacks tables")
		}
		if t.stsz.SampleNumber > maxSamples {
			return media.Damagedf("a track of %d samples", t.stsz.SampleNumber)
		}
		ticks, reorders := t.length()
		d, err := t.shown(ticks)
		if err != nil {
			return err
		}
		t.info.Reorders = t.info.Reorders || reorders
		m.duration = max(m.duration, d)
	}
	if len(m.playing) == 0 { // FFmpeg may play it
		m.duration = m.said()
	}
	return nil
}

// said is how long the tracks last by their heads alone; 0 where these make no sense.
func (m *File) said() (longest time.Duration) {
	for _, t := range m.tracks {
		if t.ticks > 1<<48 { // all bits are set where it is not known
			continue
		}
		if d, err := t.shown(int64(t.ticks)); err == nil {
			longest = max(longest, d)
		}
	}
	return longest
}

func (m *File) infos() []media.Track {
	all := make([]media.Track, len(m.tracks))
	for i, t := range m.tracks {
		all[i] = t.info
	}
	return all
}

// About says what the file is. The value does not change.
func (m *File) About() media.Info {
	name := "MP4"
	if m.fragmented {
		name = "fragmented MP4"
	}
	return media.Info{Container: name, Tracks: m.infos(), Duration: m.duration}
}

// Next returns the next unit of a track that can be played, in the order in which they are decoded; io.EOF at the end.
func (m *File) Next() (media.Unit, error) {
	read := int64(0)
	for n := 0; ; n++ {
		s, err := m.sample()
		if err == nil {
			err = media.Idle(n, media.MaxIdle/10, read)
		}
		if err == nil {
			var u media.Unit
			if u, err = m.unit(s); err == nil && len(u.Data) > 0 {
				return u, nil
			}
		}
		read += s.size
		switch {
		case err == io.EOF: //nolint:errorlint // sample says so
			return media.Unit{}, io.EOF
		case err != nil:
			return media.Unit{}, fmt.Errorf("read MP4: %w", err)
		}
	}
}

// sample is the next one of all tracks; io.EOF at the end.
func (m *File) sample() (sample, error) {
	if m.fragmented {
		return m.fragmentSample()
	}
	var first sample
	var firstTime time.Duration
	found := false
	for _, i := range m.playing {
		t := m.tracks[i]
		s, ok, err := t.sampleAt(&t.cursor)
		if err != nil {
			return first, err
		}
		at, err := t.shown(s.dts)
		if err != nil {
			return first, err
		}
		if ok && (!found || at < firstTime) {
			s.track = i
			first, firstTime, found = s, at, true
		}
	}
	if !found {
		return first, io.EOF
	}
	t := m.tracks[first.track]
	t.advance(&t.cursor, first)
	return first, nil
}

// unit reads a sample.
func (m *File) unit(s sample) (u media.Unit, err error) {
	t := m.tracks[s.track]
	if s.size == 0 || s.size > media.MaxUnit {
		return u, media.Damagedf("a sample of %d bytes", s.size)
	}
	if s.at < 0 || s.at > m.boxes.size-s.size {
		return u, media.Damagedf("a sample lies at byte %d of %d", s.at, m.boxes.size)
	}
	u = media.Unit{Track: s.track, Data: make([]byte, s.size), Key: s.key}
	if _, err := m.boxes.r.ReadAt(u.Data, s.at); err != nil {
		return u, media.Cut(err)
	}
	if u.DTS, err = t.shown(s.dts); err != nil {
		return u, err
	}
	if u.PTS, err = t.shown(s.shown); err != nil {
		return u, err
	}
	if u.Duration, err = t.time(s.duration); err != nil {
		return u, err
	}
	lasts := u.Duration
	if err := t.convert(&u); err != nil {
		return u, err
	}
	if u.Duration == 0 {
		u.Duration = lasts
	}
	return u, nil
}

// Restart goes to the last key frame of the picture at a time or before, and to the sound that is heard then.
func (m *File) Restart(at time.Duration) error {
	if m.fragmented {
		return m.restartFragments(at)
	}
	for _, i := range m.playing { // the picture comes first
		if err := m.restartTrack(m.tracks[i], at); err != nil {
			return fmt.Errorf("read MP4: %w", err)
		}
	}
	return nil
}

// restartTrack goes through a track's tables, which is all in memory: nothing else would end it before its time.
func (m *File) restartTrack(t *track, at time.Duration) error {
	t.cursor = cursor{}
	place := t.cursor
	for n := 1; ; n++ {
		if n%lookEvery == 0 {
			if err := m.done(); err != nil {
				return err
			}
		}
		s, ok, err := t.sampleAt(&t.cursor)
		if err != nil {
			return err
		}
		when, err := t.shown(s.dts)
		if err != nil {
			return err
		}
		if !ok || when > at {
			break
		}
		if s.key {
			place = t.cursor
		}
		t.advance(&t.cursor, s)
	}
	t.cursor = place
	return nil
}

// sortSamples puts those of several tracks in the order of their times.
func sortSamples(all []sample) {
	slices.SortStableFunc(all, func(a, b sample) int { return cmp.Compare(a.fragmentTime, b.fragmentTime) })
}
