package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"

	"weir/api"
	"weir/api/control"
	"weir/auth"
	"weir/coach"
	"weir/config"
	"weir/internal/event"
	"weir/internal/wish"
	"weir/publisher"
	"weir/publisher/device"
	"weir/publisher/file"
	"weir/publisher/library"
	"weir/publisher/slate"
	"weir/relay"
	"weir/session"
	"weir/stream"
	"weir/whep"
	"weir/whip"
)

// server is the wired program.
type server struct {
	// static after wire
	log           *slog.Logger
	access        *auth.Store
	defaultStream bool
	declared      []config.Declared // streams of the configuration
	events        *event.Ring
	registry      *stream.Registry
	sessions      *session.Manager
	sources       *publisher.Supervisor
	coach         *coach.Coach
	library       *library.Library // nil: there is no media folder
	relay         *relay.Relay
	hops          *relay.Hops
	decoys        *stream.Registry // see slate.Options
	slates        *slate.Keeper
	http          *http.Server
	listener      net.Listener
	ending        chan struct{} // closed when requests are to end

	ready   atomic.Bool // streams can be played
	lenient tally       // what was let pass, by name
	limited tally       // what was refused for its rate, by the limit's name
}

// serve sees to the first tokens, wires the rooms together, prints the addresses
// to open, and serves until ctx ends. Then viewers are told, requests end, and
// it returns when nothing of it runs any more.
func serve(ctx context.Context, loaded *config.Loaded, stdout, stderr io.Writer) error {
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: loaded.Config.Log.Level}))
	store, err := openTokens(loaded, func(err error) { log.Warn("tokens need a look", "err", err) })
	if err != nil {
		return err
	}
	admin, kept, err := firstTokens(store, loaded)
	if err != nil {
		return err
	}
	s, err := wire(ctx, loaded, store, log)
	if err != nil {
		return err
	}
	w := welcome{listening: s.listener.Addr(), live: s.defaultStream, kept: kept}
	if isTerminal(stdout) {
		w.token = admin.Secret
	}
	return s.run(ctx, w.String(), stdout)
}

// newServer has nothing but what every part needs.
func newServer(c config.Config, access *auth.Store, log *slog.Logger) *server {
	return &server{
		log: log, access: access, defaultStream: c.DefaultStream, declared: c.Streams.Declared, events: event.New(c.Events.History),
		ending: make(chan struct{}),
	}
}

// wire makes every part and takes the TCP port. Nothing runs before run.
func wire(ctx context.Context, loaded *config.Loaded, access *auth.Store, log *slog.Logger) (*server, error) {
	c := loaded.Config
	s := newServer(c, access, log)
	err := s.wireSources(ctx, c)
	if err == nil {
		err = s.checkStreams(loaded, s.sources.Check)
	}
	if err != nil {
		return nil, err
	}
	if s.coach, err = coach.New(coach.Options{
		Registry: s.registry, Logger: log, Event: s.events.Add, MaxBitRate: c.Limits.BitRate,
	}); err != nil {
		return nil, fmt.Errorf("set up the coach: %w", err)
	}
	if s.listener, err = listen(ctx, c.HTTP.Addr); err != nil {
		return nil, err
	}
	if err = s.wireSessions(c); err == nil {
		err = s.wireHTTP(c) //nolint:contextcheck // each request brings a context of its own
	}
	if err != nil {
		return nil, errors.Join(err, s.listener.Close())
	}
	return s, nil
}

// wireSources makes the streams, and what feeds them.
func (s *server) wireSources(ctx context.Context, c config.Config) error {
	policy := policyOf(c.Streams)
	s.registry = stream.New(stream.Options{
		Logger: s.log, Event: s.events.Add, Reserved: api.Reserved(), Refused: s.access.IsSecret, NewFlusher: session.NewFlusher,
		Left: func(name string) {
			if policy(name).Early == session.EarlySlate {
				s.slates.Resume(name)
			}
		},
	})
	s.decoys = stream.New(stream.Options{Workers: 1, NewFlusher: session.NewFlusher})
	s.slates = slate.New(slate.Options{
		Registry: s.registry, Decoys: s.decoys, New: newSlate, Most: c.Limits.Slates, Logger: s.log,
	})
	ffmpeg, transcode, err := ffmpegKind(ctx, c.FFmpeg, s.log)
	if err != nil {
		return err
	}
	if s.library, err = openLibrary(c.Media, transcode != nil, s.events.Add); err != nil {
		return err
	}
	if err = s.wireRelay(c.Relay); err != nil {
		return err
	}
	s.sources, err = publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: s.registry, Kinds: append(kinds(device.NewInventory(s.log), file.Options{Dir: c.Media.Dir, Transcode: transcode, Logger: s.log}), ffmpeg, s.relay.Kind()), Logger: s.log, Event: s.events.Add, //nolint:contextcheck // Kind.New has no context
		Hide: func(name string) { s.sessions.End(name, session.ReasonPrivate) },
		Show: func(string) { s.sessions.Recheck() },
	})
	if err != nil {
		return fmt.Errorf("set up sources: %w", err)
	}
	return nil
}

