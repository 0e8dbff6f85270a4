//go:build cgo

package device

import (
	"errors"
	"fmt"
	"image"
	"io"

	mdcodec "github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/codec/openh264"
	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"

	"weir/internal/codec"
	"weir/publisher"
)

// errClosed is what Encode and SetBitRate return after Close. The library would write into freed memory.
var errClosed = errors.New("encoder is closed")

// Missing is why encoders are missing, nil where they are built in.
func Missing() error { return nil }

// h264Encoder is one OpenH264 encoder. Only the goroutine that made it uses it.
type h264Encoder struct {
	size    image.Point
	encoder mdcodec.ReadCloser
	next    *image.YCbCr // the picture that encoder reads; nil: none
	closed  bool
}

// OpenH264 makes an H.264 encoder: constrained baseline, one slice a picture, one thread. To hold its bit rate it leaves
// pictures out. The library writes a line or two to standard error, which cannot be had otherwise. Only the calling
// goroutine may use the encoder.
func OpenH264(p publisher.VideoParams) (publisher.VideoEncoder, error) {
	if err := checkSize(p); err != nil {
		return nil, fmt.Errorf("OpenH264: %w", err)
	}
	if p.Rate < 1 || p.BitRate < 1 {
		return nil, fmt.Errorf("OpenH264: rate %d, bit rate %d: must be positive", p.Rate, p.BitRate)
	}
	params, err := openh264.NewParams()
	if err != nil {
		return nil, fmt.Errorf("OpenH264: default parameters: %w", err)
	}
	params.BitRate = p.BitRate
	params.EnableFrameSkip = true // without it the bit rate is not held
	params.IntraPeriod = uint(keyFrameSeconds * p.Rate)
	params.SliceMode, params.SliceNum, params.SliceSizeConstraint = openh264.SMSingleSlice, 1, 0
	params.MultipleThreadIdc = 1
	e := &h264Encoder{size: image.Pt(p.Width, p.Height)}
	e.encoder, err = params.BuildVideoEncoder(video.ReaderFunc(e.read), prop.Media{Video: prop.Video{
		Width: p.Width, Height: p.Height, FrameRate: float32(p.Rate), FrameFormat: frame.FormatI420,
	}})
	if err != nil {
		return nil, fmt.Errorf("OpenH264: make encoder: %w", err)
	}
	return e, nil
}

// read hands the encoder the picture that Encode was called with.
func (e *h264Encoder) read() (image.Image, func(), error) {
	if e.next == nil {
		return nil, func() {}, io.EOF
	}
	img := e.next
	e.next = nil
	return img, func() {}, nil
}

// Encode implements publisher.VideoEncoder.
func (e *h264Encoder) Encode(img *image.YCbCr, keyFrame bool) ([]byte, error) {
	if e.closed {
		return nil, errClosed
	}
	if err := checkPicture(img, e.size); err != nil {
		return nil, err
	}
	if keyFrame {
		c, ok := e.encoder.Controller().(mdcodec.KeyFrameController)
		if !ok {
			return nil, errors.New("encoder cannot be asked for a key frame")
		}
		if err := c.ForceKeyFrame(); err != nil {
			return nil, fmt.Errorf("force key frame: %w", err)
		}
	}
	e.next = img
	b, release, err := e.encoder.Read()
	if err != nil {
		return nil, fmt.Errorf("read encoder: %w", err)
	}
	release() // b is a copy of its own
	return withColours(b), nil
}

// withColours says of a key frame's parameter set what its colours are. The library has no setting for that.
func withColours(b []byte) []byte {
	const start, sps = "\x00\x00\x00\x01", 7
	if len(b) <= len(start) || b[len(start)]&0x1f != sps {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for unit := range codec.NALUnits(b) {
		if unit[0]&0x1f == sps {
			unit = codec.H264InBT601(unit)
		}
		out = append(append(out, start...), unit...)
	}
	return out
}

// SetBitRate implements publisher.VideoEncoder.
func (e *h264Encoder) SetBitRate(bps int) error {
	if e.closed {
		return errClosed
	}
	c, ok := e.encoder.Controller().(mdcodec.BitRateController)
	if !ok || bps < 1 {
		return fmt.Errorf("bit rate %d cannot be set", bps)
	}
	if err := c.SetBitRate(bps); err != nil {
		return fmt.Errorf("set bit rate %d: %w", bps, err)
	}
	return nil
}

// Close implements publisher.VideoEncoder; more calls do nothing.
func (e *h264Encoder) Close() error {
	if e.closed {
		return nil
	}
	e.closed = true
	if err := e.encoder.Close(); err != nil {
		return fmt.Errorf("close OpenH264: %w", err)
	}
	return nil
}
