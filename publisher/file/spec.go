package file

import (
	"weir/internal/codec"
	"weir/internal/media"
	"weir/publisher"
	"weir/stream"
)

// formatOf is the RTP payload format of a track that is playable.
func formatOf(t media.Track) codec.Format {
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

// specOf is what to publish of a track that is playable.
func specOf(t media.Track) stream.Spec { return stream.Spec{Format: formatOf(t)} }
