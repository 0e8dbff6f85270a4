package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"weir/api"
	"weir/api/control"
	"weir/auth"
	"weir/internal/event"
	"weir/internal/wish"
	"weir/publisher"
	"weir/relay"
	"weir/session"
	"weir/stream"
	"weir/whep"
	"weir/whip"
)

// The tokens of the tests.
const (
	adminToken   = "weir_admin-of-the-tests-00000000"
	publishToken = "weir_publish-of-the-tests-000000"
	playToken    = "weir_play-of-the-tests-000000000"
	wrongToken   = "weir_wrong-in-the-tests-00000000"
	ownToken     = "hunter2-of-the-tests" // to publish, as somebody has chosen it
)

// resource is a Resource made of a function.
type resource func(w http.ResponseWriter, r *http.Request) error

func (f resource) Serve(w http.ResponseWriter, r *http.Request) error { return f(w, r) }

// echo answers with what it was handed.
func echo(kind string) resource {
	return func(w http.ResponseWriter, r *http.Request) error {
		_, err := io.WriteString(w, kind+" "+r.Method+" "+r.PathValue("stream")+r.PathValue("secret"))
		return err
	}
}

// record collects log lines.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *record) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *record) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *record) lines(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(l.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

// silent is a source that publishes and sends nothing.
type silent struct{ specs []stream.Spec }

func (s silent) Specs() []stream.Spec { return s.specs }

func (silent) Run(ctx context.Context, p *stream.Publication) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.Done():
		return publisher.ErrPublicationEnded
	}
}

// film is a source that has a place.
type film struct{ silent }

func (film) Place() publisher.Place {
	return publisher.Place{Position: 1999999 * time.Microsecond, Duration: time.Minute + 999*time.Microsecond, Paused: true}
}

