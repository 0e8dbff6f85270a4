package publisher

import (
	"errors"
	"fmt"
	"image"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// A PictureFeed hands over pictures that come from elsewhere, from a camera, in a rhythm of their own. One goroutine uses
// it: the rendition's.
type PictureFeed interface {
	// Next returns the picture whose turn it is, 4:2:0 and of the size that the encoder was made for, and nil if none has
	// come since. It does not wait. The picture is valid until the next call and is not written to.
	Next() (*image.YCbCr, error)
	// Close is called once, and nothing after it.
	Close() error
}

// A SoundFeed is what a PictureFeed is, for sound.
type SoundFeed interface {
	// Next returns 960 samples of each channel, interleaved. It does not wait: what is missing is silence.
	Next() ([]int16, error)
	Close() error
}

// NewFedVideo returns the rendition of pictures that come from elsewhere. The feed is opened each time the track comes into
// demand, before the encoder is made, and closed with it.
func NewFedVideo(spec stream.Spec, params VideoParams, feed func() (PictureFeed, error), open NewVideoEncoder) (*Rendition, error) {
	return NewRendition(RenditionOptions{Spec: spec, Rate: params.Rate, Open: func() (Encoder, error) {
		f, err := feed()
		if err != nil {
			return nil, err
		}
		e, err := open(params)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return &fedVideo{encoder: e, feed: f, annexB: spec.Format.Name == codec.H264}, nil
	}})
}

// NewFedAudio returns the rendition of sound that comes from elsewhere; see NewFedVideo.
func NewFedAudio(spec stream.Spec, params AudioParams, feed func() (SoundFeed, error), open NewAudioEncoder) (*Rendition, error) {
	return NewRendition(RenditionOptions{Spec: spec, Rate: SoundRate, Slack: SoundSlack, Open: func() (Encoder, error) {
		f, err := feed()
		if err != nil {
			return nil, err
		}
		e, err := open(params)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return &fedAudio{encoder: e, feed: f}, nil
	}})
}

// fedVideo encodes what its feed has.
type fedVideo struct {
	encoder VideoEncoder
	feed    PictureFeed
	annexB  bool
	sets    parameterSets
}

var _ BitRater = (*fedVideo)(nil)

func (e *fedVideo) Encode(n int64, _ time.Time, keyFrame bool) ([]byte, error) {
	img, err := e.feed.Next()
	if err != nil || img == nil {
		return nil, err
	}
	unit, err := e.encoder.Encode(img, keyFrame)
	if err != nil {
		return nil, fmt.Errorf("encode picture %d: %w", n, err)
	}
	if e.annexB {
		unit = e.sets.complete(unit)
	}
	return unit, nil
}

func (e *fedVideo) SetBitRate(bps int) error { return e.encoder.SetBitRate(bps) }

func (e *fedVideo) Close() error { return errors.Join(e.encoder.Close(), e.feed.Close()) }

// fedAudio encodes what its feed has.
type fedAudio struct {
	encoder AudioEncoder
	feed    SoundFeed
}

func (e *fedAudio) Encode(n int64, _ time.Time, _ bool) ([]byte, error) {
	pcm, err := e.feed.Next()
	if err != nil || pcm == nil {
		return nil, err
	}
	unit, err := e.encoder.Encode(pcm)
	if err != nil {
		return nil, fmt.Errorf("encode sound %d: %w", n, err)
	}
	return unit, nil
}

func (e *fedAudio) Close() error { return errors.Join(e.encoder.Close(), e.feed.Close()) }
