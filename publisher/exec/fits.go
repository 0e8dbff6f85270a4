package exec

import (
	"fmt"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

const (
	videoCodec = codec.H264
	mostSide   = 4096 // pixels
	h264SPS    = 7    // NAL unit type (ITU-T H.264 table 7-1)
)

// fits returns a *misfit if a track that is copied cannot be played as it is.
func fits(tracks []media.Track, copied plan) error {
	next := copied
	why := ""
	for _, t := range tracks {
		reason := ""
		switch {
		case t.Kind == codec.Video && copied.video:
			if reason = videoMisfit(t); reason != "" {
				next.video = false
			}
		case t.Kind == codec.Audio && copied.audio:
			if t.Codec != codec.Opus || t.Channels > 2 {
				reason = fmt.Sprintf("the sound is %s", t.Codec)
				next.audio = false
			}
		}
		if why == "" {
			why = reason
		}
	}
	if next == copied {
		return nil
	}
	return &misfit{next, why}
}

// unwritten is for a plan by which FFmpeg could not begin to write, which happens with AAC of a transport stream, whose packets
// alone say what it is. It does not say which of the two it was: the picture is given up last, which costs most. Each plan
// leads to one further down, so this ends; nil: nothing of what is wanted was copied.
func (c plan) unwritten(p Params) *misfit {
	const why = "the codecs cannot be copied: "
	switch video, audio := c.video && p.Video, c.audio && p.Audio; {
	case video && audio:
		return &misfit{plan{video: true}, why + "first the sound is transcoded"}
	case video && p.Audio:
		return &misfit{plan{audio: true}, why + "now the picture is transcoded, in place of the sound"}
	case video:
		return &misfit{plan{audio: c.audio}, why + "the picture is transcoded"}
	case audio:
		return &misfit{plan{video: c.video}, why + "the sound is transcoded"}
	default:
		return nil
	}
}

// videoMisfit says why a video track cannot be played as it is; "": it can.
func videoMisfit(t media.Track) string {
	if t.Codec != videoCodec {
		return fmt.Sprintf("the picture is %s", t.Codec)
	}
	for unit := range codec.NALUnits(t.Sets) {
		if unit[0]&0x1f != h264SPS {
			continue
		}
		s, err := codec.ParseH264SPS(unit)
		switch {
		case err != nil:
			return "the picture's parameters cannot be read"
		case s.ProfileIDC != 66 && s.ProfileIDC != 77 && s.ProfileIDC != 100 || s.BitDepth != 8:
			return fmt.Sprintf("the picture is H.264 of profile %d with %d bits", s.ProfileIDC, s.BitDepth)
		case !s.FrameMBSOnly:
			return "the picture is interlaced"
		case max(s.Width, s.Height) > mostSide:
			return "the picture is too large"
		}
	}
	return ""
}

// An order tells whether pictures come in another order than they are shown in.
type order struct {
	last time.Duration
	n    int // pictures looked at
	back int // of them, those that are shown before one that came before
}

const (
	orderWindow = 200 // pictures
	orderBack   = 3   // of them out of order: no mishap of a camera's clock
	orderMost   = time.Second
)

// reordered takes the next picture's time and says whether there are B-frames.
func (o *order) reordered(at time.Duration) bool {
	if o.n++; o.n > orderWindow {
		o.n, o.back = 1, 0
	}
	if at < o.last && o.last-at < orderMost { // against the one before alone: a clock that is put back is one mishap
		o.back++
	}
	o.last = at
	return o.back >= orderBack
}
