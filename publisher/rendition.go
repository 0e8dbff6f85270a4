package publisher

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// keyFrameGap is the least time between two key frames that an encoder is asked for, counted in due times.
const keyFrameGap = 300 * time.Millisecond

// clockInterval is how often a playing rendition repeats which wall time its timestamps belong to. The schedule is
// absolute; it is repeated only because timestamps wrap (RFC 3550 5.1).
const clockInterval = 5 * time.Second

// RenditionOptions describe a rendition.
type RenditionOptions struct {
	Spec stream.Spec
	// Rate is how many units there are in a second.
	Rate int
	// Slack is by how many units more than one a rendition may be late before it leaves units out.
	Slack int
	// Open makes the encoder, each time the track comes into demand, on the rendition's goroutine.
	Open func() (Encoder, error)
}

// A Rendition is one encoding of a source: an encoder while somebody watches, its packetizer and its clock, all owned by
// one goroutine, which Program.Run starts. RequestKeyFrame, SetBitRate and Stats may be called from any goroutine.
type Rendition struct {
	// static after NewRendition
	opts  RenditionOptions
	video bool
	base  uint32 // RTP timestamp of unit 0

	// owned by run
	packetizer *Packetizer

	keyFrameWanted atomic.Bool
	bitRate        atomic.Int64 // bits a second; 0: as the encoder was made
	counters       counters
}

type counters struct {
	units, skipped, empty, keyFrames, encoders, packets, bytes atomic.Uint64
	running                                                    atomic.Bool
}

// Stats are counters of a rendition since it was made.
type Stats struct {
	Spec      stream.Spec
	Units     uint64 // pictures or packets of sound that were encoded and sent
	Skipped   uint64 // units left out because the machine was late
	Empty     uint64 // units for which the encoder gave nothing
	KeyFrames uint64 // sent
	Encoders  uint64 // encoders made
	Packets   uint64 // RTP packets written
	Bytes     uint64 // of their payload
	Running   bool   // an encoder exists now
}

// NewRendition checks the options; it starts nothing.
func NewRendition(o RenditionOptions) (*Rendition, error) {
	if o.Rate < 1 || o.Slack < 0 || o.Open == nil || o.Spec.Format.ClockRate == 0 {
		return nil, fmt.Errorf("rendition %s: rate %d, slack %d: not usable", o.Spec.Format, o.Rate, o.Slack)
	}
	p, err := NewPacketizer(o.Spec.Format)
	if err != nil {
		return nil, fmt.Errorf("make a rendition: %w", err)
	}
	return &Rendition{opts: o, video: o.Spec.Format.Kind() == codec.Video, base: random32(), packetizer: p}, nil
}

// Spec is what the rendition makes.
func (r *Rendition) Spec() stream.Spec { return r.opts.Spec }

// RequestKeyFrame asks for a key frame: the next picture at which the last one is 300 ms old becomes one.
func (r *Rendition) RequestKeyFrame() { r.keyFrameWanted.Store(true) }

// SetBitRate sets the target in bits a second, of the running encoder from its next unit on and of every later one. An
// encoder that is no BitRater ignores it.
func (r *Rendition) SetBitRate(bps int) { r.bitRate.Store(int64(bps)) }

// Stats reads the counters.
func (r *Rendition) Stats() Stats {
	c := &r.counters
	return Stats{
		Spec: r.opts.Spec, Units: c.units.Load(), Skipped: c.skipped.Load(), Empty: c.empty.Load(),
		KeyFrames: c.keyFrames.Load(), Encoders: c.encoders.Load(), Packets: c.packets.Load(), Bytes: c.bytes.Load(),
		Running: c.running.Load(),
	}
}

