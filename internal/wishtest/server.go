package wishtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"weir/internal/webrtctest"
)

const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
	problemType  = "application/problem+json"
	// Soon is how long the checks wait for what should come at once; the
	// machine may be busy.
	Soon = 40 * time.Second
)

// A Check proves one rule at a running server.
type Check = func(t *testing.T, s *Server)

// A Server is one on 127.0.0.1, of one of the two protocols.
type Server struct {
	Base   string // URL without a slash at its end
	Client *webrtctest.Client
	Broken string // id of the rule that it breaks, "" for none

	// Endpoint is the URL of one where a session can be made, also while there
	// are others; Other is the same in the other form. Unknown is one where the
	// server need not let anybody in, and that nobody has used.
	Endpoint, Other, Unknown func() string
	// Direction is that of a client's sections: "recvonly" of a player.
	Direction string
	// Token lets a session be made, "" where none is needed; Powerless is one
	// that the server knows, and that does not.
	Token, Powerless string

	// Offer is a good one. Open makes a session that ends with the test.
	Offer func(t *testing.T, w Way) string
	Open  func(t *testing.T, w Way) *Party
	// New is another server that breaks the same rule.
	New func(t *testing.T, s Setup) *Server
}

// Setup is how a server differs from the usual one; the zero value does not.
type Setup struct {
	MaxSessions  int
	SetupTimeout time.Duration
	Consent      time.Duration
	Guarded      bool // making a session needs a token
	// Rate is how many POST, PATCH and DELETE a second one address may send, and
	// Burst how many at once.
	Rate, Burst int
}

// Way is how a session is made: see webrtctest.Options.
type Way struct {
	NoAudio, NoVideo        bool
	Reversed                bool // the sections in the other order
	VP8                     bool // first
	AllInterfaces           bool
	Trickle, HideCandidates bool
	IgnoreCandidates        bool
	Offer, Answer           func(sdp string) string
	Fields                  []string
}

// A Party is a client with its session.
type Party struct {
	*webrtctest.Link

	// More waits until more media of the session has arrived where it goes, and
	// Complete until nothing of it is missing.
	More, Complete func(t *testing.T)
	// Count is how many packets have arrived; Line names the RTP stream.
	Count func() int
	Line  func() uint32
}

// Rules are the checks of all that both protocols share, by id.
func Rules() map[string]Check {
	all := map[string]Check{}
	for _, section := range []map[string]Check{
		createRules(), answerRules(), trickleRules(), restartRules(), endRules(), lookRules(), accessRules(),
		safetyRules(), quirkRules(),
	} {
		maps.Copy(all, section)
	}
	return all
}

// fields are a request's, with the token where one is needed.
func (s *Server) fields(more ...string) []string {
	if s.Token != "" {
		more = append(more, Bearer(s.Token)...)
	}
	return more
}

// Bearer is the field that carries a token.
func Bearer(token string) []string { return []string{"Authorization", "Bearer " + token} }

// Do sends one request.
func (s *Server) Do(t *testing.T, method, target, body string, fields ...string) *webrtctest.Reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Soon)
	defer cancel()
	reply, err := s.Client.Do(ctx, method, target, body, fields...)
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// Post sends an offer.
func (s *Server) Post(t *testing.T, offer string) *webrtctest.Reply {
	t.Helper()
	return s.Do(t, "POST", s.Endpoint(), offer, s.fields("Content-Type", sdpType)...)
}

// Made is a session that nobody uses: it is there until the set-up deadline.
type Made struct {
	*webrtctest.Reply

	Offer, URL, ETag string
}

// Make makes a session of a good offer.
func (s *Server) Make(t *testing.T) Made {
	t.Helper()
	return s.MakeOf(t, s.Offer(t, Way{}))
}

// MakeOf makes a session of an offer.
func (s *Server) MakeOf(t *testing.T, offer string) Made {
	t.Helper()
	reply := s.Post(t, offer)
	WantStatus(t, reply, http.StatusCreated)
	return s.made(t, reply, offer)
}

func (s *Server) made(t *testing.T, reply *webrtctest.Reply, offer string) Made {
	t.Helper()
	return Made{Reply: reply, Offer: offer, URL: s.resolve(t, reply.Header.Get("Location")), ETag: reply.Header.Get("ETag")}
}

func (s *Server) resolve(t *testing.T, location string) string {
	t.Helper()
	base, err := url.Parse(s.Base)
	if err != nil {
		t.Fatal(err)
	}
	target, err := base.Parse(location)
	if err != nil {
		t.Fatalf("Location: %v", err)
	}
	return target.String()
}

// opened is Open with media there.
func (s *Server) opened(t *testing.T, w Way) *Party {
	t.Helper()
	p := s.Open(t, w)
	p.More(t)
	return p
}

// patch sends a fragment; ifMatch "" is none.
func (s *Server) patch(t *testing.T, target, fragment, ifMatch string) *webrtctest.Reply {
	t.Helper()
	fields := []string{"Content-Type", fragmentType}
	if ifMatch != "" {
		fields = append(fields, "If-Match", ifMatch)
	}
	return s.Do(t, "PATCH", target, fragment, fields...)
}

// WantStatus wants a reply of that status.
func WantStatus(t *testing.T, reply *webrtctest.Reply, status int) {
	t.Helper()
	if reply.Status != status {
		t.Fatalf("status %d, want %d: %s", reply.Status, status, reply.Body)
	}
}

// WantRefused wants any 4xx.
func WantRefused(t *testing.T, reply *webrtctest.Reply) {
	t.Helper()
	if reply.Status < 400 || reply.Status > 499 {
		t.Fatalf("status %d, want 4xx: %s", reply.Status, reply.Body)
	}
}

// Replace is strings.ReplaceAll that must find something.
func Replace(t *testing.T, s, from, to string) string {
	t.Helper()
	if !strings.Contains(s, from) {
		t.Fatalf("no %q in:\n%s", from, s)
	}
	return strings.ReplaceAll(s, from, to)
}

// PlayerParty is the party that a player is.
func PlayerParty(p *webrtctest.Player) *Party {
	return &Party{
		Link: p.Link,
		More: func(t *testing.T) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), Soon)
			defer cancel()
			if err := p.WaitMedia(ctx, 10); err != nil {
				t.Fatal(err)
			}
		},
		Complete: func(t *testing.T) {
			t.Helper()
			webrtctest.Until(t, Soon, func() string {
				if video, audio := p.Video().Missing, p.Audio().Missing; video+audio > 0 {
					return fmt.Sprintf("%d video and %d audio packets", video, audio)
				}
				return ""
			})
		},
		Count: func() int { return p.Video().Packets + p.Audio().Packets },
		Line:  func() uint32 { return p.Video().SSRC },
	}
}
