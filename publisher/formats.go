package publisher

import "weir/internal/codec"

// H264 is the H.264 that our encoder and our clip are in: constrained baseline (RFC 6184 8.1). Level 3.1 is what receivers
// agree to; they decode what is larger as well, hence level-asymmetry-allowed.
func H264() codec.Format {
	return codec.Format{
		Name: codec.H264, ClockRate: 90000,
		Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
	}
}

// VP8 is VP8, which has no parameters that matter (RFC 7741 6.1).
func VP8() codec.Format {
	return codec.Format{Name: codec.VP8, ClockRate: 90000}
}

// Opus is stereo at 48 kHz (RFC 7587 6.1).
func Opus() codec.Format {
	return codec.Format{
		Name: codec.Opus, ClockRate: 48000, Channels: 2,
		Fmtp: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1",
	}
}
