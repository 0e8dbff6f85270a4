package stream

import (
	"slices"

	"weir/internal/codec"
)

// pick returns the payload that fits a format best: by RFC 6184's and the other
// formats' rules, or else one of the same codec, since decoders take more than
// they say. It is false where none is of that codec.
func pick(payloads []Payload, f codec.Format) (best Payload, ok bool) {
	grade := codec.MatchNone
	for _, p := range payloads {
		if codec.Canonical(p.Format.Name) != codec.Canonical(f.Name) || p.Format.ClockRate != f.ClockRate {
			continue
		}
		if m := p.Format.Match(f); !ok || m > grade {
			best, grade, ok = p, m, true
		}
	}
	return best, ok
}

// choose picks the payload type for what the track is now.
func (d *DownTrack) choose() {
	f := d.track.cache.Format()
	if f == d.format {
		return
	}
	d.format = f
	if p, ok := pick(d.names.Payloads, *f); ok {
		d.payload = p
	} else if d.payload == (Payload{}) {
		d.payload = d.names.Payloads[0]
	}
}

// start lets a viewer begin, on the tracks that are fed by now.
func (s *Stream) start(v *Viewer) {
	s.mu.Lock()
	v.started.Store(true)
	var lost []*Viewer
	if !s.followsLocked(v) {
		lost = append(lost, v)
	}
	s.mu.Unlock()
	tellLost(lost)
}

// activate makes a track the one of its kind that p feeds. The one before it
// begins anew if it is fed again.
func (s *Stream) activate(p *Publication, t *Track) {
	s.mu.Lock()
	if s.current != p {
		s.mu.Unlock()
		return
	}
	if old := p.active[t.kind].Swap(t); old != nil {
		old.begin(p, old.Spec())
	}
	lost := s.followLocked()
	s.mu.Unlock()
	tellLost(lost)
}

// followLocked gives every viewer the tracks that are fed now, and returns those
// that can take none of a kind.
func (s *Stream) followLocked() (lost []*Viewer) {
	for _, sh := range s.shards {
		for _, v := range sh.list() {
			if v.started.Load() && !s.followsLocked(v) {
				lost = append(lost, v)
			}
		}
	}
	return lost
}

// followsLocked does it for one viewer, and says whether it can follow.
func (s *Stream) followsLocked(v *Viewer) bool {
	if s.current == nil {
		return true
	}
	follows := true
	for _, d := range v.down {
		candidates := s.current.fed(d.kind)
		stays := !s.current.options.StandIn && slices.Contains(candidates, d.Track())
		if d.open == nil || len(candidates) == 0 || stays {
			continue
		}
		i := slices.IndexFunc(candidates, func(t *Track) bool {
			_, ok := pick(d.names.Payloads, t.Format())
			return ok
		})
		if i < 0 {
			follows = follows && s.current.options.StandIn
			continue
		}
		if candidates[i] == d.Track() {
			continue
		}
		candidates[i].demand.add()
		d.target.Swap(candidates[i]).demand.drop(s.reg.opts.DemandGrace)
	}
	return follows
}

// fed are the tracks of a kind that are fed, or would be on demand.
func (p *Publication) fed(kind codec.Kind) []*Track {
	if p.options.Alternatives {
		if t := p.active[kind].Load(); t != nil {
			return []*Track{t}
		}
		return nil
	}
	var all []*Track
	for _, t := range p.tracks {
		if t.kind == kind {
			all = append(all, t)
		}
	}
	return all
}

// tellLost calls what OnLost named, once a viewer.
func tellLost(viewers []*Viewer) {
	for _, v := range viewers {
		if f := v.lost.Swap(nil); f != nil {
			(*f)("codec_changed")
		}
	}
}

// move makes another track feed this end. The viewer's timestamps go on by the
// time that passes; video goes on with a key frame.
func (d *DownTrack) move(t turn, target *Track) {
	old, clock := d.track.cache.Arriving(), target.cache.Arriving()
	if d.outlet == nil {
		d.track = target
		return
	}
	if clock == nil {
		return // nothing has come as yet
	}
	d.endReplay()
	if old != nil {
		d.base += old.At(t.now) - clock.At(t.now)
	}
	c := target.cache
	d.track, d.format, d.keyIndex = target, nil, 0
	d.lateCursor, d.cursor = target.cache.LateHead(), c.Head()
	if d.kind == codec.Video {
		d.join(t, 0)
		return
	}
	if p := c.Get(d.cursor - 1); p != nil && t.mono-p.Arrived < int64(nearlyEmpty) { // it brought the viewer here
		d.cursor--
		if back := int32(p.Timestamp + d.base - d.newest); d.sent && back <= 0 {
			d.base += uint32(1 - back)
		}
	}
	d.cut(t.mono)
}
