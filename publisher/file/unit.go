package file

import (
	"errors"
	"fmt"
	"time"

	"weir/internal/codec"
	"weir/publisher"
	"weir/stream"
)

var (
	// ErrDamaged is wrapped by errors about bytes that cannot be what they should be.
	ErrDamaged = errors.New("the file is damaged")
	// ErrUnsupported is wrapped by errors about files that are sound but cannot be played here.
	ErrUnsupported = errors.New("the file cannot be played")
)

// damagedf is an ErrDamaged with its particulars.
func damagedf(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(format, args...))
}

// idle is an error where so many parts of a file, or bytes of tracks to play, held no unit.
func idle(parts, most int, bytes int64) error {
	switch {
	case parts >= most:
		return damagedf("%d parts in a row hold nothing", parts)
	case bytes > maxIdleBytes:
		return damagedf("%d bytes in a row hold nothing", bytes)
	default:
		return nil
	}
}

const (
	// maxUnit is the largest unit that is read, in bytes: a key frame of 4K video has a few million.
	maxUnit = 8 << 20
	// maxPrivate is the most that a codec's own data of a track may take, in bytes.
	maxPrivate = 64 << 10
	// maxTracks is how many tracks of a file are looked at.
	maxTracks = 64
	// maxIdle is how many parts of a file may follow each other that hold no unit.
	maxIdle = 1_000_000
	// maxIdleBytes is how many bytes of the tracks to play may follow each other that come to no unit.
	maxIdleBytes = 64 << 20
	// maxTime is the longest that a file may last; the sum of two such times is still a time.
	maxTime = 1000 * time.Hour
)

// A Unit is what a decoder takes at once: a picture, or a packet of sound.
type Unit struct {
	// Track is an index into the tracks of what the unit is from.
	Track int
	// Data is the unit as RTP wants it: H.264 and H.265 in the byte stream format (annex B) with parameter sets in front
	// of pictures that a decoder can start on, VP8 and VP9 a frame, AV1 a temporal unit, Opus a packet.
	Data []byte
	// PTS and DTS are when it is shown and when it is decoded, from the beginning of the file.
	PTS, DTS time.Duration
	// Duration is how long it lasts; 0 if that is not known.
	Duration time.Duration
	// Key says that a decoder can start on it; so it can on any unit of sound.
	Key bool

	bidirectional bool // it may refer to a picture that is shown later
}

// TrackInfo says what a track carries.
type TrackInfo struct {
	Kind  codec.Kind
	Codec string // RTP encoding name as a stream.Spec has it; of what has none, another short name: "AAC"
	// Profile is what SDP says of the codec's profile: "profile-level-id=42c01f"; "" for nothing.
	Profile  string
	Language string // as the file says; "" if it does not

	Width, Height int           // of video, pixels; 0 if not known
	FrameDuration time.Duration // of video with a constant rate; else 0
	Rate          int           // of sound, Hz
	Channels      int           // of sound
	Sets          []byte        // parameter sets of H.264 and H.265 in the byte stream format; of AV1 the OBUs

	reorders bool // the pictures are not shown in the order in which they stand, by what the parameter sets say
	// spsDuration is how long a picture lasts, by what the parameter sets say; 0: they do not.
	spsDuration time.Duration
}

// Playable says whether a browser can be sent the track as it is.
func (t TrackInfo) Playable() bool {
	switch t.Codec {
	case codec.H264, codec.H265, codec.VP8, codec.VP9, codec.AV1:
		return t.Kind == codec.Video
	case codec.Opus:
		return t.Kind == codec.Audio
	default:
		return false
	}
}

// like says whether one may stand for the other where it was announced.
func (t TrackInfo) like(other TrackInfo) bool {
	return t.Kind == other.Kind && t.Codec == other.Codec && t.Profile == other.Profile
}

// Format is the RTP payload format of a track that is playable.
func (t TrackInfo) Format() codec.Format {
	switch t.Codec {
	case codec.H264:
		f := publisher.H264()
		if t.Profile != "" {
			f.Fmtp = "level-asymmetry-allowed=1;packetization-mode=1;" + t.Profile
		}
		return f
	case codec.Opus:
		f := publisher.Opus()
		if t.Channels == 1 {
			f.Fmtp = "minptime=10;useinbandfec=1"
		}
		return f
	default:
		return codec.Format{Name: t.Codec, ClockRate: 90000, Fmtp: t.Profile}
	}
}

// Spec is what to publish of a track that is playable.
func (t TrackInfo) Spec() stream.Spec { return stream.Spec{Format: t.Format()} }

// choose returns the indexes of the tracks to play: the first video and the first sound that can be; -1 for none.
func choose(tracks []TrackInfo) (video, audio int) {
	video, audio = -1, -1
	for i, t := range tracks {
		switch {
		case !t.Playable():
		case t.Kind == codec.Video && video < 0:
			video = i
		case t.Kind == codec.Audio && audio < 0:
			audio = i
		}
	}
	return video, audio
}
