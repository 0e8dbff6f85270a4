//go:build cgo

package device

import (
	"fmt"
	"io"
	"time"

	mdcodec "github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/codec/opus"
	"github.com/pion/mediadevices/pkg/io/audio"
	"github.com/pion/mediadevices/pkg/prop"
	"github.com/pion/mediadevices/pkg/wave"

	"weir/publisher"
)

const (
	opusRate = 48000
	opusUnit = opusRate / publisher.SoundRate // samples of a channel in a packet
)

// opusEncoder is one libopus encoder. Only the goroutine that made it uses it.
type opusEncoder struct {
	channels int
	encoder  mdcodec.ReadCloser
	next     []int16 // the sound that encoder reads; nil: none
	closed   bool
}

// Opus makes an Opus encoder for 20 ms packets at 48 kHz, of one or two channels. Only the calling goroutine may use
// it.
func Opus(p publisher.AudioParams) (publisher.AudioEncoder, error) {
	if p.Channels < 1 || p.Channels > 2 || p.BitRate < 6000 || p.BitRate > 510_000 {
		return nil, fmt.Errorf("libopus: %d channels, %d bit/s: must be 1 or 2 and 6000 to 510000 (RFC 6716 2.1.1)",
			p.Channels, p.BitRate)
	}
	params, err := opus.NewParams()
	if err != nil {
		return nil, fmt.Errorf("libopus: default parameters: %w", err)
	}
	params.BitRate, params.Latency = p.BitRate, opus.Latency20ms
	e := &opusEncoder{channels: p.Channels}
	e.encoder, err = params.BuildAudioEncoder(audio.ReaderFunc(e.read), prop.Media{Audio: prop.Audio{
		ChannelCount: p.Channels, SampleRate: opusRate, Latency: time.Second / publisher.SoundRate, IsInterleaved: true,
	}})
	if err != nil {
		return nil, fmt.Errorf("libopus: make encoder: %w", err)
	}
	return e, nil
}

// read hands the encoder the sound that Encode was called with.
func (e *opusEncoder) read() (wave.Audio, func(), error) {
	if e.next == nil {
		return nil, func() {}, io.EOF
	}
	pcm := e.next
	e.next = nil
	return &wave.Int16Interleaved{
		Data: pcm, Size: wave.ChunkInfo{Len: opusUnit, Channels: e.channels, SamplingRate: opusRate},
	}, func() {}, nil
}

// Encode implements publisher.AudioEncoder.
func (e *opusEncoder) Encode(pcm []int16) ([]byte, error) {
	if e.closed {
		return nil, errClosed
	}
	if len(pcm) != opusUnit*e.channels {
		return nil, fmt.Errorf("%d samples, encoder takes %d", len(pcm), opusUnit*e.channels)
	}
	e.next = pcm
	b, release, err := e.encoder.Read()
	if err != nil {
		return nil, fmt.Errorf("read encoder: %w", err)
	}
	release() // b is a buffer of its own
	return b, nil
}

// Close implements publisher.AudioEncoder; more calls do nothing.
func (e *opusEncoder) Close() error {
	if e.closed {
		return nil
	}
	e.closed = true
	if err := e.encoder.Close(); err != nil {
		return fmt.Errorf("close libopus: %w", err)
	}
	return nil
}
