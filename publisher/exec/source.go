package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"weir/internal/container/matroska"
	"weir/internal/media"
	"weir/publisher"
	"weir/publisher/feed"
	"weir/stream"
)

// A source is one input. It implements publisher.Source, publisher.Counter and publisher.Beginner.
type source struct {
	// static after FFmpeg.Source
	ffmpeg *FFmpeg
	stream string
	params Params
	input  input
	live   *feed.Live
}

// A misfit is what ends a child that copies what nobody can play, and how the next one does it.
type misfit struct {
	next plan
	why  string
}

func (m *misfit) Error() string { return m.why }

// Specs are H.264 and Opus, whichever of them are wanted: what the input has is not known yet.
func (s *source) Specs() []stream.Spec {
	var specs []stream.Spec
	if s.params.Video {
		specs = append(specs, stream.Spec{Format: publisher.H264()})
	}
	if s.params.Audio {
		specs = append(specs, stream.Spec{Format: publisher.Opus()})
	}
	return specs
}

// Stats implements publisher.Counter.
func (s *source) Stats() []publisher.Stats { return s.live.Stats() }

// Begun implements publisher.Beginner.
func (s *source) Begun() time.Time { return s.live.Begun() }

// Run implements publisher.Source. The input's end is the media's end only where it has one of its own: a camera has none.
func (s *source) Run(ctx context.Context, p *stream.Publication) error {
	release, err := s.ffmpeg.take()
	if err != nil {
		return err
	}
	defer release()
	for {
		err := s.play(ctx, p, s.ffmpeg.plan(s.params, s.input))
		m, ok := errors.AsType[*misfit](err)
		if !ok || ctx.Err() != nil {
			return err
		}
		s.ffmpeg.opts.Logger.Info("input is transcoded", "stream", s.stream, "reason", m.why)
		s.ffmpeg.learn(s.input, m.next) // which copies less than the last: this comes to an end
	}
}

// play runs one child, if its input may be opened.
func (s *source) play(owner context.Context, p *stream.Publication, copied plan) error {
	ctx, cancel := context.WithCancel(owner)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-ctx.Done():
		case <-p.Done():
			cancel()
		}
	})
	defer watching.Wait()
	defer cancel()
	err := s.ffmpeg.leads(ctx, s.input)
	if err == nil {
		err = s.open(ctx, p, copied)
	}
	switch {
	case owner.Err() != nil:
		return nil
	case p.Reason() != "":
		return fmt.Errorf("%w: %s", publisher.ErrPublicationEnded, p.Reason())
	default:
		return err
	}
}

// open runs one child until it ends, or until owner does.
func (s *source) open(owner context.Context, p *stream.Publication, copied plan) error {
	c, err := startChild(command{
		path: s.ffmpeg.opts.Path, args: arguments(s.params, s.input, copied, s.ffmpeg.opts.CAFile), env: environment(), secrets: s.input.secrets,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(owner)
	var closing sync.WaitGroup
	closing.Go(func() {
		<-ctx.Done()
		if err := c.Close(); err != nil {
			s.ffmpeg.opts.Logger.Error("ffmpeg does not end", "stream", s.stream, "err", err)
		}
	})
	defer closing.Wait()
	defer cancel()
	var stalled atomic.Bool
	watch := time.AfterFunc(s.params.timeout(), func() {
		stalled.Store(true)
		cancel()
	})
	defer watch.Stop()
	err = s.read(ctx, p, c, copied, func() { watch.Reset(s.params.timeout()) })
	switch {
	case owner.Err() != nil:
		return owner.Err() //nolint:wrapcheck // it is the caller's
	case stalled.Load():
		return told(fmt.Sprintf("nothing has come from %s for %d seconds", s.input.shown, s.params.Timeout), c.tail.all())
	default:
		return s.ending(ctx, c, copied, err)
	}
}

// read passes on what the child writes, until it ends or does not fit. It calls seen for each unit.
func (s *source) read(ctx context.Context, p *stream.Publication, c *child, copied plan, seen func()) error {
	m, err := matroska.Read(ctx, c)
	if err != nil {
		return fmt.Errorf("open what FFmpeg writes: %w", err)
	}
	tracks := m.Tracks()
	if err := fits(tracks, copied); err != nil {
		return err
	}
	var pictures order
	return s.live.Run(ctx, p, tracks, func() (media.Unit, error) {
		u, err := m.Next()
		if err != nil {
			return u, err
		}
		seen()
		if copied.video && tracks[u.Track].Codec == videoCodec && pictures.reordered(u.PTS) {
			return u, &misfit{plan{audio: copied.audio}, "pictures come out of order: B-frames"}
		}
		return u, nil
	})
}

// ending says what the end of a child means that nobody asked for.
func (s *source) ending(ctx context.Context, c *child, copied plan, err error) error {
	if _, ok := errors.AsType[*misfit](err); ok {
		return err
	}
	grace := killGrace // its end of the pipe is closed, so it ends, or it never does
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		grace = tellGrace // it may have ended in the middle of a word
	}
	if !c.ended(grace) {
		if err == nil {
			err = errors.New("FFmpeg writes no more and does not end")
		}
		return told(err.Error(), c.tail.all())
	}
	failure := c.failure(ctx)
	if failure != nil && strings.Contains(failure.Error(), noHeader) {
		if m := copied.unwritten(s.params); m != nil {
			return m
		}
	}
	switch {
	case failure != nil && len(s.input.scheme.options) > 0 && strings.Contains(failure.Error(), noAnswer):
		return fmt.Errorf("%w; if the server redirects to another address, that one must be the input: redirects are not followed", failure)
	case failure != nil:
		return failure
	case grace == tellGrace:
		return told(err.Error(), c.tail.all())
	case s.input.scheme.live:
		return told("the input has ended", c.tail.all())
	case err != nil:
		return told("the input holds nothing that can be played", c.tail.all())
	default:
		return nil
	}
}

const (
	// noHeader is what FFmpeg says where a codec cannot stand in Matroska.
	noHeader = "Could not write header"
	// noAnswer is all that FFmpeg says of a redirect that it is not to follow.
	noAnswer = "Input/output error"
)
