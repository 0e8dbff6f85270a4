package file

import (
	"fmt"
	"time"

	"weir/publisher"
)

// A spot says where the clip is, at any time, until another one is stored. It is never changed.
type spot struct {
	zero  time.Time     // when the clip's time 0 is, or was
	least time.Duration // what it was begun with, in the clip's times: it is shown before it is due
	still time.Time     // since when it stands still; zero: it goes on
}

// at is the clip's time.
func (s *spot) at(now time.Time) time.Duration {
	if !s.still.IsZero() {
		now = s.still
	}
	return max(now.Sub(s.zero), s.least)
}

// standing is a spot from which nothing goes on.
func standing(at time.Duration) *spot {
	now := time.Now()
	return &spot{zero: now.Add(-at), least: at, still: now}
}

// mark tells where the clip is from now on. It is called whenever that does not follow from the last time.
func (p *player) mark() {
	p.source.spot.Store(&spot{zero: p.epoch.Add(p.base), least: p.least, still: p.paused})
}

// stand tells that the clip goes on no more.
func (s *source) stand() {
	if at := s.spot.Load(); at != nil {
		s.spot.Store(standing(at.at(time.Now())))
	}
}

// length is how long the clip is; 0: not known.
func (s *source) length() (longest time.Duration) {
	for _, e := range s.encodings {
		longest = max(longest, e.about.Duration)
	}
	return longest
}

// startSlack is by how much a start may be behind the end, which who asks for it knows in milliseconds at best.
const startSlack = 100 * time.Millisecond

// reaches refuses a start behind the end of a clip that is played once.
func (s *source) reaches(p params) error {
	length := s.length()
	if p.Loop || length == 0 || p.start() <= length+startSlack {
		return nil
	}
	return &publisher.ParamError{Problems: []publisher.ParamProblem{{
		Name: "start", Detail: fmt.Sprintf("must be at most %.1f, which is the length of the file, unless it plays over and over", length.Seconds()),
	}}}
}

// begins is where in the clip to begin. Over and over, a start behind the end is a time of a later round.
func (s *source) begins(p params) time.Duration {
	at, length := p.start(), s.length()
	switch {
	case length == 0 || at < length:
		return at
	case p.Loop && at > length+startSlack:
		return at % length
	default:
		return length - time.Millisecond
	}
}

// Place implements publisher.Placer. No lock that it takes is held while anything is read or sent.
func (s *source) Place() publisher.Place {
	s.mu.Lock()
	wish, seek := s.wish, s.seek
	s.mu.Unlock()
	at := s.spot.Load()
	if at == nil || seek { // it is on its way
		at = standing(s.begins(wish))
	}
	place := publisher.Place{Position: max(at.at(time.Now()), 0), Paused: wish.Paused}
	place.Duration = s.length()
	if length := place.Duration; length > 0 && place.Position > length {
		if wish.Loop { // FFmpeg goes round by itself
			place.Position %= length
		} else {
			place.Position = length
		}
	}
	return place
}