// run plays whenever the track is in demand, until ctx is done (nil) or the publication has ended.
func (r *Rendition) run(ctx context.Context, start time.Time, p *stream.Publication, t *stream.Track) error {
	s := &performance{
		rendition: r, publication: p, track: t, demand: t.Demand(),
		schedule: schedule{start: start, rate: uint32(r.opts.Rate), clock: r.opts.Spec.Format.ClockRate, base: r.base},
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.Done():
			return fmt.Errorf("%w: %s", ErrPublicationEnded, p.Reason())
		case on := <-s.demand:
			if !on {
				continue
			}
			if err := s.play(ctx); err != nil {
				return fmt.Errorf("rendition %s: %w", r.opts.Spec.Format, err)
			}
		}
	}
}

// A performance is one rendition in one publication: what its goroutine keeps while it runs.
type performance struct {
	rendition   *Rendition
	publication *stream.Publication
	track       *stream.Track
	demand      <-chan bool
	schedule    schedule

	// of the encoder that runs
	encoder     Encoder
	started     bool      // a key frame was sent
	keyFrameDue time.Time // of the last key frame
	clockDue    time.Time // of the unit with which SetClock was last called
	bitRate     int64     // as set
}

// play owns one encoder from its making to its Close: until the demand, ctx or the publication ends.
func (s *performance) play(ctx context.Context) (err error) {
	r := s.rendition
	s.encoder, err = r.opts.Open()
	if err != nil {
		return fmt.Errorf("make encoder: %w", err)
	}
	r.counters.encoders.Add(1)
	r.counters.running.Store(true)
	defer func() {
		r.counters.running.Store(false)
		err = errors.Join(err, s.encoder.Close())
	}()
	s.started, s.keyFrameDue, s.clockDue, s.bitRate = false, time.Time{}, time.Time{}, 0

	n := max(s.schedule.unit(time.Now()), 0)
	timer := time.NewTimer(time.Until(s.schedule.due(n)))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.publication.Done():
			return nil
		case on := <-s.demand:
			if !on {
				return nil
			}
		case <-timer.C:
			if newest := s.schedule.unit(time.Now()); newest > n+int64(r.opts.Slack) {
				r.counters.skipped.Add(uint64(newest - n))
				n = newest
			}
			if err := s.send(n); err != nil {
				return err
			}
			n++
			timer.Reset(time.Until(s.schedule.due(n)))
		}
	}
}

// send encodes unit n and writes its packets.
func (s *performance) send(n int64) error {
	r, due := s.rendition, s.schedule.due(n)
	if err := s.setBitRate(); err != nil {
		return err
	}
	keyFrame := r.video && (!s.started || r.keyFrameWanted.Load() && due.Sub(s.keyFrameDue) >= keyFrameGap)
	unit, err := s.encoder.Encode(n, due, keyFrame)
	if err != nil {
		return err
	}
	packets := r.packetizer.Packets(unit, s.schedule.timestamp(n))
	if len(packets) == 0 {
		r.counters.empty.Add(1)
		return nil
	}
	if due.Sub(s.clockDue) >= clockInterval {
		s.clockDue = due
		s.track.SetClock(s.publication, due, s.schedule.timestamp(n))
	}
	isKeyFrame := false
	for _, p := range packets {
		isKeyFrame = isKeyFrame || r.video && codec.KeyFrameStart(r.opts.Spec.Format.Name, p.Payload)
	}
	if isKeyFrame {
		s.started, s.keyFrameDue = true, due
		r.keyFrameWanted.Store(false)
		r.counters.keyFrames.Add(1)
	}
	for _, p := range packets {
		r.counters.bytes.Add(uint64(len(p.Payload)))
		s.track.WriteRTP(s.publication, p)
	}
	r.counters.packets.Add(uint64(len(packets)))
	r.counters.units.Add(1)
	return nil
}

// setBitRate hands a new wish to the encoder.
func (s *performance) setBitRate() error {
	want := s.rendition.bitRate.Load()
	e, ok := s.encoder.(BitRater)
	if !ok || want == s.bitRate {
		return nil
	}
	s.bitRate = want
	if err := e.SetBitRate(int(want)); err != nil {
		return fmt.Errorf("set bit rate: %w", err)
	}
	return nil
}
