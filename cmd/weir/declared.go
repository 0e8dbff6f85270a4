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

// checkDeclared finds what is wrong with the streams of the configuration, which
// check says of one; its error is config.Mistakes. A kind of source that cannot
// run on this machine is no mistake.
func checkDeclared(loaded *config.Loaded, s *server, check func(string, publisher.Start) error) error {
	var mistakes config.Mistakes
	for _, d := range loaded.Config.Streams.Declared {
		path := "streams." + d.Stream
		if s.access.IsSecret(d.Stream) {
			mistake := loaded.Wrong(path, "no stream can have the name here: it is, or looks like, the secret of a token")
			mistake.Path = "streams"
			mistakes = append(mistakes, mistake)
			continue // what else is wrong would be told under that name
		}
		if d.Source == "" {
			continue // others publish it
		}
		start, err := startOf(d)
		if err != nil {
			return err
		}
		if err = check(d.Stream, start); errors.Is(err, stream.ErrName) {
			mistakes = append(mistakes, loaded.Wrong(path, "no stream can have this name: it is that of an address"))
			err = check("any", start) // what else is wrong
		}
		problems, isProblems := errors.AsType[*publisher.ParamError](err)
		switch {
		case err == nil, errors.Is(err, publisher.ErrUnavailable):
		case isProblems:
			for _, p := range problems.Problems {
				mistakes = append(mistakes, loaded.Wrong(path+"."+settingOf(p.Name), p.Detail))
			}
		case errors.Is(err, publisher.ErrUnknownKind):
			var names []string
			for _, k := range s.sources.Kinds() {
				names = append(names, k.Name)
			}
			mistakes = append(mistakes, loaded.Wrong(path+".source", "there is no such kind of source; there are "+strings.Join(names, ", ")))
		default:
			return err
		}
	}
	return mistakes.Err()
}

// checkStreams finds what is wrong with the streams of the configuration and with
// their pushes.
func (s *server) checkStreams(loaded *config.Loaded, check func(string, publisher.Start) error) error {
	err := checkDeclared(loaded, s, check)
	mistakes, ok := errors.AsType[config.Mistakes](err)
	if err != nil && !ok {
		return err
	}
	return mistakes.With(s.checkPushes(loaded)).Err()
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
		if d.Source == "" {
			continue
		}
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

// declares says whether the configuration has a stream of that name that the
// server feeds itself.
func (s *server) declares(name string) bool {
	return slices.ContainsFunc(s.declared, func(d config.Declared) bool { return d.Stream == name && d.Source != "" })
}

// checkConfig adds to what is wrong with a configuration what only the kinds of
// source know: all that a start of its streams would refuse.
func checkConfig(ctx context.Context, loaded *config.Loaded, wrong error) error {
	mistakes, _ := errors.AsType[config.Mistakes](wrong)
	c := loaded.Config
	access, err := configuredTokens(c.Access.Tokens)
	if err != nil {
		return errors.Join(mistakes.Err(), err)
	}
	s := newServer(c, access, slog.New(slog.DiscardHandler))
	if _, err := openLibrary(c.Media, false, s.events.Add); err != nil {
		mistakes = mistakes.With(config.Mistakes{loaded.Wrong("media.dir", strings.TrimPrefix(err.Error(), "media.dir: "))})
		c.Media.Dir = ""
	}
	if len(c.Streams.Declared) == 0 {
		return mistakes.Err()
	}
	if err := s.wireSources(ctx, c); err != nil {
		return errors.Join(mistakes.Err(), err)
	}
	err = s.checkStreams(loaded, s.sources.Try)
	found, ok := errors.AsType[config.Mistakes](err)
	if err != nil && !ok {
		return errors.Join(mistakes.Err(), err)
	}
	return mistakes.With(found).Err()
}
