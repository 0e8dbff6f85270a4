package matroska

import (
	"math"
	"strings"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

// Elements of a track (RFC 9559 5.1.4).
const (
	idTrackEntry       = 0xAE
	idTrackNumber      = 0xD7
	idTrackType        = 0x83
	idCodecID          = 0x86
	idCodecPrivate     = 0x63A2
	idCodecDelay       = 0x56AA
	idDefaultDuration  = 0x23E383
	idLanguage         = 0x22B59C
	idContentEncodings = 0x6D80
	idVideo            = 0xE0
	idPixelWidth       = 0xB0
	idPixelHeight      = 0xBA
	idAudio            = 0xE1
	idSamplingRate     = 0xB5
	idChannels         = 0x9F
)

// codecs are the codecs by their names in Matroska (RFC 9559 registry), as far as they have a name here.
func codecs() map[string]string {
	return map[string]string{
		"V_MPEG4/ISO/AVC": codec.H264, "V_MPEGH/ISO/HEVC": codec.H265, "V_VP8": codec.VP8, "V_VP9": codec.VP9, "V_AV1": codec.AV1,
		"A_OPUS": codec.Opus, "A_AAC": media.AAC, "A_VORBIS": "Vorbis", "A_FLAC": "FLAC", "A_MPEG/L3": "MP3", "A_AC3": "AC-3",
	}
}

// readTracks reads what tracks there are.
func (m *Stream) readTracks(size int64) error {
	b, err := m.r.bytes(size, maxHeader)
	if err != nil {
		return err
	}
	for e, err := range elements(b) {
		if err != nil {
			return err
		}
		if e.id != idTrackEntry || len(m.tracks) == media.MaxTracks {
			continue
		}
		if err := m.readTrack(e.data); err != nil {
			return err
		}
	}
	return nil
}

// A trackEntry is a track as it is described.
type trackEntry struct {
	kind      uint64
	codecID   string
	private   []byte
	delay     uint64 // ns
	frame     uint64 // ns
	encodings bool   // compressed or encrypted
}

// readTrack reads one description.
func (m *Stream) readTrack(b []byte) error {
	var entry trackEntry
	var info media.Track
	t := &track{}
	for e, err := range elements(b) {
		if err != nil {
			return err
		}
		switch e.id {
		case idTrackNumber:
			t.number = e.uint()
		case idTrackType:
			entry.kind = e.uint()
		case idCodecID:
			entry.codecID = e.text()
		case idCodecPrivate:
			entry.private = e.data[:min(len(e.data), media.MaxPrivate)]
		case idCodecDelay:
			entry.delay = e.uint()
		case idDefaultDuration:
			entry.frame = e.uint()
		case idContentEncodings:
			entry.encodings = true
		case idLanguage:
			info.Language = media.Clean(e.text())
		case idVideo, idAudio:
			if err := readMedia(&info, e.data); err != nil {
				return err
			}
		}
	}
	switch entry.kind {
	case 1:
		info.Kind = codec.Video
	case 2:
		info.Kind = codec.Audio
	default:
		return nil // subtitles and the like
	}
	return m.addTrack(t, info, entry)
}

// readMedia reads what only a video or a sound has.
func readMedia(info *media.Track, b []byte) error {
	for e, err := range elements(b) {
		if err != nil {
			return err
		}
		n := int(min(e.uint(), math.MaxUint16))
		switch e.id {
		case idPixelWidth:
			info.Width = n
		case idPixelHeight:
			info.Height = n
		case idChannels:
			info.Channels = n
		case idSamplingRate:
			if f := e.float(); f > 0 && f <= 1_000_000 {
				info.Rate = int(f)
			}
		}
	}
	return nil
}

// addTrack finds out how the track's units are made ready.
func (m *Stream) addTrack(t *track, info media.Track, entry trackEntry) error {
	info.Codec = codecs()[entry.codecID]
	if name, aac := strings.CutPrefix(entry.codecID, "A_AAC/"); aac && name != "" {
		info.Codec = media.AAC
	}
	if info.Codec == "" {
		info.Codec = media.Clean(entry.codecID)
	}
	if entry.encodings {
		info.Codec += " (compressed)" // so no name of a codec that is played
	}
	if entry.frame > 0 && entry.frame <= uint64(time.Second) && info.Kind == codec.Video {
		info.FrameDuration = time.Duration(entry.frame)
	}
	if entry.delay <= uint64(time.Second) && info.Codec == codec.Opus {
		t.delay = time.Duration(entry.delay)
	}
	if _, twice := m.byNumber[t.number]; twice {
		return media.Damagedf("two tracks have the number %d", t.number)
	}
	if info.Playable() {
		var err error
		if t.convert, err = media.NewConverter(&info, entry.private); err != nil {
			return err
		}
	}
	m.byNumber[t.number] = len(m.tracks)
	m.tracks, m.entries = append(m.tracks, info), append(m.entries, t)
	return nil
}
