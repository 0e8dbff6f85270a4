package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
	"weir/publisher"
	"weir/stream"
)

const (
	// loopStep is what a loop's length is rounded up to: a packet of sound.
	loopStep = 20 * time.Millisecond
	// shortestLoop keeps a file of one picture from being read a thousand times a second.
	shortestLoop = 5 * loopStep
	// latest is how late a unit may be before the clock is set on instead of catching up.
	latest = 500 * time.Millisecond
	// clockEvery is how often the tracks are told which time their timestamps belong to.
	clockEvery = 5 * time.Second
	// maxInstant is how many units may be due at once.
	maxInstant = 5000
	// stillGap is the time between the two pictures of a stream that is paused: browsers show one only when the next comes.
	stillGap = 40 * time.Millisecond
	// stillEvery is the least time between two such pairs.
	stillEvery = time.Second
)

// A player plays the encodings of a clip by one clock. One goroutine uses it.
//
// It counts three times: a file's own; the clip's, which begins with the first picture of each file; and the feeds', which
// begins with epoch and never goes back. A unit is due, and stamped, at base + its time in the clip.
type player struct {
	source      *source
	publication *stream.Publication
	tracks      []*stream.Track // by feed
	reels       []*reel

	epoch   time.Time
	base    time.Duration // feeds' time of the clip's time 0
	first   time.Duration // the earliest unit of the clip
	end     time.Duration // of the latest unit so far
	least   time.Duration // of the unit that it was begun with
	clocked time.Time
	instant int  // units since it last waited
	barren  bool // since it began again nothing was sent

	paused  time.Time     // since when; zero: it plays
	stood   time.Duration // where it was paused, or was sent while it was; not the key frame before that
	stillAt time.Time     // when a still picture was last sent
}

// A reel is one encoding that is played.
type reel struct {
	encoding *encoding
	file     *os.File
	demuxer  demuxer
	from     time.Duration // the clip's time before which nothing is shown
	head     *media.Unit   // the next unit, in the clip's times; nil: not read yet
	feed     int           // of head
	ended    bool
	shown    time.Duration // of the last picture
	step     time.Duration // from the picture before it
	pictures bool          // there was one
}

// open makes a file ready to be read.
func (p *player) open(ctx context.Context, root *os.Root, e *encoding) error {
	f, err := openIn(root, e.path)
	if err != nil {
		return err
	}
	r := &reel{encoding: e, file: f}
	p.reels = append(p.reels, r)
	if e.converts() {
		wish := p.source.wanted()
		r.demuxer = &converted{
			ctx: ctx, transcode: p.source.opts.Transcode, length: e.about.Duration,
			what: Conversion{File: f, Loop: wish.Loop, Video: e.video, Audio: e.audio},
		}
		return nil
	}
	r.demuxer, err = p.source.demuxer(ctx, f)
	if err == nil && !slices.EqualFunc(r.demuxer.About().Tracks, e.about.Tracks, media.Track.Like) {
		err = fmt.Errorf("%w: it is another one than before", media.ErrDamaged)
	}
	return err
}

// close closes all files, and ends conversions first.
func (p *player) close() {
	for _, r := range p.reels {
		if c, ok := r.demuxer.(*converted); ok {
			if err := c.close(); err != nil {
				p.source.opts.Logger.Warn("conversion ended badly", "stream", p.source.stream, "err", err)
			}
		}
		_ = r.file.Close() // it was only read
	}
}

