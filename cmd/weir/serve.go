package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"weir/publisher"
	"weir/publisher/device"
)

// drainTime is how long requests under way may take when the program ends.
const drainTime = 2 * time.Second

// run serves until ctx ends or a part fails, and waits for all parts. It prints
// the welcome when streams can be played. Requests and viewers end first, side
// by side; then the sources; the workers that send to viewers last.
func (s *server) run(ctx context.Context, welcome string, stdout io.Writer) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	begin := func(f func(context.Context) error) (end func()) {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := f(own); err != nil {
				cancel(err)
			}
		})
		return func() { stop(); wg.Wait() }
	}
	endWorkers := begin(s.registry.Run)
	endDecoys := begin(s.decoys.Run)
	endSlates := begin(s.slates.Run)
	endSources := begin(s.sources.Run)
	endPushes := begin(s.relay.Run)
	endCoach := begin(s.coach.Run)
	endLibrary := func() {}
	if s.library != nil {
		endLibrary = begin(s.library.Run)
	}
	endSessions := begin(s.runSessions)
	endAccess := begin(s.followTokens)
	endHTTP := s.closeListener
	select {
	case <-s.sessions.Ready():
		s.tellEncoders()
		if err := s.startDefault(); err != nil { //nolint:contextcheck // the source ends with the Supervisor, not with ctx
			cancel(err)
			break
		}
		s.startDeclared() //nolint:contextcheck // as above
		s.startPushes()   //nolint:contextcheck // they end with the relay
		s.ready.Store(true)
		if err := say(stdout, welcome); err != nil {
			s.log.Warn("addresses cannot be printed", "err", err)
		}
		endHTTP = begin(s.serveHTTP)
		<-ctx.Done()
		s.log.Info("ending")
		s.ready.Store(false)
	case <-ctx.Done():
	}
	var wg sync.WaitGroup
	wg.Go(endHTTP)
	wg.Go(endPushes)
	wg.Go(endSessions)
	wg.Wait()
	endAccess()
	endCoach()
	endSources()
	endLibrary()
	endSlates()
	endDecoys()
	endWorkers()
	s.tellTallies()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// tellTallies logs what was counted by name.
func (s *server) tellTallies() {
	for name, n := range s.lenient.all() {
		s.log.Info("leniencies", "reason", name, "count", n)
	}
	for name, n := range s.limited.all() {
		s.log.Info("requests refused for their rate", "reason", name, "count", n)
	}
}

// runSessions says besides, where the media's port cannot be had, what to do.
func (s *server) runSessions(ctx context.Context) error {
	if err := s.sessions.Run(ctx); err != nil {
		return fmt.Errorf("%w; choose another with -addr", err)
	}
	return nil
}

func (s *server) closeListener() { _ = s.listener.Close() } // nothing was served on it

// serveHTTP answers requests until ctx ends, then ends the event streams and
// lets the other requests under way finish.
func (s *server) serveHTTP(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
	close(s.ending)
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := s.http.Shutdown(drain); err != nil {
		_ = s.http.Close() // the requests left have had their time
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// startDefault makes the stream "test" live, if there is to be one: with the
// test pattern, or with the clip where no encoder is built in.
func (s *server) startDefault() error {
	if !s.defaultStream || s.declares(defaultStream) {
		return nil
	}
	kind := kindPattern
	if err := device.Missing(); err != nil {
		kind = kindClip
		s.log.Warn("the test stream is the embedded clip, whose clock is not live", "reason", err)
	}
	if _, err := s.sources.Start(defaultStream, publisher.Start{Source: kind}); err != nil {
		return fmt.Errorf("start the test stream: %w", err)
	}
	return nil
}
