package mp4

import (
	"fmt"
	"io"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/internal/media"
)

const (
	// maxFragment is the largest description of a fragment, in bytes.
	maxFragment = 1 << 20
	// maxRun is how many samples a fragment may have: some minutes of both tracks.
	maxRun = 100_000
)

// measureFragments finds out how long the file lasts, by its last fragment.
func (m *File) measureFragments(last box) error {
	if m.first == 0 {
		return media.Damagedf("there are no fragments")
	}
	m.at = m.first
	samples, err := m.readFragment(last)
	if err != nil {
		return err
	}
	for _, s := range samples {
		m.duration = max(m.duration, time.Duration(s.fragmentTime)+m.lasts(s))
	}
	return m.restartFragments(0)
}

func (m *File) lasts(s sample) time.Duration {
	d, err := m.tracks[s.track].time(s.duration)
	if err != nil {
		return 0
	}
	return d
}

// fragmentSample is the next sample; io.EOF at the end.
func (m *File) fragmentSample() (sample, error) {
	for len(m.queue) == 0 {
		x, err := m.nextFragment()
		if err != nil {
			return sample{}, err
		}
		if m.queue, err = m.readFragment(x); err != nil {
			return sample{}, err
		}
	}
	s := m.queue[0]
	m.queue = m.queue[1:]
	return s, nil
}

// nextFragment finds it from m.at on, and moves that behind it; io.EOF if there is none.
func (m *File) nextFragment() (box, error) {
	for n := 0; m.at < m.boxes.size; n++ {
		if m.boxes.seen = 0; n == media.MaxIdle {
			return box{}, media.Damagedf("%d boxes in a row hold nothing", n)
		}
		x, err := m.boxes.box(m.at, m.boxes.size)
		if err != nil {
			return x, err
		}
		m.at = x.until
		if x.name == "moof" {
			return x, nil
		}
	}
	return box{}, io.EOF
}

// readFragment reads which samples of the tracks to play are in a fragment, in the order of their times.
func (m *File) readFragment(moof box) ([]sample, error) {
	if moof.until-moof.body > maxFragment {
		return nil, media.Damagedf("a fragment's description has %d bytes", moof.until-moof.body)
	}
	var all []sample
	err := m.boxes.each(moof.body, moof.until, func(x box) error {
		if x.name != "traf" {
			return nil
		}
		samples, err := m.readTraf(moof, x, maxRun-len(all))
		all = append(all, samples...)
		return err
	})
	sortSamples(all)
	return all, err
}

// A traf is what is known of one track's part of a fragment while it is read.
type traf struct {
	moof    box
	head    *mp4.TfhdBox
	track   *track // nil: not one that is played
	index   int
	base    int64 // what offsets count from
	at      int64 // of the next sample
	most    int   // samples
	samples []sample
}

// readTraf reads one track's part of a fragment, of at most so many samples.
func (m *File) readTraf(moof, x box, most int) ([]sample, error) {
	m.boxes.left = max(m.boxes.left, 4*maxFragment) // what fragments take is given back
	part := &traf{moof: moof, base: moof.at, at: moof.at, most: most}
	err := m.boxes.each(x.body, x.until, func(x box) error {
		switch {
		case x.name == "tfhd":
			return m.readTfhd(part, x)
		case part.track == nil:
			return nil
		case x.name == "tfdt":
			b, err := decodeBox[*mp4.TfdtBox](m.boxes, x, 1<<10)
			if err == nil {
				part.track.dts = int64(min(b.BaseMediaDecodeTime(), 1<<60))
			}
			return err
		case x.name == "trun":
			return m.readTrun(part, x)
		default:
			return nil
		}
	})
	return part.samples, err
}

// readTfhd reads whose samples follow, and where.
func (m *File) readTfhd(part *traf, x box) (err error) {
	if part.head, err = decodeBox[*mp4.TfhdBox](m.boxes, x, 1<<10); err != nil {
		return err
	}
	part.track, part.index = m.byID(part.head.TrackID)
	if !part.head.HasBaseDataOffset() {
		return nil
	}
	if part.head.BaseDataOffset > 1<<62 {
		return media.Damagedf("a fragment's samples lie at byte %d", part.head.BaseDataOffset)
	}
	part.base = int64(part.head.BaseDataOffset)
	part.at = part.base
	return nil
}

// readTrun reads samples that lie in a row.
func (m *File) readTrun(part *traf, x box) error {
	b, err := decodeBox[*mp4.TrunBox](m.boxes, x, maxFragment)
	if err != nil {
		return err
	}
	if len(part.samples)+len(b.Samples) > part.most {
		return media.Damagedf("a fragment of more than %d samples", maxRun)
	}
	if b.HasDataOffset() {
		part.at = part.base + int64(b.DataOffset)
	}
	t := part.track
	b.AddSampleDefaultValues(part.head, t.trex)
	for _, s := range b.Samples {
		one := sample{
			track: part.index, at: part.at, size: int64(s.Size), dts: t.dts, shown: t.dts + int64(s.CompositionTimeOffset),
			duration: int64(s.Dur), key: mp4.IsSyncSampleFlags(s.Flags),
		}
		when, err := t.shown(one.dts)
		if err != nil {
			return err
		}
		one.fragmentTime = int64(when)
		part.samples = append(part.samples, one)
		part.at += int64(s.Size)
		t.dts += int64(s.Dur)
	}
	return nil
}

// byID finds a track that is played; nil for any other.
func (m *File) byID(id uint32) (*track, int) {
	for _, i := range m.playing {
		if m.tracks[i].id == id {
			return m.tracks[i], i
		}
	}
	return nil, -1
}

// restartFragments goes to the last fragment that begins at a time or before with a key frame of the picture.
func (m *File) restartFragments(at time.Duration) error {
	m.queue, m.at = nil, m.first
	for _, t := range m.tracks {
		t.dts = 0
	}
	if at <= 0 {
		return nil
	}
	place := m.first
	for {
		x, err := m.nextFragment()
		if err == io.EOF { //nolint:errorlint // nextFragment says so
			break
		}
		var samples []sample
		if err == nil {
			samples, err = m.readFragment(x)
		}
		if err != nil {
			return fmt.Errorf("read MP4: %w", err)
		}
		if len(samples) > 0 && time.Duration(samples[0].fragmentTime) > at {
			break
		}
		if m.beginsWithKey(samples) {
			place = x.at
		}
	}
	m.at = place
	return nil
}

// beginsWithKey says whether the picture can begin with a fragment.
func (m *File) beginsWithKey(samples []sample) bool {
	for _, s := range samples {
		if s.track == m.playing[0] {
			return s.key
		}
	}
	return false
}
