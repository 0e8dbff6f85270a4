package mp4

import (
	"encoding/binary"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/internal/codec"
	"weir/internal/media"
)

// codecs are the codecs by the names of their sample entries, as far as they have a name here.
func codecs() map[string]string {
	return map[string]string{
		"avc1": codec.H264, "avc3": codec.H264, "hvc1": codec.H265, "hev1": codec.H265, "vp08": codec.VP8, "vp09": codec.VP9,
		"av01": codec.AV1, "Opus": codec.Opus, "mp4a": media.AAC, "fLaC": "FLAC", ".mp3": "MP3", "ac-3": "AC-3",
	}
}

// A track is one track with its tables, which are kept as compact as they stand in the file.
type track struct {
	id        uint32
	timescale int64  // ticks a second
	ticks     uint64 // how long it lasts, by its head; 0: not said
	kind      codec.Kind
	info      media.Track
	convert   media.Converter // nil: the track is not played

	start     time.Duration // by the edit list: when it begins
	mediaTime int64         // and with which tick of its media

	stts   *mp4.SttsBox
	ctts   *mp4.CttsBox
	stsc   *mp4.StscBox
	stsz   *mp4.StszBox
	stco   *mp4.StcoBox
	co64   *mp4.Co64Box
	stss   *mp4.StssBox
	trex   *mp4.TrexBox
	cursor cursor // of a file without fragments
	dts    int64  // of the next fragment's first sample, where it does not say
}

// time is a number of ticks as a time.
func (t *track) time(ticks int64) (time.Duration, error) {
	whole, rest := ticks/t.timescale, ticks%t.timescale
	if whole > int64(media.MaxTime/time.Second) || whole < -int64(media.MaxTime/time.Second) {
		return 0, media.Damagedf("a sample at %d s", whole)
	}
	half := t.timescale / 2
	if rest < 0 {
		half = -half
	}
	return time.Duration(whole)*time.Second + time.Duration((rest*int64(time.Second)+half)/t.timescale), nil
}

// shown is when a sample with that composition time is shown, by the edit list.
func (t *track) shown(ticks int64) (time.Duration, error) {
	d, err := t.time(ticks - t.mediaTime)
	return d + t.start, err
}

// readTrak reads a track's description.
func (m *File) readTrak(x box) error {
	t := &track{}
	var edits *mp4.ElstBox
	err := m.boxes.each(x.body, x.until, func(x box) (err error) {
		switch x.name {
		case "tkhd":
			var b *mp4.TkhdBox
			if b, err = decodeBox[*mp4.TkhdBox](m.boxes, x, 1<<10); err == nil {
				t.id = b.TrackID
				t.info.Rotation, err = m.rotation(x, b.Version)
			}
		case "edts":
			err = m.boxes.each(x.body, x.until, func(x box) (err error) {
				if x.name == "elst" {
					edits, err = decodeBox[*mp4.ElstBox](m.boxes, x, 64<<10)
				}
				return err
			})
		case "mdia":
			err = m.readMdia(t, x)
		}
		return err
	})
	if err != nil || t.kind == 0 || len(m.tracks) == media.MaxTracks {
		return err
	}
	if t.timescale <= 0 {
		return media.Damagedf("a track has no time scale")
	}
	m.tracks = append(m.tracks, t)
	m.edits = append(m.edits, edits)
	return nil
}

// rotation reads a track's matrix (ISO/IEC 14496-12 8.3.2), as far as that turns by right angles.
func (m *File) rotation(x box, version byte) (int, error) {
	at := 40 // behind times, number, length, layer, group and volume
	if version == 1 {
		at += 12
	}
	body, err := m.boxes.bytes(x, 1<<10)
	if err != nil || len(body) < at+20 {
		return 0, err
	}
	number := func(i int) int32 { return int32(binary.BigEndian.Uint32(body[at+4*i:])) }
	a, b, c, d := number(0), number(1), number(3), number(4)
	switch {
	case a == 0 && d == 0 && b > 0 && c < 0:
		return 90, nil
	case a < 0 && d < 0 && b == 0 && c == 0:
		return 180, nil
	case a == 0 && d == 0 && b < 0 && c > 0:
		return 270, nil
	default:
		return 0, nil
	}
}

// edit applies an edit list: an empty edit delays a track, and the first other one says where in its media it begins.
func (m *File) edit(t *track, edits *mp4.ElstBox) {
	if edits == nil || m.timescale == 0 {
		return
	}
	var delay uint64
	for _, e := range edits.Entries {
		if e.MediaTime >= 0 {
			t.mediaTime = min(e.MediaTime, 1<<48)
			break
		}
		delay += e.SegmentDuration
	}
	if seconds := delay / m.timescale; seconds < uint64(media.MaxTime/time.Second) {
		t.start = time.Duration(seconds)*time.Second +
			time.Duration(float64(delay%m.timescale)/float64(m.timescale)*float64(time.Second))
	}
}

