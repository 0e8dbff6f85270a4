package coach

import (
	"time"

	"weir/internal/codec"
	"weir/stream"
)

// graceAfter is for how long the findings of a stream stand that nobody feeds:
// its publisher may be back at once.
const graceAfter = 10 * time.Second

// A subject is one stream that is looked at. It is a value of the Coach's run.
type subject struct {
	// static
	name       string
	maxBitRate int // bits a second
	tell       func(stream string, f Finding, raised bool)

	record      record
	publication *stream.Publication // that was looked at last; nil: nobody fed the stream
	gone        time.Time           // since when nobody feeds it
	pupils      []*pupil            // one a track of the publication
	transport   transport
}

// look looks at what feeds the stream, nil for nothing, and says whether there
// is still something to look after.
func (s *subject) look(p *stream.Publication, now time.Time) bool {
	if p != s.publication {
		s.change(p, now)
	}
	if p == nil {
		if now.Sub(s.gone) < graceAfter {
			return true
		}
		s.clear(s.record.forget(func(*evidence) bool { return false }))
		return false
	}
	s.check(p, now)
	s.clear(s.record.forget(func(e *evidence) bool { return now.Sub(e.judged) < staleAfter }))
	return true
}

// change begins with another publication. Findings stay until it has shown what
// it is like; mere suspicions go.
func (s *subject) change(p *stream.Publication, now time.Time) {
	s.leave()
	s.publication, s.transport, s.pupils = p, transport{}, nil
	s.record.forget(func(e *evidence) bool { e.right = 0; return e.raised })
	if p == nil {
		s.gone = now
		return
	}
	for _, t := range p.Tracks() {
		s.pupils = append(s.pupils, newPupil(t, p))
	}
}

// leave takes the observers off the tracks.
func (s *subject) leave() {
	for _, p := range s.pupils {
		p.leave()
	}
}

// check looks at all that there is, and judges.
func (s *subject) check(p *stream.Publication, now time.Time) {
	report, reported := p.Report()
	var fed []*pupil
	for _, u := range s.pupils {
		if u.look() {
			fed = append(fed, u)
		}
	}
	judge := func(v verdict) {
		f, raised, cleared := s.record.judge(v, now)
		if raised || cleared {
			s.tell(s.name, f, raised)
		}
	}
	for _, u := range fed {
		if u.track.Kind() == codec.Audio {
			u.checkChannels(judge)
			continue
		}
		u.checkOrder(judge)
		u.checkSets(judge)
		u.groups.take(&u.now, u.requests(report, reported), u.track.Stats().KeyFrameRequested)
		u.checkGroups(reported && !report.KeyFrameFeedback, judge)
	}
	checkDrift(fed, judge)
	if reported && len(fed) > 0 { // else there is no publisher, or nothing to go by
		s.transport.take(report, s.pupils, now)
		s.transport.check(s.maxBitRate, judge)
	}
}

// clear says that findings are gone.
func (s *subject) clear(cleared []Finding) {
	for _, f := range cleared {
		s.tell(s.name, f, false)
	}
}
