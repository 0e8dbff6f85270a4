package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"weir/internal/codec"
	"weir/internal/media"
)

// How much of a file is read to find the key frame before a time.
const (
	seekUnits = 50_000
	seekBytes = 256 << 20
)

// begin goes to a time of the clip: each encoding to the last key frame at that time or before it. The earliest of these is
// what is shown now; who watches another encoding waits until it comes to its own.
func (p *player) begin(at time.Duration) error {
	now := time.Since(p.epoch)
	p.barren = false
	if at <= 0 {
		return p.beginning(now)
	}
	keys := make([]time.Duration, len(p.reels))
	earliest := media.MaxTime
	for i, r := range p.reels {
		key, err := p.keyBefore(r, at)
		if err != nil {
			return err
		}
		keys[i] = key
		earliest = min(earliest, key)
	}
	for i, r := range p.reels {
		if err := r.demuxer.Restart(at + r.encoding.origin); err != nil {
			return err
		}
		r.rewind(keys[i])
		if r.encoding.converts() {
			r.from = -media.MaxTime
		}
	}
	p.base = now + loopStep - earliest // what was sent last may go on for as long
	p.least = earliest
	return nil
}

// beginning goes to where all encodings begin.
func (p *player) beginning(now time.Duration) error {
	p.first = media.MaxTime
	for _, r := range p.reels {
		if err := r.demuxer.Restart(r.encoding.origin - time.Second); err != nil {
			return err
		}
		r.rewind(-media.MaxTime)
		if err := p.fill(r); err != nil {
			return err
		}
		if r.head != nil {
			p.first = min(p.first, r.head.PTS)
		}
	}
	if p.first == media.MaxTime {
		return media.Damagedf("there is nothing in it to play")
	}
	p.base, p.end, p.least = now-p.first, 0, 0
	return nil
}

// keyBefore is the time of a reel's last key frame at a time, or before it; that of its first one where there is none. Where
// it has no picture it is the time itself. A conversion begins with a key frame wherever it is begun.
func (p *player) keyBefore(r *reel, at time.Duration) (time.Duration, error) {
	if r.encoding.converts() {
		if length := r.encoding.about.Duration; length > 0 {
			at %= length
		}
		return at, nil
	}
	if video, _ := media.Choose(r.encoding.about.Tracks); video < 0 || r.encoding.feeds[video] < 0 {
		return at, nil
	}
	if err := r.demuxer.Restart(at + r.encoding.origin); err != nil {
		return 0, err
	}
	key, found := at, false
	bytes := 0
	for range seekUnits {
		u, err := r.demuxer.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("%s: %w", base(r.encoding.path), err)
		}
		if bytes += len(u.Data); bytes > seekBytes {
			break
		}
		feed := p.feedOf(r, u.Track)
		if feed < 0 || p.tracks[feed].Kind() != codec.Video {
			continue
		}
		when := u.PTS - r.encoding.origin
		if found && when > at {
			break
		}
		if u.Key {
			key, found = when, true
		}
	}
	return key, nil
}

// still sends the picture of the last key frame to those who join while the clip is paused: always the one before where it
// was paused. When it goes on, it does so from there: what follows needs that picture.
func (p *player) still(ctx context.Context, timer *time.Timer) error {
	if err := p.begin(p.stood); err != nil {
		return err
	}
	p.showStill(ctx, timer)
	return nil
}

// showStill lets the clip stand still where it is now, and sends its picture, twice.
func (p *player) showStill(ctx context.Context, timer *time.Timer) {
	p.paused = time.Now()
	p.mark()
	p.stillNow(p.paused)
	timer.Reset(stillGap)
	select {
	case <-ctx.Done():
	case <-p.publication.Done():
	case <-timer.C:
		p.stillNow(time.Now())
	}
}

// stillNow sends each encoding's next picture, without going on.
func (p *player) stillNow(now time.Time) {
	p.stillAt = now
	p.tell(now)
	for _, r := range p.reels {
		for range headUnits { // sound may come before it
			if err := p.fill(r); err != nil || r.head == nil {
				break // it is found again when the clip goes on
			}
			if p.tracks[r.feed].Kind() == codec.Video {
				p.source.feeds[r.feed].Write(p.publication, p.tracks[r.feed], *r.head, now.Sub(p.epoch))
				break
			}
			r.head = nil
		}
	}
}
