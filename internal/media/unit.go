package media

import (
	"time"

	"weir/internal/codec"
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

	// Bidirectional says that it may refer to a picture that is shown later.
	Bidirectional bool
}

// Track says what a track carries.
type Track struct {
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

	Rotation   int  // by how many degrees the picture is to be turned clockwise: 0, 90, 180, 270
	Interlaced bool // the pictures may be interlaced, by what the parameter sets say

	Reorders bool // the pictures are not shown in the order in which they stand, by what the parameter sets say
	// SPSDuration is how long a picture lasts, by what the parameter sets say; 0: they do not.
	SPSDuration time.Duration
}

// Playable says whether a browser can be sent the track as it is.
func (t Track) Playable() bool {
	switch t.Codec {
	case codec.H264, codec.H265, codec.VP8, codec.VP9, codec.AV1:
		return t.Kind == codec.Video
	case codec.Opus:
		return t.Kind == codec.Audio
	default:
		return false
	}
}

// Like says whether one may stand for the other where it was announced.
func (t Track) Like(other Track) bool {
	return t.Kind == other.Kind && t.Codec == other.Codec && t.Profile == other.Profile
}

// Info is what is known of a file without reading it all.
type Info struct {
	Container string
	Tracks    []Track
	Duration  time.Duration // 0: not said
}

// Choose returns the indexes of the tracks to play: the first video and the first sound that can be; -1 for none.
func Choose(tracks []Track) (video, audio int) {
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
