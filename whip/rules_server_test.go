package whip_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/api"
	"weir/auth"
	"weir/internal/event"
	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/publisher"
	"weir/session"
	"weir/stream"
	"weir/whep"
	"weir/whip"
)

const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
	problemType  = "application/problem+json"
	// soon is how long the checks wait for what should come at once; the
	// machine may be busy.
	soon = 15 * time.Second
)

// The tokens of a server: two publishers, and one who may only play.
const (
	publishToken = "publish-token-of-the-rules"
	otherToken   = "other-token-of-the-rules"
	playToken    = "play-token-of-the-rules"
)

// A server is the whole of it on 127.0.0.1.
type server struct {
	base     string // URL without a slash at its end
	client   *webrtctest.Client
	sessions *session.Manager
	registry *stream.Registry
	broken   string // see serverOptions
}

type serverOptions struct {
	broken  string // the id of the rule that it breaks, "" for none
	session session.Options
}

// newServer runs until the test has ended.
func newServer(t *testing.T, o serverOptions) *server {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	registry := stream.New(stream.Options{Logger: logger, NewFlusher: session.NewFlusher, Reserved: api.Reserved()})
	o.session.Registry, o.session.Logger = registry, logger
	manager, err := session.New(o.session)
	if err != nil {
		t.Fatalf("make a manager: %v", err)
	}
	run(t, registry.Run)
	run(t, manager.Run)
	handler := newFace(t, registry, manager, logger)
	if o.broken != "" {
		breaker, ok := breakerOf(o.broken)
		if !ok {
			t.Fatalf("nothing breaks %s", o.broken)
		}
		handler = breaker(handler)
	}
	web := httptest.NewUnstartedServer(nil)
	web.Config = api.NewServer(handler, logger)
	web.Start()
	client := webrtctest.NewClient()
	t.Cleanup(func() { client.Close(); web.Close() })
	return &server{base: web.URL, client: client, sessions: manager, registry: registry, broken: o.broken}
}

func newFace(t *testing.T, registry *stream.Registry, manager *session.Manager, logger *slog.Logger) http.Handler {
	t.Helper()
	sources, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: registry})
	if err != nil {
		t.Fatalf("make a supervisor: %v", err)
	}
	access, err := auth.Open(auth.Options{Fixed: []auth.Token{
		{Name: "studio", Secret: publishToken, Rights: []auth.Action{auth.Publish}},
		{Name: "other", Secret: otherToken, Rights: []auth.Action{auth.Publish}},
		{Name: "viewer", Secret: playToken, Rights: []auth.Action{auth.Play}},
	}})
	if err != nil {
		t.Fatalf("make the tokens: %v", err)
	}
	ice := []wish.ICEServer{mustICEServer(t, "stun:127.0.0.1:9"), mustICEServer(t, "turn:user:pass@127.0.0.1:9?transport=udp")}
	handler, err := api.New(api.Options{
		Logger:    logger,
		WHEP:      whep.New(whep.Options{Sessions: manager, Caller: api.Caller, Hidden: api.Hidden}),
		WHIP:      whip.New(whip.Options{Sessions: manager, ICEServers: ice, Caller: api.Caller}),
		Session:   wish.NewResource(manager, wish.ResourceOptions{}),
		ValidName: registry.ValidName,
		Sources:   sources, Streams: registry, Sessions: manager, Access: access, Events: event.New(0),
	})
	if err != nil {
		t.Fatalf("make the HTTP face: %v", err)
	}
	return handler
}

func mustICEServer(t *testing.T, s string) wish.ICEServer {
	t.Helper()
	server, err := wish.ParseICEServer(s)
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// run runs something until the test has ended, and waits for it. What was begun
// last ends first.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f(ctx); err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// endpoint is the URL of a stream's WHIP endpoint.
func (s *server) endpoint(name string) string { return s.base + "/whip/" + name }

// do sends one request.
func (s *server) do(t *testing.T, method, target, body string, fields ...string) *webrtctest.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	reply, err := s.client.Do(ctx, method, target, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// tryPublish makes a publisher that is closed with the test, if it is let in.
func (s *server) tryPublish(t *testing.T, name string, o webrtctest.PublishOptions) (*webrtctest.Publisher, error) {
	t.Helper()
	if o.Fields == nil {
		o.Fields = bearer(publishToken)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	p, err := webrtctest.Publish(ctx, s.endpoint(name), o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close the publisher: %v", err)
		}
	})
	return p, nil
}

func (s *server) publish(t *testing.T, name string, o webrtctest.PublishOptions) *webrtctest.Publisher {
	t.Helper()
	p, err := s.tryPublish(t, name, o)
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return p
}

// publishing is publish with media flowing until the test has ended.
func (s *server) publishing(t *testing.T, name string, o webrtctest.PublishOptions) *webrtctest.Publisher {
	t.Helper()
	p := s.publish(t, name, o)
	feeding(t.Context(), t, p, webrtctest.Feed{})
	return p
}

// session finds the session of a publisher.
func (s *server) session(t *testing.T, p *webrtctest.Publisher) *session.Session {
	t.Helper()
	found, err := s.sessions.Find(p.Session()[strings.LastIndex(p.Session(), "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// play makes a player that is closed with the test.
func (s *server) play(t *testing.T, name string, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	o.Fields = bearer(playToken)
	p, err := webrtctest.Play(ctx, s.base+"/whep/"+name, o)
	if err != nil {
		t.Fatalf("play: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close the player: %v", err)
		}
	})
	return p
}

// refusedPlay is the error of a player that should be refused.
func (s *server) refusedPlay(t *testing.T, name string) error {
	t.Helper()
	p, err := webrtctest.Play(t.Context(), s.base+"/whep/"+name, webrtctest.Options{Fields: bearer(playToken)})
	if err == nil {
		return errors.Join(p.Close())
	}
	return err
}

// media waits for n more packets of each kind of a player's.
func media(t *testing.T, p *webrtctest.Player, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	if err := p.WaitMedia(ctx, n); err != nil {
		t.Fatal(err)
	}
}

// complete waits until nothing is missing of a player's media.
func complete(t *testing.T, p *webrtctest.Player) {
	t.Helper()
	webrtctest.Until(t, soon, func() string {
		if video, audio := p.Video().Missing, p.Audio().Missing; video+audio > 0 {
			return fmt.Sprintf("%d video and %d audio packets", video, audio)
		}
		return ""
	})
}

func wantStatus(t *testing.T, reply *webrtctest.Reply, status int) {
	t.Helper()
	if reply.Status != status {
		t.Fatalf("status %d, want %d: %s", reply.Status, status, reply.Body)
	}
}

// wantRefusal wants a POST refused.
func wantRefusal(t *testing.T, err error, status int, code string) {
	t.Helper()
	refused, ok := errors.AsType[*webrtctest.Refused](err)
	if !ok || refused.Status != status || !strings.Contains(refused.Body, `"`+code+`"`) {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
}

// resolve makes a Location absolute.
func (s *server) resolve(t *testing.T, location string) string {
	t.Helper()
	base, err := url.Parse(s.base)
	if err != nil {
		t.Fatal(err)
	}
	target, err := base.Parse(location)
	if err != nil {
		t.Fatalf("Location: %v", err)
	}
	return target.String()
}

// replace is strings.ReplaceAll that must find something.
func replace(t *testing.T, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("no %q in:\n%s", from, s)
	}
	return strings.ReplaceAll(s, from, to)
}
