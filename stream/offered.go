package stream

// Offered are the tracks that a new viewer can be offered, in the publication's
// order of preference: of codecs that are alternatives the one that is sent, once
// that is known, and all others. Those that nothing is sent in come last. None when
// nothing feeds the stream, not even a stand-in.
func (s *Stream) Offered() []*Track {
	p := s.feeder()
	if p == nil {
		return nil
	}
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
