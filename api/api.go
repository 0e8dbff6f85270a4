package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"weir/api/control"
	"weir/api/eventstream"
	"weir/auth"
	"weir/internal/event"
	"weir/publisher"
	"weir/session/admission"
	"weir/static"
)

// Resource answers the requests of one route, whatever their method. It returns an error instead of writing one; an
// error after the first byte of an answer is only logged. Serve is called concurrently.
type Resource interface {
	Serve(w http.ResponseWriter, r *http.Request) error
}

// Options are what New needs. All are required but those that say what their zero value means.
type Options struct {
	Logger *slog.Logger
	// WHEP is the WHEP endpoint; it finds the stream's name in path value "stream". It should ask Caller who is there and
	// Hidden whether to deny that the stream exists.
	WHEP Resource
	// WHIP is the WHIP endpoint; it finds the stream's name in path value "stream". It should ask Caller who is there.
	WHIP Resource
	// StreamOf says into which stream the token of a name publishes that no path names; nil knows of none.
	StreamOf func(token string) (stream string, ok bool)
	// Session is the resource of a WHIP or WHEP session; it finds its secret in path value "secret".
	Session Resource
	// ValidName tells a stream's possible names from everything else.
	ValidName func(name string) bool
	// SessionID gives the id under which the logs know the session with this secret; nil leaves it out.
	SessionID func(secret string) (id string, ok bool)

	Sources  control.Sources
	Streams  control.Streams
	Sessions control.Sessions
	Access   auth.Authorizer
	Events   *event.Ring
	// Library are the media files; nil has no folder for any.
	Library publisher.Library
	// Pushes publish streams on other servers.
	Pushes control.Pushes
	// Hops guards against streams that go round in circles; nil guards nothing.
	Hops Hops
	// Coach says what publishers should change; nil finds nothing.
	Coach control.Coach
	// Version is what /api/v1/version says.
	Version control.Version
	// MaxOffer is the longest offer that is explained, in bytes, and should be the endpoint's; 0 is 128 KiB.
	MaxOffer int64
	// Ready reports whether streams can be played; nil means from the first request on.
	Ready func() bool

	// RequestRate is how many POST, PATCH and DELETE a second the resources take from one remote address in the long run,
	// and RequestBurst how many at once; 0 is 200 and 5,000. Requests of this machine are not counted.
	RequestRate, RequestBurst int
	// Limited is told the name of the limit that a request was refused by, where that is on a rate. It must not block; nil
	// tells nobody.
	Limited func(name string)
	// Loopback says that the listener has a loopback address: then a request must name this machine, or one of Hosts, as
	// its Host. Else a page from elsewhere could reach the server under a name of its own (DNS rebinding).
	Loopback bool
	// Hosts are names and addresses without port that a request may name as its Host on a loopback listener.
	Hosts []string
	// MaxSubscribers is how many event streams there may be at once; 0 is 2,000.
	MaxSubscribers int
	// Ending ends the event streams when it closes, so that the server can shut down; nil never does.
	Ending <-chan struct{}
}

// What one remote address may send: 200 clients behind it that all come back at once and trickle ten candidates each,
// twice over, and later that many a second.
const (
	requestRate  = 200
	requestBurst = 5_000
)

// face is the HTTP face without its router.
type face struct {
	// static after New
	options  Options
	files    *static.Files
	document *document
	origin   *http.CrossOriginProtection
	hosts    map[string]bool // lower case
	control  *control.API
	events   *eventstream.Streams
	rates    *admission.Rates
}

// New returns the whole HTTP face. It starts nothing; the handler is safe for concurrent use.
//
// It puts gin into release mode for the whole process, so that gin prints nothing.
func New(o Options) (http.Handler, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	files, err := static.New()
	if err != nil {
		return nil, fmt.Errorf("load pages: %w", err)
	}
	description, err := newDocument()
	if err != nil {
		return nil, fmt.Errorf("load the API's description: %w", err)
	}
	f := &face{
		options: o, files: files, document: description, origin: http.NewCrossOriginProtection(), hosts: hostSet(o.Hosts),
		rates: admission.NewRates(o.RequestRate, o.RequestBurst),
		control: control.New(control.Options{
			Sources: o.Sources, Streams: o.Streams, Sessions: o.Sessions, Pushes: o.Pushes, Library: o.Library, Coach: o.Coach,
			Version: o.Version, Ready: o.Ready, ValidName: o.ValidName, MaxOffer: o.MaxOffer, Caller: Caller, About: about,
		}),
	}
	f.events = eventstream.New(eventstream.Options{
		Ring: o.Events, Most: o.MaxSubscribers, Ending: o.Ending, Allowed: func(r *http.Request) bool { return f.mayAdminister(r) == nil },
		Changed: o.Access.Changed,
	})
	engine, err := newEngine()
	if err != nil {
		return nil, err
	}
	engine.Use(f.identify, f.logAccess, f.recoverPanic, f.checkHost, limitBody)
	f.register(engine)
	return everyMethod{engine}, nil
}

func (o *Options) check() error {
	switch {
	case o.Logger == nil:
		return errors.New("api: no logger")
	case o.WHEP == nil || o.WHIP == nil || o.Session == nil:
		return errors.New("api: a resource is missing")
	case o.ValidName == nil:
		return errors.New("api: nothing says which names are valid")
	case o.Sources == nil || o.Streams == nil || o.Sessions == nil || o.Events == nil:
		return errors.New("api: sources, streams, sessions or events are missing")
	case o.Access == nil:
		return errors.New("api: nothing says who may do what")
	}
	if o.StreamOf == nil {
		o.StreamOf = func(string) (string, bool) { return "", false }
	}
	if o.RequestRate <= 0 {
		o.RequestRate = requestRate
	}
	if o.RequestBurst <= 0 {
		o.RequestBurst = requestBurst
	}
	if o.Limited == nil {
		o.Limited = func(string) {}
	}
	return nil
}

// newEngine returns a gin engine that trusts no proxy, redirects nothing by itself and prints nothing.
func newEngine() (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.RedirectFixedPath = false
	engine.HandleMethodNotAllowed = false // place does it: every route takes every method
	engine.ContextWithFallback = false
	if err := engine.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("trust no proxy: %w", err)
	}
	return engine, nil
}
