package publisher

import (
	"fmt"
	"image"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// An Encoder makes the units of one rendition: pictures, or packets of sound. All its methods are called by the
// rendition's goroutine, which also made it.
type Encoder interface {
	// Encode returns unit n since the program's start, which is due at that time. keyFrame asks that it be one that a
	// decoder can start on; an encoder that cannot do so goes on as it does. An empty result means that there is nothing
	// to send for this unit. The bytes belong to the encoder and hold until the next call.
	Encode(n int64, due time.Time, keyFrame bool) ([]byte, error)
	// Close frees the encoder. It is called once, and nothing after it.
	Close() error
}

// A BitRater is an Encoder whose bit rate can be changed while it runs.
type BitRater interface {
	// SetBitRate sets the target in bits a second from the next unit on.
	SetBitRate(bps int) error
}

// VideoParams say what a video encoder gets and what it shall make of it.
type VideoParams struct {
	Width, Height int // pixels, even
	Rate          int // pictures a second
	BitRate       int // bits a second
}

// AudioParams say what an audio encoder gets and what it shall make of it: 20 ms at a time, 48 kHz, interleaved.
type AudioParams struct {
	Channels int
	BitRate  int // bits a second
}

// A VideoEncoder turns pictures into the access units of one codec. Exactly one goroutine uses it, Close included.
type VideoEncoder interface {
	// Encode returns one access unit, in the byte stream format (annex B) for H.264, or nothing if the encoder leaves
	// the picture out to hold its bit rate. It keeps neither img nor the bytes it returned before.
	Encode(img *image.YCbCr, keyFrame bool) ([]byte, error)
	SetBitRate(bps int) error
	Close() error
}

// An AudioEncoder turns sound into packets of one codec. Exactly one goroutine uses it, Close included.
type AudioEncoder interface {
	// Encode takes 960 samples of each channel, interleaved.
	Encode(pcm []int16) ([]byte, error)
	Close() error
}

// NewVideoEncoder makes a VideoEncoder; the error says what is missing.
type NewVideoEncoder func(VideoParams) (VideoEncoder, error)

// NewAudioEncoder makes an AudioEncoder; the error says what is missing.
type NewAudioEncoder func(AudioParams) (AudioEncoder, error)

// A Picture is drawn anew for each unit. One goroutine at a time uses it.
type Picture interface {
	// Draw returns picture n, due at that time; 4:2:0, and valid until the next call.
	Draw(n int64, due time.Time) *image.YCbCr
}

// A Sound is computed 20 ms at a time. One goroutine at a time uses it.
type Sound interface {
	// Samples returns 960 samples of each channel, interleaved, from sample n·960 on; valid until the next call, not to
	// be written to.
	Samples(n int64) []int16
}

// SoundRate is how many units of sound there are in a second: 20 ms each.
const SoundRate = 50

// SoundSlack is by how many units sound may be late before one is left out: a gap is heard, three small packets in a row
// are not.
const SoundSlack = 2

// NewVideo returns the rendition of a picture by an encoder that open makes each time the track comes into demand.
func NewVideo(spec stream.Spec, params VideoParams, picture Picture, open NewVideoEncoder) (*Rendition, error) {
	return NewRendition(RenditionOptions{Spec: spec, Rate: params.Rate, Open: func() (Encoder, error) {
		e, err := open(params)
		if err != nil {
			return nil, err
		}
		return &videoEncoder{VideoEncoder: e, picture: picture, annexB: spec.Format.Name == codec.H264}, nil
	}})
}

// NewAudio returns the rendition of a sound by an encoder that open makes each time the track comes into demand.
func NewAudio(spec stream.Spec, params AudioParams, sound Sound, open NewAudioEncoder) (*Rendition, error) {
	return NewRendition(RenditionOptions{Spec: spec, Rate: SoundRate, Slack: SoundSlack, Open: func() (Encoder, error) {
		e, err := open(params)
		if err != nil {
			return nil, err
		}
		return audioEncoder{AudioEncoder: e, sound: sound}, nil
	}})
}

// videoEncoder draws what it encodes.
type videoEncoder struct {
	VideoEncoder
	picture Picture
	annexB  bool
	sets    parameterSets
}

func (e *videoEncoder) Encode(n int64, due time.Time, keyFrame bool) ([]byte, error) {
	unit, err := e.VideoEncoder.Encode(e.picture.Draw(n, due), keyFrame)
	if err != nil {
		return nil, fmt.Errorf("encode picture %d: %w", n, err)
	}
	if e.annexB {
		unit = e.sets.complete(unit)
	}
	return unit, nil
}

// audioEncoder computes what it encodes.
type audioEncoder struct {
	AudioEncoder
	sound Sound
}

func (e audioEncoder) Encode(n int64, _ time.Time, _ bool) ([]byte, error) {
	unit, err := e.AudioEncoder.Encode(e.sound.Samples(n))
	if err != nil {
		return nil, fmt.Errorf("encode sound %d: %w", n, err)
	}
	return unit, nil
}