func kinds() []publisher.Kind {
	anew := func(name string, _ json.RawMessage) (publisher.Source, error) {
		s := silent{[]stream.Spec{{Format: publisher.H264()}, {Format: publisher.Opus(), Title: "sound"}}}
		if name == "film" {
			return film{s}, nil
		}
		return s, nil
	}
	return []publisher.Kind{
		{
			Name: "tone", Title: "Tone", Description: "Sends nothing, which tests can hear.", New: anew,
			Schema: json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{` +
				`"hz":{"type":"integer","title":"Pitch","default":440,"minimum":20,"maximum":20000},` +
				`"name":{"type":"string","title":"Name"}}}`),
		},
		{Name: "camera", Title: "Camera", Description: "A camera.", Private: true, New: anew},
		{Name: "file", Title: "File", Description: "A file.", Missing: errors.New("this build has no file source"), New: anew},
	}
}

// world is the HTTP face over real rooms.
type world struct {
	face     http.Handler
	log      *record
	registry *stream.Registry
	sources  *publisher.Supervisor
	sessions *session.Manager
	relay    *relay.Relay
	events   *event.Ring // of what the rooms tell
	ring     *event.Ring // that is followed: the same, unless a test has another
}

type worldOptions struct {
	playNeedsToken bool
	running        bool // the rooms run: sessions can be made
	policy         func(stream string) session.Policy
	change         func(*api.Options)
}

func newAccess(t *testing.T, o worldOptions) *auth.Store {
	t.Helper()
	tokens := []auth.Token{
		{Name: "chief", Secret: adminToken, Rights: []auth.Action{auth.Administer}},
		{Name: "studio", Secret: publishToken, Rights: []auth.Action{auth.Publish}},
		{Name: "own", Secret: ownToken, Rights: []auth.Action{auth.Publish}},
	}
	if o.playNeedsToken {
		tokens = append(tokens, auth.Token{Name: "wall", Secret: playToken, Rights: []auth.Action{auth.Play}})
	}
	access, err := auth.Open(auth.Options{Fixed: tokens})
	if err != nil {
		t.Fatal(err)
	}
	return access
}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	w := &world{log: new(record), events: event.New(0)}
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	quiet := slog.New(slog.DiscardHandler)
	access := newAccess(t, o)
	w.registry = stream.New(stream.Options{
		Reserved: api.Reserved(), Refused: access.IsSecret, Event: w.events.Add, NewFlusher: session.NewFlusher,
	})
	var err error
	if w.sessions, err = session.New(session.Options{Registry: w.registry, Logger: quiet, Event: w.events.Add, Policy: o.policy}); err != nil {
		t.Fatal(err)
	}
	w.sources, err = publisher.NewSupervisor(publisher.SupervisorOptions{
		Registry: w.registry, Kinds: kinds(), Event: w.events.Add,
		Show: func(string) { w.sessions.Recheck() },
	})
	if err != nil {
		t.Fatal(err)
	}
	port, err := relay.ParseHost("127.0.0.1:9")
	if err != nil {
		t.Fatal(err)
	}
	if w.relay, err = relay.New(relay.Options{
		Sessions: w.sessions, Registry: w.registry, Hops: relay.NewHops(), Hosts: []relay.Host{port}, Event: w.events.Add,
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, end := context.WithCancel(context.Background())
		end()
		if err := w.relay.Run(ended); err != nil {
			t.Error(err)
		}
	})
	options := api.Options{
		Pushes: w.relay,
		Logger: logger, WHEP: whep.New(whep.Options{Sessions: w.sessions, Caller: api.Caller, Hidden: api.Hidden}),
		WHIP:    whip.New(whip.Options{Sessions: w.sessions, Caller: api.Caller}),
		Session: wish.NewResource(w.sessions, wish.ResourceOptions{}), ValidName: w.registry.ValidName,
		Sources: w.sources, Streams: w.registry, Sessions: w.sessions, Access: access, Events: w.events,
		Version: control.Version{Version: "v0", Go: "go1.26", OS: "linux", Arch: "amd64"},
		SessionID: func(secret string) (string, bool) {
			s, err := w.sessions.Find(secret)
			if err != nil {
				return "", false
			}
			return s.ID(), true
		},
	}
	if o.change != nil {
		o.change(&options)
	}
	w.ring = options.Events
	if w.face, err = api.New(options); err != nil {
		t.Fatal(err)
	}
	if o.running {
		w.run(t)
	}
	return w
}

// run lets the rooms run until the test has ended.
func (w *world) run(t *testing.T) {
	t.Helper()
	for _, room := range []func(context.Context) error{w.registry.Run, w.sources.Run, w.sessions.Run} {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- room(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	<-w.sessions.Ready()
}

// begin starts a source on a stream.
func (w *world) begin(t *testing.T, name, kind string, private bool) {
	t.Helper()
	if _, err := w.sources.Start(name, publisher.Start{Source: kind, Private: &private}); err != nil {
		t.Fatal(err)
	}
}

// newFace is a face whose resources are no real ones.
func newFace(t *testing.T, change func(*api.Options)) (http.Handler, *record) {
	t.Helper()
	w := newWorld(t, worldOptions{change: func(o *api.Options) {
		o.WHEP, o.WHIP, o.Session = echo("whep"), echo("whip"), echo("session")
		o.SessionID = func(secret string) (string, bool) { return "id-of-it", secret == "5ec4e7" }
		if change != nil {
			change(o)
		}
	}})
	return w.face, w.log
}

// answer is a response that was read to its end.
type answer struct {
	StatusCode int
	Header     http.Header
	Body       string
}

// problem reads the answer as problem details.
func (a answer) problem(t *testing.T) (p struct {
	Code, Detail, Remedy, Request string
	Has                           []string
	Problems                      []wish.Problem
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatalf("%d %q: %v", a.StatusCode, a.Body, err)
	}
	return p
}

// call is a request.
type call struct {
	method, target string
	body           string
	fields         []string // names and values
	host           string
}

// send serves a request and wants its answer to be as the description has it.
func (c call) send(t *testing.T, h http.Handler) answer {
	t.Helper()
	r, a := c.exchange(h)
	validate(t, r, a)
	return a
}

func (c call) exchange(h http.Handler) (*http.Request, answer) {
	var body io.Reader = http.NoBody
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r := httptest.NewRequest(c.method, c.target, body)
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(c.body)), nil }
	r.RemoteAddr = "127.0.0.1:1234" // no limit on one address
	if c.host != "" {
		r.Host = c.host
	}
	for i := 0; i < len(c.fields); i += 2 {
		r.Header.Add(c.fields[i], c.fields[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return r, answer{StatusCode: w.Code, Header: w.Header(), Body: w.Body.String()}
}

// do sends a request without a body.
func do(t *testing.T, h http.Handler, method, target string, fields ...string) answer {
	t.Helper()
	return call{method: method, target: target, fields: fields}.send(t, h)
}

// undescribed serves a request of a resource that is not a real one.
func undescribed(h http.Handler, method, target string, fields ...string) answer {
	_, a := call{method: method, target: target, fields: fields}.exchange(h)
	return a
}

// administer sends a request with the token that may, and a JSON body where it is not "".
func (w *world) administer(t *testing.T, method, target, body string) answer {
	t.Helper()
	c := call{method: method, target: target, body: body, fields: []string{"Authorization", "Bearer " + adminToken}}
	if body != "" {
		c.fields = append(c.fields, "Content-Type", "application/json")
	}
	return c.send(t, w.face)
}

// decode reads an answer's JSON.
func decode[T any](t *testing.T, a answer, status int) (v T) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", a.StatusCode, status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		t.Fatalf("%q: %v", a.Body, err)
	}
	return v
}

// chromiumOffer is a recorded one.
func chromiumOffer(t *testing.T) string {
	t.Helper()
	offer, err := os.ReadFile("../session/negotiate/testdata/offers/chromium-156.sdp")
	if err != nil {
		t.Fatal(err)
	}
	return string(offer)
}