func (m *File) readMdia(t *track, x box) error {
	return m.boxes.each(x.body, x.until, func(x box) error {
		switch x.name {
		case "mdhd":
			b, err := decodeBox[*mp4.MdhdBox](m.boxes, x, 1<<10)
			if err != nil {
				return err
			}
			t.ticks = b.Duration
			t.timescale, t.info.Language = int64(b.Timescale), media.Clean(b.GetLanguage())
			if t.info.Language == "und" {
				t.info.Language = ""
			}
		case "hdlr":
			b, err := m.boxes.bytes(x, 64<<10)
			if err != nil {
				return err
			}
			if t.kind != 0 { // what was read of the track goes by its kind
				return media.Damagedf("a track has two boxes \"hdlr\"")
			}
			switch {
			case len(b) < 12:
			case string(b[8:12]) == "vide":
				t.kind = codec.Video
			case string(b[8:12]) == "soun":
				t.kind = codec.Audio
			}
			t.info.Kind = t.kind
		case "minf":
			return m.boxes.each(x.body, x.until, func(x box) error {
				if x.name != "stbl" || t.kind == 0 {
					return nil
				}
				return m.boxes.each(x.body, x.until, func(x box) error { return m.readTable(t, x) })
			})
		}
		return nil
	})
}

// readTable reads one of a track's tables.
func (m *File) readTable(t *track, x box) (err error) {
	switch x.name {
	case "stsd":
		err = m.readEntry(t, x)
	case "stts":
		t.stts, err = decodeBox[*mp4.SttsBox](m.boxes, x, maxTable)
	case "ctts":
		t.ctts, err = decodeBox[*mp4.CttsBox](m.boxes, x, maxTable)
	case "stsc":
		t.stsc, err = decodeBox[*mp4.StscBox](m.boxes, x, maxTable)
	case "stsz":
		t.stsz, err = decodeBox[*mp4.StszBox](m.boxes, x, maxTable)
	case "stco":
		t.stco, err = decodeBox[*mp4.StcoBox](m.boxes, x, maxTable)
	case "co64":
		t.co64, err = decodeBox[*mp4.Co64Box](m.boxes, x, maxTable)
	case "stss":
		t.stss, err = decodeBox[*mp4.StssBox](m.boxes, x, maxTable)
	}
	return err
}

// What stands in a sample entry before the boxes in it (ISO/IEC 14496-12 8.5.2, 12.1.3, 12.2.3).
const (
	visualEntry = 78
	soundEntry  = 28
)

// readEntry reads the first description of a track's samples.
func (m *File) readEntry(t *track, x box) error {
	if x.until-x.body < 8 {
		return media.Damagedf("the box \"stsd\" is empty")
	}
	entry, err := m.boxes.box(x.body+8, x.until)
	if err != nil {
		return err
	}
	fixed := int64(visualEntry)
	if t.kind == codec.Audio {
		fixed = soundEntry
	}
	if entry.until-entry.body < fixed {
		return media.Damagedf("a description of %d bytes", entry.until-entry.body)
	}
	b, err := m.boxes.bytes(box{name: entry.name, body: entry.body, until: entry.body + fixed}, fixed)
	if err != nil {
		return err
	}
	if t.info.Codec = codecs()[entry.name]; t.info.Codec == "" {
		t.info.Codec = media.Clean(entry.name)
	}
	if t.kind == codec.Video {
		t.info.Width, t.info.Height = int(binary.BigEndian.Uint16(b[24:])), int(binary.BigEndian.Uint16(b[26:]))
	} else {
		t.info.Channels, t.info.Rate = int(binary.BigEndian.Uint16(b[16:])), int(binary.BigEndian.Uint16(b[24:]))
	}
	if !t.info.Playable() {
		return nil
	}
	return m.readConfig(t, entry, entry.body+fixed)
}

// readConfig reads the codec's own data out of a sample entry.
func (m *File) readConfig(t *track, entry box, from int64) error {
	var private []byte
	err := m.boxes.each(from, entry.until, func(x box) (err error) {
		switch x.name {
		case "avcC", "hvcC", "av1C", "dOps":
			private, err = m.boxes.bytes(x, media.MaxPrivate)
		}
		return err
	})
	if err != nil {
		return err
	}
	switch t.info.Codec {
	case codec.H264, codec.H265:
		if len(private) == 0 {
			return media.Damagedf("%s without its own data", t.info.Codec)
		}
	case codec.Opus: // dOps: version, channels, pre-skip
		if len(private) > 1 {
			t.info.Channels = int(private[1])
		}
		private = nil // what is left to know of it is not there
	}
	t.convert, err = media.NewConverter(&t.info, private)
	return err
}
