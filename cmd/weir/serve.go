package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"weir/api"
	"weir/internal/wish"
	"weir/publisher"
	"weir/session"
	"weir/stream"
	"weir/whep"
)

// drainTime is how long requests under way may take when the program ends.
const drainTime = 2 * time.Second

// portTries is how often another port is tried where any will do: HTTP's number
// must be free for UDP too.
const portTries = 20

// server is the wired program.
type server struct {
	log      *slog.Logger
	registry *stream.Registry
	sessions *session.Manager
	program  *publisher.Program // feeds the default stream; nil: there is none
	http     *http.Server
	listener net.Listener
	lenient  tally // what was let pass, by name
}

// serve wires the rooms together, prints the addresses to open, and serves
// until ctx ends. Then viewers are told, requests end, and it returns when
// nothing of it runs any more.
func serve(ctx context.Context, o options, stdout, stderr io.Writer) error {
	s, err := wire(ctx, o, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: o.logLevel})))
	if err != nil {
		return err
	}
	return s.run(ctx, stdout)
}

// wire makes every part and takes the TCP port. Nothing runs before run.
func wire(ctx context.Context, o options, log *slog.Logger) (*server, error) {
	s := &server{log: log}
	s.registry = stream.New(stream.Options{Logger: log, Reserved: api.Reserved(), NewFlusher: session.NewFlusher})
	var err error
	if !o.noDefaultStream {
		if s.program, err = testProgram(log); err != nil {
			return nil, fmt.Errorf("make the test stream: %w", err)
		}
	}
	if s.listener, err = listen(ctx, o.addr); err != nil {
		return nil, err
	}
	s.sessions, err = session.New(session.Options{
		Registry: s.registry, Logger: log, MDNS: o.mdns, Leniency: s.lenient.count,
		UDPPort: s.listener.Addr().(*net.TCPAddr).Port, //nolint:errcheck // listen returns a TCP listener
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up sessions: %w", err), s.listener.Close())
	}
	face, err := api.New(api.Options{
		Logger: log, WHEP: whep.New(whep.Options{Sessions: s.sessions, ICEServers: o.iceServers}),
		Session:   wish.NewResource(s.sessions, wish.ResourceOptions{Leniency: s.lenient.count}),
		ValidName: s.registry.ValidName, SessionID: s.sessionID,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up http: %w", err), s.listener.Close())
	}
	s.http = api.NewServer(face, log)
	return s, nil
}

// sessionID names a session in the access log.
func (s *server) sessionID(secret string) (string, bool) {
	found, err := s.sessions.Find(secret)
	if err != nil {
		return "", false
	}
	return found.ID(), true
}

// listen takes the TCP port of HTTP. Where any will do it takes one whose
// number is free for UDP too.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	for try := 1; ; try++ {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			return nil, listenError(addr, err)
		}
		if !strings.HasSuffix(addr, ":0") || try == portTries {
			return l, nil
		}
		udp, err := net.ListenUDP("udp", &net.UDPAddr{Port: l.Addr().(*net.TCPAddr).Port}) //nolint:errcheck // a TCP listener's
		if err == nil {
			return l, udp.Close()
		}
		_ = l.Close() // another one is tried
	}
}

// listenError says in plain words why a port cannot be had.
func listenError(addr string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is taken by another program; choose another with -addr", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("no permission to listen on %s; choose a port from 1024 up with -addr", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s; see -addr", addr)
	default:
		return fmt.Errorf("listen: %w", err)
	}
}

// run serves until ctx ends or a part fails, and waits for all parts. Requests
// and viewers end first, side by side; the workers that send to viewers last.
func (s *server) run(ctx context.Context, stdout io.Writer) error {
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
	endSessions := begin(s.sessions.Run)
	endSource, endHTTP := func() {}, s.closeListener
	select {
	case <-s.sessions.Ready():
		play, err := s.publish()
		if err != nil {
			cancel(err)
			break
		}
		endSource = begin(play)
		if _, err := io.WriteString(stdout, addresses(s.listener.Addr(), s.program != nil)); err != nil {
			s.log.Warn("addresses cannot be printed", "err", err)
		}
		endHTTP = begin(s.serveHTTP)
		<-ctx.Done()
		s.log.Info("ending")
	case <-ctx.Done():
	}
	var wg sync.WaitGroup
	wg.Go(endHTTP)
	wg.Go(endSessions)
	wg.Wait()
	endSource()
	endWorkers()
	for name, n := range s.lenient.all() {
		s.log.Info("leniencies", "reason", name, "count", n)
	}
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (s *server) closeListener() { _ = s.listener.Close() } // nothing was served on it

// serveHTTP answers requests until ctx ends, then lets those under way finish.
func (s *server) serveHTTP(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(s.listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve http: %w", err)
	case <-ctx.Done():
	}
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

// publish makes the stream "test" live, if there is to be one, and returns what
// feeds it.
func (s *server) publish() (play func(context.Context) error, err error) {
	if s.program == nil {
		return func(context.Context) error { return nil }, nil
	}
	p, err := s.registry.Publish(defaultStream, "weir", s.program.Specs())
	if err != nil {
		return nil, fmt.Errorf("start the test stream: %w", err)
	}
	return func(ctx context.Context) error {
		defer p.Close("stopped")
		defer s.logSource()
		if err := s.program.Run(ctx, p); err != nil && ctx.Err() == nil {
			return fmt.Errorf("run the test stream: %w", err)
		}
		return nil
	}, nil
}

// logSource tells what became of the test stream's pictures and sounds.
func (s *server) logSource() {
	for _, r := range s.program.Stats() {
		s.log.Info("source ended", "codec", r.Spec.Format.Name, "packets", r.Packets, "bytes", r.Bytes)
		if r.Skipped > 0 {
			s.log.Warn("the machine was too slow for the source", "codec", r.Spec.Format.Name, "reason", "skipped", "count", r.Skipped)
		}
	}
}
