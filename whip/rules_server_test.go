package whip_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"weir/api"
	"weir/auth"
	"weir/internal/event"
	"weir/internal/webrtctest"
	"weir/internal/wish"
	"weir/internal/wishtest"
	"weir/publisher"
	"weir/session"
	"weir/stream"
	"weir/whep"
	"weir/whip"
)

// The tokens of a server: two publishers, one who may only play, and one who may
// do everything.
const (
	publishToken = "publish-token-of-the-rules"
	otherToken   = "other-token-of-the-rules"
	playToken    = "play-token-of-the-rules"
	adminToken   = "admin-token-of-the-rules"
)

// A server is the whole of it on 127.0.0.1.
type server struct {
	base     string // URL without a slash at its end
	client   *webrtctest.Client
	sessions *session.Manager
	registry *stream.Registry
	broken   string // see serverOptions
	streams  atomic.Int64
}

type serverOptions struct {
	broken      string // the id of the rule that it breaks, "" for none
	session     session.Options
	rate, burst int // of requests from one address; 0: as usual
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
	handler := newFace(t, o, registry, manager, logger)
	handler = wishtest.Break(t, o.broken, handler, ownBreaks())
	web := httptest.NewUnstartedServer(nil)
	web.Config = api.NewServer(handler, logger)
	web.Start()
	client := webrtctest.NewClient()
	t.Cleanup(func() { client.Close(); web.Close() })
	return &server{base: web.URL, client: client, sessions: manager, registry: registry, broken: o.broken}
}

func newFace(t *testing.T, o serverOptions, registry *stream.Registry, manager *session.Manager, logger *slog.Logger) http.Handler {
	t.Helper()
	sources, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: registry})
	if err != nil {
		t.Fatalf("make a supervisor: %v", err)
	}
	access, err := auth.Open(auth.Options{Fixed: []auth.Token{
		{Name: "studio", Secret: publishToken, Rights: []auth.Action{auth.Publish}},
		{Name: "other", Secret: otherToken, Rights: []auth.Action{auth.Publish}},
		{Name: "viewer", Secret: playToken, Rights: []auth.Action{auth.Play}},
		{Name: "chief", Secret: adminToken, Rights: []auth.Action{auth.Administer}},
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
		RequestRate: o.rate, RequestBurst: o.burst,
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

// shared is the server as the rules of both protocols see it. Each session has
// a stream of its own.
func (s *server) shared() *wishtest.Server {
	return &wishtest.Server{
		Base: s.base, Client: s.client, Broken: s.broken, Direction: "sendonly", Token: publishToken, Powerless: playToken,
		Endpoint: func() string { return s.endpoint(s.fresh()) },
		Other:    func() string { return s.base + "/" + s.fresh() + "/whip" },
		Unknown:  func() string { return s.endpoint("nobody") },
		Offer: func(t *testing.T, w wishtest.Way) string {
			t.Helper()
			offer, err := webrtctest.MakePublishOffer(t.Context(), optionsOf(w))
			if err != nil {
				t.Fatal(err)
			}
			return offer
		},
		Open: func(t *testing.T, w wishtest.Way) *wishtest.Party {
			t.Helper()
			return s.party(t, optionsOf(w))
		},
		New: func(t *testing.T, o wishtest.Setup) *wishtest.Server {
			t.Helper()
			return newServer(t, serverOptions{broken: s.broken, rate: o.Rate, burst: o.Burst, session: session.Options{
				MaxSessions: o.MaxSessions, SetupTimeout: o.SetupTimeout, Consent: o.Consent,
			}}).shared()
		},
	}
}

// fresh is the name of a stream that nobody has used.
func (s *server) fresh() string { return fmt.Sprintf("s%d", s.streams.Add(1)) }

func optionsOf(w wishtest.Way) webrtctest.PublishOptions {
	o := webrtctest.PublishOptions{
		NoAudio: w.NoAudio, NoVideo: w.NoVideo, VideoFirst: w.Reversed, Trickle: w.Trickle, AllInterfaces: w.AllInterfaces,
		HideCandidates: w.HideCandidates, IgnoreCandidates: w.IgnoreCandidates, Offer: w.Offer, Answer: w.Answer, Fields: w.Fields,
	}
	if w.VP8 {
		o.Codecs = []string{"VP8", "H264"}
	}
	return o
}

// party is a publisher that feeds a stream of its own, with a player who says
// whether that flows.
func (s *server) party(t *testing.T, o webrtctest.PublishOptions) *wishtest.Party {
	t.Helper()
	name := s.fresh()
	p := s.publishing(t, name, o)
	var player *wishtest.Party
	play := func(t *testing.T) *wishtest.Party {
		t.Helper()
		if player == nil {
			player = wishtest.PlayerParty(s.play(t, name, webrtctest.Options{NoAudio: o.NoAudio, NoVideo: o.NoVideo}))
		}
		return player
	}
	return &wishtest.Party{
		Link:     p.Link,
		More:     func(t *testing.T) { t.Helper(); play(t).More(t) },
		Complete: func(t *testing.T) { t.Helper(); play(t).Complete(t) },
		Count:    func() int { return play(t).Count() },
		Line:     func() uint32 { return play(t).Line() },
	}
}

func bearer(token string) []string { return wishtest.Bearer(token) }

// endpoint is the URL of a stream's WHIP endpoint.
func (s *server) endpoint(name string) string { return s.base + "/whip/" + name }

// tryPublish makes a publisher that is closed with the test, if it is let in.
func (s *server) tryPublish(t *testing.T, name string, o webrtctest.PublishOptions) (*webrtctest.Publisher, error) {
	t.Helper()
	if o.Fields == nil {
		o.Fields = bearer(publishToken)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wishtest.Soon)
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
	return s.sessionOf(t, p.Link)
}

func (s *server) sessionOf(t *testing.T, p *webrtctest.Link) *session.Session {
	t.Helper()
	found, err := s.sessions.Find(p.Session()[strings.LastIndex(p.Session(), "/")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// tryPlay makes a player that is closed with the test, if it is let in.
func (s *server) tryPlay(t *testing.T, name string, o webrtctest.Options) (*webrtctest.Player, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wishtest.Soon)
	defer cancel()
	o.Fields = bearer(playToken)
	p, err := webrtctest.Play(ctx, s.base+"/whep/"+name, o)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close the player: %v", err)
		}
	})
	return p, nil
}

func (s *server) play(t *testing.T, name string, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	p, err := s.tryPlay(t, name, o)
	if err != nil {
		t.Fatalf("play: %v", err)
	}
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
	ctx, cancel := context.WithTimeout(t.Context(), 2*wishtest.Soon)
	defer cancel()
	if err := p.WaitMedia(ctx, n); err != nil {
		t.Fatal(err)
	}
}

// complete waits until nothing is missing of a player's media.
func complete(t *testing.T, p *webrtctest.Player) {
	t.Helper()
	webrtctest.Until(t, wishtest.Soon, func() string {
		if video, audio := p.Video().Missing, p.Audio().Missing; video+audio > 0 {
			return fmt.Sprintf("%d video and %d audio packets", video, audio)
		}
		return ""
	})
}

// wantRefusal wants a POST refused.
func wantRefusal(t *testing.T, err error, status int, code string) {
	t.Helper()
	refused, ok := errors.AsType[*webrtctest.Refused](err)
	if !ok || refused.Status != status || !strings.Contains(refused.Body, `"`+code+`"`) {
		t.Fatalf("got %v, want %d %s", err, status, code)
	}
}
