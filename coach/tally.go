package coach

import (
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/stream"
)

const (
	// lookEvery is the time between two looks at a stream.
	lookEvery = time.Second
	// keysKept is how many of the newest key frames are remembered.
	keysKept = 8
	// mostJump is how far timestamps may go in one step before they count as
	// begun anew: pictures out of order are within it.
	mostJump = 5 * time.Second
	// mostGap is how far numbers may go in one step before they do.
	mostGap = 3000
)

// A tally counts the packets that one publication writes to one track. What it
// counts it shows about once a second, as a copy: who writes the track and who
// looks share nothing else.
type tally struct {
	// static after newTally
	publication *stream.Publication
	audio       bool
	name        string // of the codec
	rate        uint32 // of the clock, Hz

	// owned by who writes the track, one at a time
	counts
	sets      *codec.ParameterSets // of H.265
	sequence  uint16               // the newest packet in the order in which they were sent
	timestamp uint32               // of that packet
	media     int64                // clock rate units from the first packet to that one
	began     time.Time
	mark      int64 // clock rate units at began
	key       int64 // those of the newest key frame
	holes     int   // packets that did not come since then
	shownAt   time.Time

	shown atomic.Pointer[counts]
}

// counts are what there was since the tally began.
type counts struct {
	since, at    time.Time // when the first and the newest packet came
	packets      uint64
	bytes        uint64 // of payload
	pictures     uint64 // timestamps, of audio too
	back         uint64 // of them those that are before the one sent before
	b            uint64 // H.264: of them B-pictures
	reordered    uint8  // H.265: by how many places pictures are, as the stream declares
	mono, stereo uint64 // packets of Opus
	keyFrames    uint64 // all, of which the newest are in keys
	keys         [keysKept]keyFrame
	open         time.Duration // from the newest key frame to the newest picture
	anew         uint64        // times that timestamps or numbers began anew
	lead         point         // when, since the copy before, media was most ahead of time; from a zero of its own
}

// A keyFrame is when one came, and how far it is from the one before by
// timestamps.
type keyFrame struct {
	at       time.Time
	distance time.Duration // 0: there was none before
	whole    bool          // all packets between the two came
}

func newTally(t *stream.Track, p *stream.Publication) *tally {
	format := t.Spec().Format
	y := &tally{publication: p, audio: t.Kind() == codec.Audio, name: codec.Canonical(format.Name), rate: format.ClockRate}
	if y.name == codec.H265 {
		y.sets = codec.NewParameterSets(format)
	}
	return y
}

// observe is a stream.Observer.
func (y *tally) observe(p *stream.Publication, at time.Time, pkt *rtp.Packet) {
	if p != y.publication || y.rate == 0 {
		return
	}
	if y.packets == 0 {
		y.since, y.began, y.shownAt, y.lead = at, at, at, point{ahead: never}
		y.sequence, y.timestamp = pkt.SequenceNumber-1, pkt.Timestamp
	}
	y.at = at
	y.packets++
	y.bytes += uint64(len(pkt.Payload))
	media := y.place(at, pkt)
	y.lead = y.lead.or(point{at, y.span(media-y.mark) - at.Sub(y.began)})
	if y.audio {
		y.hear(pkt.Payload)
	} else {
		y.see(at, media, pkt.Payload)
	}
	if at.Sub(y.shownAt) >= lookEvery {
		y.open = y.span(max(y.media-y.key, 0))
		shown := y.counts
		y.shown.Store(&shown)
		y.shownAt, y.lead = at, point{ahead: never}
	}
}

// place gives a packet its place by number and timestamp, and returns the
// latter. What comes late or again says nothing about the order of pictures: it
// is the order of numbers that they were sent in.
func (y *tally) place(at time.Time, pkt *rtp.Packet) (media int64) {
	ahead := int(int16(pkt.SequenceNumber - y.sequence))
	step := int64(int32(pkt.Timestamp - y.timestamp))
	if ahead > mostGap || ahead < -mostGap || y.span(step).Abs() > mostJump {
		y.anew++
		y.sequence, y.timestamp = pkt.SequenceNumber, pkt.Timestamp
		y.began, y.mark, y.holes = at, y.media, y.holes+1
		return y.media
	}
	if ahead <= 0 {
		y.holes = max(y.holes-1, 0)
		return y.media + step
	}
	y.holes += ahead - 1
	if step != 0 || y.packets == 1 {
		y.pictures++
	}
	if step < 0 {
		y.back++
	}
	y.media += step
	y.sequence, y.timestamp = pkt.SequenceNumber, pkt.Timestamp
	return y.media
}

// see reads a payload of video.
func (y *tally) see(at time.Time, media int64, payload []byte) {
	var isKey bool
	switch y.name {
	case codec.H264, codec.H265:
		c := codec.ContentOf(y.name, payload)
		isKey = c&(codec.ContentKey|codec.ContentSPS|codec.ContentVPS) != 0
		if c&codec.ContentB != 0 {
			y.b++
		}
		if c&codec.ContentSPS != 0 && y.sets != nil {
			y.sets.Read(payload)
			if sps, ok := y.sets.SPS(); ok {
				y.reordered = sps.Reordered
			}
		}
	default:
		isKey = codec.KeyFrameStart(y.name, payload)
	}
	if isKey && (y.keyFrames == 0 || media > y.key) {
		y.note(at, media)
	}
}

// note remembers a key frame.
func (y *tally) note(at time.Time, media int64) {
	k := keyFrame{at: at}
	if y.keyFrames > 0 {
		k.distance, k.whole = y.span(media-y.key), y.holes == 0
	}
	y.keys[y.keyFrames%keysKept] = k
	y.keyFrames++
	y.key, y.holes = media, 0
}

// hear reads the first byte of an Opus packet (RFC 6716 3.1). What has no more
// than that is silence, and says nothing.
func (y *tally) hear(payload []byte) {
	const leastSound, stereo = 3, 0x04
	switch {
	case y.name != codec.Opus || len(payload) < leastSound:
	case payload[0]&stereo != 0:
		y.stereo++
	default:
		y.mono++
	}
}

// span is the time of so many clock rate units.
func (y *tally) span(ticks int64) time.Duration {
	rate := int64(y.rate)
	return time.Duration(ticks/rate)*time.Second + time.Duration(ticks%rate)*time.Second/time.Duration(rate)
}
