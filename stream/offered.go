package stream

// Offered are the tracks that a new viewer can be offered, in the publication's
// order of preference: of codecs that are alternatives the one that is sent, once
// that is known, and all others. Those that nothing is sent in come last. None when
// nothing feeds the stream, not even a stand-in, or the publisher is away.
func (s *Stream) Offered() []*Track {
	if p := s.feeder(); p != nil && !p.away.Load() {
		return p.offered()
	}
	return nil
}

// Promised are Offered, also where the publisher is away: for a viewer who would
// rather be there before anything comes.
func (s *Stream) Promised() []*Track {
	if p := s.feeder(); p != nil {
		return p.offered()
	}
	return nil
}

// Sent are the tracks of a publication that is live: of codecs that are
// alternatives those that are sent, once anything is.
func (s *Stream) Sent() []*Track {
	p := s.Publication()
	if p == nil || p.away.Load() {
		return nil
	}
	var sent []*Track
	for _, t := range p.tracks {
		if !p.options.Alternatives || p.active[t.kind].Load() == t {
			sent = append(sent, t)
		}
	}
	if len(sent) == 0 {
		return p.Tracks()
	}
	return sent
}

func (p *Publication) offered() []*Track {
	var offered []*Track
	for _, t := range p.all() {
		active := p.active[t.kind].Load()
		if p.options.Alternatives && active != nil && active != t {
			continue
		}
		offered = append(offered, t)
	}
	return offered
}
