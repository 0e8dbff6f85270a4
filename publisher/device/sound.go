//go:build cgo && linux

package device

import (
	"fmt"
	"time"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/prop"
	"github.com/pion/mediadevices/pkg/wave"

	"weir/publisher"
)

const (
	soundChannels = 2
	soundUnit     = soundChannels * opusUnit // samples in 20 ms
	soundTap      = 16                       // chunks that wait for an encoder
	leastSound    = 2 * soundUnit            // that are held before the first is given away, against gaps
	mostSound     = 8 * soundUnit            // that are held; then all but the newest go, so that sound is not late for ever
	deafTime      = 5 * time.Second          // without sound, after which a microphone is given up
)

// A listener is a driver that gives sound.
type listener interface {
	driver.Driver
	driver.AudioRecorder
}

// An ear is one encoder's end of a microphone.
type ear struct {
	*tap

	held    []int16
	begun   bool // something was given
	flowing bool
	unit    [soundUnit]int16
}

var _ publisher.SoundFeed = (*ear)(nil)

// ear opens a microphone, or joins those who use it.
func (v *Inventory) ear(u *unit) *ear { return &ear{tap: v.tap(u, soundTap, (*capture).hear)} }

// Next implements publisher.SoundFeed. It gives nothing until the device does, and silence where there is a gap.
func (e *ear) Next() ([]int16, error) {
	for {
		got, ok, err := e.take()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		e.held = append(e.held, got.sound...)
	}
	if len(e.held) > mostSound {
		e.held = e.held[(len(e.held)-leastSound)&^1:]
	}
	e.flowing = len(e.held) >= leastSound || e.flowing && len(e.held) > 0
	if !e.flowing {
		if !e.begun {
			return nil, nil
		}
		clear(e.unit[:])
		return e.unit[:], nil
	}
	e.begun = true
	n := copy(e.unit[:], e.held)
	clear(e.unit[n:])
	e.held = append(e.held[:0], e.held[n:]...)
	return e.unit[:], nil
}

// hear has a microphone open until it fails or nobody uses it. Its driver waits for sound for ever, unless somebody closes it.
func (c *capture) hear() error {
	u := c.unit
	d, ok := c.driver().(listener)
	if !ok {
		return fmt.Errorf("%s is no microphone", u.quoted())
	}
	if err := d.Open(); err != nil {
		return u.why(err)
	}
	reader, err := d.AudioRecord(prop.Media{Audio: prop.Audio{
		ChannelCount: soundChannels, SampleRate: opusRate, SampleSize: 2, IsInterleaved: true, Latency: time.Second / publisher.SoundRate,
	}})
	if err != nil {
		return u.why(err) // the failure has closed the device
	}
	c.on(fmt.Sprintf("%d Hz, %d channels", opusRate, soundChannels))
	defer c.off()
	closed := make(chan struct{})
	deaf := time.AfterFunc(deafTime, func() {
		_ = d.Close() // unblocks Read
		close(closed)
	})
	for !c.stopped() {
		got, release, err := reader.Read()
		if !deaf.Stop() {
			<-closed
			return u.lost(fmt.Errorf("timeout: %w", ErrSilent), true)
		}
		var sound []int16
		if err == nil {
			sound, err = stereo(got)
			release()
		}
		if err != nil {
			return closing(d, u.lost(err, true))
		}
		c.share(chunk{sound: sound})
		deaf.Reset(deafTime)
	}
	if !deaf.Stop() {
		<-closed
		return nil
	}
	return closing(d, nil)
}

// closing closes a driver and returns the first error.
func closing(d driver.Driver, err error) error {
	if failed := d.Close(); err == nil && failed != nil {
		return fmt.Errorf("close: %w", failed)
	}
	return err
}

// stereo returns a copy of a driver's sound in two channels.
func stereo(sound wave.Audio) ([]int16, error) {
	pcm, ok := sound.(*wave.Int16Interleaved)
	if !ok || pcm.Size.SamplingRate != opusRate || pcm.Size.Channels < 1 {
		return nil, fmt.Errorf("sound of %T, %+v is not understood", sound, sound.ChunkInfo())
	}
	all := make([]int16, 0, len(pcm.Data)/pcm.Size.Channels*soundChannels)
	for i := 0; i+pcm.Size.Channels <= len(pcm.Data); i += pcm.Size.Channels {
		all = append(all, pcm.Data[i], pcm.Data[i+min(1, pcm.Size.Channels-1)])
	}
	return all, nil
}
