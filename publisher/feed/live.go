package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"weir/internal/media"
	"weir/publisher"
	"weir/stream"
)

const (
	// lateMost is how late a unit may come against the ones before it until the input is taken to have stood still.
	lateMost = 2 * time.Second
	// backMost and aheadMost bound how far a time may lie from the one before it in its track; beyond, the input began anew.
	backMost  = 500 * time.Millisecond
	aheadMost = 10 * time.Second
	// clockWindow is how often a live input's clock is looked at against ours.
	clockWindow = 5 * time.Second
	// clockSlack is by how much it must be off to be put right.
	clockSlack = 2 * time.Millisecond
)

// A Live writes the units of a live input as they come: the RTP clock follows their times, nothing is paced. It outlives the
// input, so that numbers and timestamps go on when an input ends and another one takes its place. One Run at a time; Stats
// may be called from any goroutine.
type Live struct {
	// owned by Run
	epoch time.Time // time 0 of the feeds; zero before the first Run

	mu sync.Mutex
	// guarded by mu
	feeds []*Feed
	begun time.Time
}

// NewLive starts nothing.
func NewLive() *Live { return &Live{} }

// Stats reads the counters of each track that was fed.
func (l *Live) Stats() []publisher.Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]publisher.Stats, len(l.feeds))
	for i, f := range l.feeds {
		all[i] = f.Stats()
	}
	return all
}

// Begun is when the first packet was written; zero: none was.
func (l *Live) Begun() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.begun
}

// begin notes that a packet was written.
func (l *Live) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.begun.IsZero() {
		l.begun = time.Now()
	}
}

// Run writes what next returns until that is io.EOF (nil), another error (that one), the publication has ended
// (publisher.ErrPublicationEnded), or ctx is done (nil). tracks are those that the units' Track counts in; each goes to the
// first of the publication's tracks with its codec, and is left out where there is none. It blocks in next, which must
// return an error soon after ctx is done.
func (l *Live) Run(ctx context.Context, p *stream.Publication, tracks []media.Track, next func() (media.Unit, error)) error {
	r := &liveRun{publication: p, lines: make([]*liveLine, len(tracks))}
	for i, info := range tracks {
		line, err := l.line(p, info)
		if err != nil {
			return err
		}
		if line != nil && !r.has(line.track) {
			line.feed.SetRunning(true)
			defer line.feed.SetRunning(false)
			r.lines[i] = line
		}
	}
	if l.epoch.IsZero() {
		l.epoch = time.Now()
	}
	for begun := false; ; {
		u, err := next()
		select {
		case <-ctx.Done():
			return nil
		case <-p.Done():
			return fmt.Errorf("%w: %s", publisher.ErrPublicationEnded, p.Reason())
		default:
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if line := r.lines[u.Track]; line != nil {
			r.write(line, u, time.Now(), l.epoch)
			if !begun && line.feed.packets.Load() > 0 {
				begun = true
				l.begin()
			}
		}
	}
}

// line finds where a track of the input goes; nil: nowhere.
func (l *Live) line(p *stream.Publication, info media.Track) (*liveLine, error) {
	if !info.Playable() {
		return nil, nil //nolint:nilnil // that is the answer
	}
	for _, t := range p.Tracks() {
		if t.Spec().Format.Name != info.Codec {
			continue
		}
		f, err := l.feed(t.Spec())
		if err != nil {
			return nil, err
		}
		return &liveLine{feed: f, track: t}, nil
	}
	return nil, nil //nolint:nilnil // that is the answer
}

// feed is the one of a codec.
func (l *Live) feed(spec stream.Spec) (*Feed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.feeds {
		if f.spec.Format.Name == spec.Format.Name {
			return f, nil
		}
	}
	f, err := New(spec)
	if err == nil {
		l.feeds = append(l.feeds, f)
	}
	return f, err
}

// A liveLine is where the units of one track go.
type liveLine struct {
	feed  *Feed
	track *stream.Track
	begun bool
	last  time.Duration // of the last unit, in the input's times
}

// A liveRun is what Run knows of its input's clock.
type liveRun struct {
	publication *stream.Publication
	lines       []*liveLine

	begun    bool
	shift    time.Duration // from the input's times to the feeds'
	anchor   time.Time     // when the feeds' time 0 was, by the earliest units
	window   time.Time     // since when earliest holds
	earliest time.Time
	clocked  time.Time // when the tracks were last told
}

func (r *liveRun) has(t *stream.Track) bool {
	for _, l := range r.lines {
		if l != nil && l.track == t {
			return true
		}
	}
	return false
}

// write sends one unit that has just come.
func (r *liveRun) write(l *liveLine, u media.Unit, now, epoch time.Time) {
	step := u.DTS - l.last
	jumps := l.begun && (step < -backMost || step > aheadMost)
	late := r.begun && now.Sub(r.anchor)-(u.PTS+r.shift) > lateMost
	if !r.begun || jumps || late {
		r.begin(u, now, epoch)
	}
	l.begun, l.last = true, u.DTS
	at := u.PTS + r.shift
	r.note(now.Add(-at), now)
	l.feed.Write(r.publication, l.track, u, at)
}

// begin lets the feeds' time of a unit be now.
func (r *liveRun) begin(u media.Unit, now, epoch time.Time) {
	r.begun, r.shift, r.anchor = true, now.Sub(epoch)-u.PTS, epoch
	r.window, r.earliest, r.clocked = now, epoch, time.Time{}
	for _, l := range r.lines {
		if l != nil {
			l.begun = false
		}
	}
}

// note takes when time 0 was by a unit that has just come. Nothing comes before it was captured, so the earliest units tell
// the clock; one that is slower than ours is followed from window to window.
func (r *liveRun) note(zero, now time.Time) {
	if zero.Before(r.earliest) {
		r.earliest = zero
	}
	switch {
	case zero.Before(r.anchor.Add(-clockSlack)):
		r.anchor = zero
	case now.Sub(r.window) < clockWindow:
	default:
		if r.earliest.After(r.anchor.Add(clockSlack)) {
			r.anchor = r.earliest
		}
		r.window, r.earliest = now, zero
	}
	if r.clocked.IsZero() || now.Sub(r.clocked) >= time.Second {
		r.clocked = now
		for _, l := range r.lines {
			if l != nil {
				at := now.Sub(r.anchor)
				l.track.SetClock(r.publication, now, l.feed.Timestamp(at))
			}
		}
	}
}
