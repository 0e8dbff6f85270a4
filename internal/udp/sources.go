package udp

import (
	"net/netip"
	"time"
)

const (
	// maxSources is from how many addresses the checks of one user may come, as
	// many as it may have candidates (RFC 8445 6.1.2.5, 19.5.1): the agent keeps a
	// candidate, and its pairs, for each.
	maxSources = 100
	// sourceEvery is the time after which one more may come: a NAT may give its
	// client another address now and then.
	sourceEvery = time.Minute
)

// sources are the addresses that one user's requests come from, as many as may.
type sources struct {
	known map[netip.AddrPort]source
	since time.Time // up to here sourceEvery has been reckoned
	left  int       // further ones that may come
}

// source is one of them.
type source struct {
	answered bool // by the agent: its requests are of who has the password
}

func newSources() sources { return sources{known: map[netip.AddrPort]source{}, left: maxSources} }

// admit says whether a request from the address is taken; else it is counted.
func (s *sources) admit(from netip.AddrPort, now func() time.Time, drops *Drops) bool {
	if _, ok := s.known[from]; ok {
		return true
	}
	if s.left == 0 {
		more := int(now().Sub(s.since) / sourceEvery)
		if more == 0 {
			drops.Sources.Add(1)
			return false
		}
		s.left, s.since = min(more, maxSources), s.since.Add(time.Duration(more)*sourceEvery)
	}
	if s.left--; s.left == 0 {
		s.since = now()
	}
	s.known[from] = source{}
	return true
}
