package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"weir/internal/codec"
)

// AAC is how AAC is named: it has no RTP format that browsers know.
const AAC = "AAC"

// A Converter makes a unit as it stands in a file into what RTP wants: it sets Data, Key, Duration and Bidirectional. A unit
// that is left out gets no Data. One goroutine uses it.
type Converter func(u *Unit) error

// NewConverter reads a codec's own data (avcC, hvcC, av1C, OpusHead) and completes what is told of the track. It is nil where
// the track turns out not to be playable; then the codec's name says why.
func NewConverter(info *Track, private []byte) (Converter, error) {
	switch info.Codec {
	case codec.H264, codec.H265:
		n := &nalConverter{hevc: info.Codec == codec.H265}
		if err := n.configure(private); err != nil {
			return nil, err
		}
		n.describe(info)
		return n.convert, nil
	case codec.VP8:
		return convertVP8, nil
	case codec.VP9:
		return convertVP9, nil
	case codec.AV1:
		c := &av1Converter{}
		if len(private) >= 4 && private[0] == 0x81 { // marker and version (AV1 in ISOBMFF 2.3)
			info.Profile = fmt.Sprintf("profile=%d;level-idx=%d;tier=%d", private[1]>>5, private[1]&0x1f, private[2]>>7)
			c.sets = bytes.Clone(private[4:])
			info.Sets = c.sets
		}
		return c.convert, nil
	case codec.Opus:
		if channels, _, ok := OpusHead(private); ok {
			info.Channels = channels
		}
		return opusConverter(info)
	default:
		return nil, nil //nolint:nilnil // not playable, as said above
	}
}

// opusConverter is nil for more channels than two, which browsers do not take.
func opusConverter(info *Track) (Converter, error) {
	info.Rate = 48000
	if info.Channels > 2 {
		info.Codec = fmt.Sprintf("Opus with %d channels", info.Channels)
		return nil, nil //nolint:nilnil // not playable
	}
	var last time.Duration
	return func(u *Unit) error {
		d, ok := opusDuration(u.Data)
		switch {
		case ok:
			last = d
		case len(u.Data) > 0: // damaged: what it says of its duration is nothing to go by
			d, u.Data = last, nil
		default:
			d = 0
		}
		u.Key, u.Duration = true, d
		return nil
	}, nil
}

// convertVP8 reads the frame's first bit (RFC 6386 9.1).
func convertVP8(u *Unit) error {
	u.Key = len(u.Data) > 0 && u.Data[0]&1 == 0
	return nil
}

// convertVP9 reads the frame's first bits (VP9 6.2).
func convertVP9(u *Unit) error {
	u.Key = keyVP9(u.Data)
	return nil
}

// ProfileVP9 is what SDP says of the profile of a frame: its two bits, the lower one first (VP9 6.2); "" if it is none.
func ProfileVP9(b []byte) string {
	if len(b) == 0 || b[0]>>6 != 2 {
		return ""
	}
	return fmt.Sprintf("profile-id=%d", b[0]>>5&1|b[0]>>4&1<<1)
}

func keyVP9(b []byte) bool {
	if len(b) == 0 || b[0]>>6 != 2 {
		return false
	}
	if b[0]&0x30 == 0x30 { // profile 3 has a reserved bit
		return b[0]&0x06 == 0
	}
	return b[0]&0x0c == 0 // show_existing_frame, frame_type
}

// An av1Converter puts the sequence header in front of key frames that lack it.
type av1Converter struct{ sets []byte }

func (c *av1Converter) convert(u *Unit) error {
	sequence, key, err := lookAV1(u.Data)
	if err != nil {
		return err
	}
	u.Key = key && (sequence || len(c.sets) > 0)
	if key && !sequence && len(c.sets) > 0 {
		u.Data = append(append(make([]byte, 0, len(c.sets)+len(u.Data)), c.sets...), u.Data...)
	}
	return nil
}

// OBU types (AV1 6.2.2).
const (
	obuSequenceHeader = 1
	obuFrameHeader    = 3
	obuFrame          = 6
)

// lookAV1 goes through a temporal unit: does it have a sequence header, and is its first frame a key frame that is shown?
func lookAV1(b []byte) (sequence, key bool, err error) {
	frames := 0
	for len(b) > 0 {
		kind, payload, rest, err := obu(b)
		if err != nil {
			return false, false, err
		}
		switch kind {
		case obuSequenceHeader:
			sequence = true
		case obuFrame, obuFrameHeader:
			if frames == 0 {
				key = len(payload) > 0 && payload[0]&0xe0 == 0 // show_existing_frame, frame_type (5.9.2)
			}
			frames++
		}
		b = rest
	}
	return sequence, key, nil
}

// obu reads one (AV1 5.3).
func obu(b []byte) (kind byte, payload, rest []byte, err error) {
	kind = b[0] >> 3 & 0x0f
	at := 1
	if b[0]&0x04 != 0 {
		at++
	}
	if b[0]&0x80 != 0 || at > len(b) {
		return 0, nil, nil, Damagedf("an AV1 unit is cut off")
	}
	if b[0]&0x02 == 0 { // no size: it goes on to the end
		return kind, b[at:], nil, nil
	}
	size, n := binary.Uvarint(b[at:])
	if n <= 0 || size > uint64(len(b)-at-n) {
		return 0, nil, nil, Damagedf("an AV1 unit is larger than its frame")
	}
	at += n
	return kind, b[at : at+int(size)], b[at+int(size):], nil
}
