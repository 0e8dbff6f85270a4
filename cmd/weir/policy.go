package main

import (
	"strings"

	"weir/config"
	"weir/session"
)

// policyOf says how each stream deals with who comes at the wrong time.
func policyOf(c config.Streams) func(stream string) session.Policy {
	early, takeOver := byStream(c.WaitingRoom), byStream(c.TakeOver)
	return func(stream string) session.Policy {
		var p session.Policy
		switch early(stream) {
		case "hold":
			p.Early = session.EarlyHold
		case "slate":
			p.Early = session.EarlySlate
		}
		switch takeOver(stream) {
		case "refuse":
			p.TakeOver = session.TakeOverRefuse
		case "hold":
			p.TakeOver = session.TakeOverHold
		}
		return p
	}
}

// byStream looks settings of the form STREAM=POLICY up, where * is for all
// streams that have none of their own. The last of a stream counts.
func byStream(settings []string) func(stream string) (policy string) {
	policies := map[string]string{}
	for _, setting := range settings {
		stream, policy, _ := strings.Cut(setting, "=")
		policies[stream] = policy
	}
	return func(stream string) string {
		if policy, ok := policies[stream]; ok {
			return policy
		}
		return policies["*"]
	}
}
