package session

import (
	"slices"

	"weir/session/negotiate"
)

// usable are the candidates that can be tried, each transport address once, and
// the ufrags that they name. Those of transports that bundling gave up are not.
func (s *Session) usable(values []string) (candidates []negotiate.Candidate, ufrags []string) {
	seen := map[string]bool{}
	for _, value := range values {
		c, ok := s.filter.Parse(value)
		if s.plan.GivenUp(c.Ufrag) {
			continue
		}
		if c.Ufrag != "" && !slices.Contains(ufrags, c.Ufrag) {
			ufrags = append(ufrags, c.Ufrag)
		}
		if ok && !seen[c.Key] {
			seen[c.Key] = true
			candidates = append(candidates, c)
		}
	}
	return candidates, ufrags
}

func keys(candidates []negotiate.Candidate) map[string]bool {
	set := make(map[string]bool, len(candidates))
	for _, c := range candidates {
		set[c.Key] = true
	}
	return set
}
