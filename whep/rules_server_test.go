package whep_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"weir/api"
	"weir/auth"
	"weir/internal/codec"
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

const sdpType = "application/sdp"

// A server is the whole of it on 127.0.0.1, with the live stream "test".
type server struct {
	base   string // URL without a slash at its end
	client *webrtctest.Client
	broken string // see serverOptions
	token  string // with which one may play, "" where anybody may
}

type serverOptions struct {
	broken      string // the id of the rule that it breaks, "" for none
	session     session.Options
	rate, burst int // of requests from one address; 0: as usual
	tokens      []auth.Token
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
	publish(t, registry)
	run(t, manager.Run)
	ice := []wish.ICEServer{mustICEServer(t, "stun:127.0.0.1:9"), mustICEServer(t, "turn:user:pass@127.0.0.1:9?transport=udp")}
	sources, err := publisher.NewSupervisor(publisher.SupervisorOptions{Registry: registry})
	if err != nil {
		t.Fatalf("make a supervisor: %v", err)
	}
	access, err := auth.Open(auth.Options{Fixed: o.tokens})
	if err != nil {
		t.Fatalf("make the tokens: %v", err)
	}
	handler, err := api.New(api.Options{
		Logger:    logger,
		WHEP:      whep.New(whep.Options{Sessions: manager, ICEServers: ice, Caller: api.Caller, Hidden: api.Hidden}),
		WHIP:      whip.New(whip.Options{Sessions: manager, ICEServers: ice, Caller: api.Caller}),
		Session:   wish.NewResource(manager, wish.ResourceOptions{}),
		ValidName: registry.ValidName,
		Sources:   sources, Streams: registry, Sessions: manager, Access: access, Events: event.New(0),
		RequestRate: o.rate, RequestBurst: o.burst,
	})
	if err != nil {
		t.Fatalf("make the HTTP face: %v", err)
	}
	handler = wishtest.Break(t, o.broken, handler, ownBreaks())
	web := httptest.NewUnstartedServer(nil)
	web.Config = api.NewServer(handler, logger)
	web.Start()
	client := webrtctest.NewClient()
	t.Cleanup(func() { client.Close(); web.Close() })
	return &server{base: web.URL, client: client, broken: o.broken}
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

// publish feeds the stream "test": 30 pictures a second of three packets each, a
// key frame a second and when one is wanted, and sound.
func publish(t *testing.T, registry *stream.Registry) {
	t.Helper()
	publication, err := registry.Publish("test", "rules", []stream.Spec{
		{Format: codec.Format{Name: "H264", ClockRate: 90000, Fmtp: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"}},
		{Format: codec.Format{Name: "opus", ClockRate: 48000, Channels: 2}},
	})
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	tracks := publication.Tracks()
	run(t, func(ctx context.Context) error {
		ticker := time.NewTicker(time.Second / 30)
		defer ticker.Stop()
		begin := time.Now()
		source := newSource(tracks[0], publication, 90000)
		for n := 0; ; n++ {
			select {
			case <-ctx.Done():
				return nil
			case <-publication.KeyFrameWanted():
				n = 0
			case <-ticker.C:
			}
			source.picture(time.Since(begin), n%30 == 0)
		}
	})
	run(t, func(ctx context.Context) error {
		const frame = 20 * time.Millisecond
		ticker := time.NewTicker(frame)
		defer ticker.Stop()
		source := newSource(tracks[1], publication, 48000)
		for at := time.Duration(0); ; at += frame {
			select {
			case <-ctx.Done():
				publication.Close("end of test")
				return nil
			case <-ticker.C:
				source.write(at, true, []byte{0xfc, 0xff, 0xfe, byte(at / frame)})
			}
		}
	})
}

// A source writes one track.
type source struct {
	track       *stream.Track
	publication *stream.Publication
	rate        uint32 // clock rate, Hz
	begin       time.Time
	sequence    uint16
	packets     int
}

func newSource(track *stream.Track, p *stream.Publication, rate uint32) *source {
	return &source{track: track, publication: p, rate: rate, begin: time.Now()}
}

func (s *source) picture(at time.Duration, key bool) {
	fill := make([]byte, 400)
	if !key {
		s.write(at, false, append([]byte{0x41, 0x9a}, fill...))
		s.write(at, false, append([]byte{0x41, 0x01}, fill...))
		s.write(at, true, append([]byte{0x41, 0x02}, fill...))
		return
	}
	s.write(at, false, []byte{0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 4, 0x68, 0xce, 0x3c, 0x80}) // STAP-A: SPS, PPS
	s.write(at, false, append([]byte{0x7c, 0x85, 0x88}, fill...))                                // FU-A: start of an IDR
	s.write(at, true, append([]byte{0x7c, 0x45, 0x88}, fill...))                                 // and its end
}

func (s *source) write(at time.Duration, marker bool, payload []byte) {
	timestamp := uint32(at.Seconds() * float64(s.rate))
	if s.packets%50 == 0 {
		s.track.SetClock(s.publication, s.begin.Add(at), timestamp)
	}
	s.packets++
	s.sequence++
	s.track.WriteRTP(s.publication, &rtp.Packet{
		Header:  rtp.Header{Version: 2, Marker: marker, SequenceNumber: s.sequence, Timestamp: timestamp, SSRC: 1, PayloadType: 96},
		Payload: payload,
	})
}

// shared is the server as the rules of both protocols see it.
func (s *server) shared() *wishtest.Server {
	return &wishtest.Server{
		Base: s.base, Client: s.client, Broken: s.broken, Direction: "recvonly", Token: s.token, Powerless: publishToken,
		Endpoint: func() string { return s.base + "/whep/test" },
		Other:    func() string { return s.base + "/test/whep" },
		Unknown:  func() string { return s.base + "/whep/nobody" },
		Offer: func(t *testing.T, w wishtest.Way) string {
			t.Helper()
			offer, err := webrtctest.MakeOffer(t.Context(), optionsOf(w))
			if err != nil {
				t.Fatal(err)
			}
			return offer
		},
		Open: func(t *testing.T, w wishtest.Way) *wishtest.Party {
			t.Helper()
			return wishtest.PlayerParty(s.play(t, optionsOf(w)))
		},
		New: func(t *testing.T, o wishtest.Setup) *wishtest.Server {
			t.Helper()
			next := serverOptions{broken: s.broken, rate: o.Rate, burst: o.Burst, session: session.Options{
				MaxSessions: o.MaxSessions, SetupTimeout: o.SetupTimeout, Consent: o.Consent,
			}}
			if o.Guarded {
				next.tokens = []auth.Token{
					{Name: "viewer", Secret: playToken, Rights: []auth.Action{auth.Play}},
					{Name: "studio", Secret: publishToken, Rights: []auth.Action{auth.Publish}},
				}
			}
			other := newServer(t, next)
			if o.Guarded {
				other.token = playToken
			}
			return other.shared()
		},
	}
}

// The tokens of a server that lets nobody play without one.
const (
	playToken    = "play-token-of-the-rules"
	publishToken = "publish-token-of-the-rules"
)

func optionsOf(w wishtest.Way) webrtctest.Options {
	o := webrtctest.Options{
		NoAudio: w.NoAudio, NoVideo: w.NoVideo, AudioFirst: w.Reversed, AllInterfaces: w.AllInterfaces, Trickle: w.Trickle,
		HideCandidates: w.HideCandidates, IgnoreCandidates: w.IgnoreCandidates, Offer: w.Offer, Answer: w.Answer, Fields: w.Fields,
	}
	if w.VP8 {
		o.Codecs = []string{"VP8", "H264"}
	}
	return o
}

// play makes a player that is closed with the test.
func (s *server) play(t *testing.T, o webrtctest.Options) *webrtctest.Player {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wishtest.Soon)
	defer cancel()
	p, err := webrtctest.Play(ctx, s.base+"/whep/test", o)
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