// play goes on until the clip has ended, the publication has, or ctx is done.
func (p *player) play(ctx context.Context) error {
	p.epoch = time.Now()
	wish, _ := p.source.wishes()
	if err := p.begin(0); err != nil {
		return err
	}
	if at := p.source.begins(wish); at > 0 {
		if err := p.begin(at); err != nil {
			return err
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	p.mark()
	if wish.Paused {
		p.stood = p.source.begins(wish)
		p.showStill(ctx, timer)
	}
	for {
		r, err := p.nearest()
		if err != nil {
			return err
		}
		if r == nil {
			more, err := p.turn(ctx, timer)
			if err != nil || !more {
				return err
			}
			continue
		}
		if err := p.wait(ctx, timer, p.due(r)); err != nil || ctx.Err() != nil {
			return err
		}
		if r.head != nil && p.paused.IsZero() && !time.Now().Before(p.due(r)) {
			p.send(r)
		}
		if p.instant > maxInstant {
			return media.Damagedf("more than %d units have the same time", maxInstant)
		}
	}
}

// due is when a reel's next unit is.
func (p *player) due(r *reel) time.Time { return p.epoch.Add(p.base + r.head.PTS) }

// nearest is the reel with the earliest unit; nil at the end of all.
func (p *player) nearest() (first *reel, err error) {
	for _, r := range p.reels {
		if err := p.fill(r); err != nil {
			return nil, err
		}
		if r.head != nil && (first == nil || r.head.PTS < first.head.PTS) {
			first = r
		}
	}
	return first, nil
}

// fill reads a reel's next unit, if there is one that is played.
func (p *player) fill(r *reel) error {
	for r.head == nil && !r.ended {
		u, err := r.demuxer.Next()
		if errors.Is(err, io.EOF) {
			r.ended = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", base(r.encoding.path), err)
		}
		if r.feed = p.feedOf(r, u.Track); r.feed < 0 {
			continue
		}
		u.PTS -= r.encoding.origin
		video := p.tracks[r.feed].Kind() == codec.Video
		if u.PTS < r.from {
			continue
		}
		if video {
			if r.pictures && u.PTS < r.shown || u.Bidirectional && !r.encoding.converts() {
				return fmt.Errorf("%w: %s", media.ErrUnsupported, problemBFrames(r.encoding.path, r.encoding.about.Tracks))
			}
			if r.pictures {
				r.step = u.PTS - r.shown
			}
			r.shown, r.pictures = u.PTS, true
		}
		r.head = &u
	}
	return nil
}

// feedOf is where a file's track goes; -1: nowhere.
func (p *player) feedOf(r *reel, track int) int {
	if !r.encoding.converts() {
		return r.encoding.feeds[track]
	}
	name := r.demuxer.About().Tracks[track].Codec
	for i, spec := range p.source.specs {
		if spec.Format.Name == name {
			return i
		}
	}
	return -1
}

// send writes a reel's next unit, which is due.
func (p *player) send(r *reel) {
	u := *r.head
	r.head = nil
	p.instant++
	p.barren = false
	now := time.Now()
	at := p.base + u.PTS
	if late := now.Sub(p.epoch.Add(at)); late > latest { // the machine slept: the clock goes on, the clip does not jump
		p.base += late
		at += late
		p.mark()
	}
	p.tell(now)
	p.source.feeds[r.feed].Write(p.publication, p.tracks[r.feed], u, at)
	lasts := u.Duration
	if lasts == 0 {
		lasts = r.step
	}
	p.end = max(p.end, u.PTS+lasts)
}

// tell says to the tracks which time their timestamps belong to.
func (p *player) tell(now time.Time) {
	if !p.clocked.IsZero() && now.Sub(p.clocked) < clockEvery {
		return
	}
	p.clocked = now
	for i, f := range p.source.feeds {
		p.tracks[i].SetClock(p.publication, now, f.Timestamp(now.Sub(p.epoch)))
	}
}

// wait returns when it is that time, or something was changed.
func (p *player) wait(ctx context.Context, timer *time.Timer, until time.Time) error {
	var due <-chan time.Time
	if p.paused.IsZero() {
		d := time.Until(until)
		if d > 0 {
			p.instant = 0
		}
		timer.Reset(d)
		due = timer.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.publication.Done():
			return fmt.Errorf("%w: %s", publisher.ErrPublicationEnded, p.publication.Reason())
		case <-due:
			return nil
		case <-p.source.wished:
			return p.heed(ctx, timer)
		case <-p.publication.KeyFrameWanted():
			if !p.paused.IsZero() && time.Since(p.stillAt) > stillEvery {
				return p.still(ctx, timer)
			}
		}
	}
}

// heed does what was wished for.
func (p *player) heed(ctx context.Context, timer *time.Timer) error {
	wish, seek := p.source.wishes()
	now := time.Now()
	switch {
	case wish.Paused && p.paused.IsZero():
		p.paused = now
		p.stood = p.source.spot.Load().at(now)
	case !wish.Paused && !p.paused.IsZero():
		p.base += now.Sub(p.paused)
		p.paused = time.Time{}
	}
	if seek {
		if err := p.begin(p.source.begins(wish)); err != nil {
			return err
		}
		if !p.paused.IsZero() {
			p.stood = p.source.begins(wish)
			p.showStill(ctx, timer)
			return nil
		}
	}
	p.mark()
	return nil
}

// turn goes on at the end of the clip: with its beginning, or, once the last unit was seen for as long as it lasts, not at
// all, unless something was wished for meanwhile.
func (p *player) turn(ctx context.Context, timer *time.Timer) (more bool, err error) {
	switch {
	case ctx.Err() != nil:
		return false, nil //nolint:nilerr // so it ends
	case !p.source.wanted().Loop:
		last := func() time.Time { return p.epoch.Add(p.base + p.end) }
		if err := p.wait(ctx, timer, last()); err != nil || ctx.Err() != nil {
			return false, err
		}
		seeks := slices.ContainsFunc(p.reels, func(r *reel) bool { return !r.ended })
		return seeks || !p.paused.IsZero() || time.Now().Before(last()) || !p.source.ends(), nil
	case p.barren:
		return false, media.Damagedf("there is nothing in it to play")
	}
	p.barren = true
	return true, p.again()
}

// again goes on with the clip's beginning, one length of the loop after the last time.
func (p *player) again() error {
	steps := int64((p.end - p.first + loopStep - 1) / loopStep)
	length := max(time.Duration(steps)*loopStep, shortestLoop)
	p.base += length
	for _, r := range p.reels {
		if err := r.demuxer.Restart(r.encoding.origin - time.Second); err != nil {
			return err
		}
		r.rewind(-media.MaxTime)
	}
	p.instant++
	p.least = 0
	p.mark()
	return nil
}

// rewind forgets what was read.
func (r *reel) rewind(from time.Duration) {
	r.head, r.ended, r.pictures, r.from = nil, false, false, from
}
