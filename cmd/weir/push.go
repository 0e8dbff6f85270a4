package main

import (
	"errors"
	"fmt"

	"weir/config"
	"weir/relay"
	"weir/stream"
)

// checkPushes finds what is wrong with the pushes of the configuration.
func (s *server) checkPushes(loaded *config.Loaded) config.Mistakes {
	var mistakes config.Mistakes
	for _, d := range loaded.Config.Streams.Declared {
		if s.access.IsSecret(d.Stream) {
			continue // it is told without its name
		}
		path, seen := "streams."+d.Stream, map[string]bool{}
		for i, p := range d.Pushes {
			at := fmt.Sprintf("%s.pushes[%d]", path, i)
			if seen[p.URL] {
				mistakes = append(mistakes, loaded.Wrong(at+".url", "the stream is pushed there already"))
			}
			seen[p.URL] = true
			switch err := s.relay.TryPush(d.Stream, pushOf(p)); {
			case errors.Is(err, stream.ErrName): // told where there is a source too, and once
				mistakes = mistakes.With(config.Mistakes{loaded.Wrong(path, "no stream can have this name: it is that of an address")})
			case errors.Is(err, relay.ErrToken):
				mistakes = append(mistakes, loaded.Wrong(at+".token", err.Error()))
			case err != nil:
				mistakes = append(mistakes, loaded.Wrong(at+".url", "is not allowed: "+relay.Why(err)))
			}
		}
		if n := len(d.Pushes); n > relay.MaxPerStream {
			mistakes = append(mistakes, loaded.Wrong(path+".pushes", fmt.Sprintf("there are %d, and a stream may have %d", n, relay.MaxPerStream)))
		}
	}
	return mistakes
}

// startPushes starts the pushes of the configuration. One that cannot be started
// is logged, and the rest go on.
func (s *server) startPushes() {
	for _, d := range s.declared {
		for _, p := range d.Pushes {
			if _, err := s.relay.Push(d.Stream, pushOf(p)); err != nil {
				s.log.Error("push of the configuration cannot be started", "stream", d.Stream, "err", err)
			}
		}
	}
}

func pushOf(p config.DeclaredPush) relay.PushStart {
	return relay.PushStart{URL: p.URL, Token: string(p.Token)}
}