func (s *server) address() *net.TCPAddr {
	return s.listener.Addr().(*net.TCPAddr) //nolint:errcheck // listen returns a TCP listener
}

func (s *server) wireSessions(c config.Config) error {
	policy := policyOf(c.Streams)
	var err error
	s.sessions, err = session.New(session.Options{
		Registry: s.registry, Logger: s.log, Event: s.events.Add, MDNS: c.ICE.MDNS, Leniency: s.lenient.count,
		UDPPort: s.address().Port, MaxSessions: c.Limits.Sessions, MaxPerAddress: c.Limits.SessionsPerAddress,
		MaxConnecting: c.Limits.ConnectingPerAddress, MaxCandidates: c.Limits.Candidates,
		Policy: policy, Slate: s.slates.Show, SlateSpecs: s.slates.Specs, HoldTime: c.Streams.HoldTime, MaxHeld: c.Limits.Held, MaxHeldPerAddress: c.Limits.HeldPerAddress,
	})
	if err != nil {
		return fmt.Errorf("set up sessions: %w", err)
	}
	return nil
}

func (s *server) wireHTTP(c config.Config) error {
	servers := make([]wish.ICEServer, len(c.ICE.Servers))
	for i, text := range c.ICE.Servers {
		var err error
		if servers[i], err = wish.ParseICEServer(text); err != nil {
			return fmt.Errorf("ice.servers[%d]: %w", i, err)
		}
	}
	options := api.Options{
		Logger: s.log,
		WHEP: whep.New(whep.Options{
			Sessions: s.sessions, ICEServers: servers, MaxOffer: int64(c.Limits.Offer), Caller: api.Caller, Hidden: api.Hidden, Barred: api.Barred, Entitled: api.MayPlay,
		}),
		WHIP: whip.New(whip.Options{
			Sessions: s.sessions, ICEServers: servers, MaxOffer: int64(c.Limits.Offer), Caller: api.Caller, Barred: api.Barred, Entitled: api.MayPublish,
		}),
		Session: wish.NewResource(s.sessions, wish.ResourceOptions{
			Leniency: s.lenient.count, MaxFragment: int64(c.Limits.Fragment),
		}),
		StreamOf:  streamOf(c.Publish.Streams),
		ValidName: s.registry.ValidName, SessionID: s.sessionID,
		Sources: s.sources, Streams: s.registry, Sessions: s.sessions, Access: s.access, Events: s.events, Coach: s.coach, Hops: s.hops, Pushes: s.relay,
		Version:  control.Version{Version: version(), Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, Encoders: builtIn()},
		MaxOffer: int64(c.Limits.Offer),
		Ready:    s.ready.Load, RequestRate: c.Limits.RequestsPerAddress, RequestBurst: c.Limits.BurstPerAddress, Limited: s.limited.count,
		Loopback: s.address().IP.IsLoopback(), Hosts: c.HTTP.Hosts, Ending: s.ending, MaxSubscribers: c.Limits.EventSubscribers,
	}
	if s.library != nil {
		options.Library = s.library
	}
	face, err := api.New(options)
	if err != nil {
		return fmt.Errorf("set up http: %w", err)
	}
	s.http = api.NewServer(face, s.log)
	return nil
}

// streamOf says into which stream a token publishes, by settings of the form
// TOKEN=STREAM. The last of a token counts.
func streamOf(settings []string) func(token string) (string, bool) {
	streams := map[string]string{}
	for _, setting := range settings {
		token, stream, _ := strings.Cut(setting, "=")
		streams[token] = stream
	}
	return func(token string) (string, bool) {
		stream, ok := streams[token]
		return stream, ok
	}
}

// sessionID names a session in the access log.
func (s *server) sessionID(secret string) (string, bool) {
	found, err := s.sessions.Find(secret)
	if err != nil {
		return "", false
	}
	return found.ID(), true
}
