package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"weir/config"
	"weir/publisher"
	"weir/stream"
)

// startOf is what a declared stream asks of the Supervisor.
func startOf(d config.Declared) (publisher.Start, error) {
	start := publisher.Start{
		Source: d.Source, Private: d.Private, OnDemand: d.OnDemand, StopAfter: d.StopAfter,
		Restart: publisher.RestartChange{Attempts: d.Restart.Attempts, Delay: d.Restart.Delay, Longest: d.Restart.Longest},
		Insist:  true,
	}
	if d.Params == nil {
		return start, nil
	}
	var err error
	if start.Params, err = json.Marshal(d.Params); err != nil {
		return start, fmt.Errorf("parameters of %s: %w", d.Stream, err)
	}
	return start, nil
}

// checkDeclared finds what is wrong with the streams of the configuration; its
// error is config.Mistakes. A kind of source that cannot run on this machine is
// no mistake.
func checkDeclared(loaded *config.Loaded, sources *publisher.Supervisor) error {
	var mistakes config.Mistakes
	for _, d := range loaded.Config.Streams.Declared {
		start, err := startOf(d)
		if err == nil {
			err = sources.Check(d.Stream, start)
		}
		path := "streams." + d.Stream
		problems, isProblems := errors.AsType[*publisher.ParamError](err)
		switch {
		case err == nil, errors.Is(err, publisher.ErrUnavailable):
		case isProblems:
			for _, p := range problems.Problems {
				mistakes = append(mistakes, loaded.Wrong(path+"."+settingOf(p.Name), p.Detail))
			}
		case errors.Is(err, publisher.ErrUnknownKind):
			var names []string
			for _, k := range sources.Kinds() {
				names = append(names, k.Name)
			}
			mistakes = append(mistakes, loaded.Wrong(path+".source", "there is no such kind of source; there are "+strings.Join(names, ", ")))
		case errors.Is(err, stream.ErrName):
			mistakes = append(mistakes, loaded.Wrong(path, "no stream can have this name: it is that of an address"))
		default:
			return err
		}
	}
	return mistakes.Err()
}

// settingOf is the setting of a declared stream by which a problem is called.
func settingOf(problem string) string {
	if problem == "params" || problem == "stop_after" || strings.HasPrefix(problem, "restart.") {
		return problem
	}
	return "params." + problem
}

// startDeclared starts the streams of the configuration, side by side: a device
// may take its time. One that cannot be started is logged, and the rest go on.
func (s *server) startDeclared() {
	var starting sync.WaitGroup
	for _, d := range s.declared {
		starting.Go(func() {
			start, err := startOf(d)
			if err == nil {
				_, err = s.sources.Start(d.Stream, start)
			}
			if err != nil {
				s.log.Error("stream of the configuration cannot be started", "stream", d.Stream, "source", d.Source, "err", err)
			}
		})
	}
	starting.Wait()
}

// declares says whether the configuration has a stream of that name.
func (s *server) declares(name string) bool {
	return slices.ContainsFunc(s.declared, func(d config.Declared) bool { return d.Stream == name })
}

// checkConfig holds what only the kinds of source know against a configuration
// that is right else.
func checkConfig(ctx context.Context, loaded *config.Loaded) error {
	if len(loaded.Config.Streams.Declared) == 0 {
		return nil
	}
	s := newServer(loaded.Config, slog.New(slog.DiscardHandler))
	if err := s.wireSources(ctx, loaded.Config); err != nil {
		return err
	}
	return checkDeclared(loaded, s.sources)
}
