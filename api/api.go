package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"weir/static"
)

// Resource answers the requests of one route, whatever their method. It returns an error instead of writing one; an
// error after the first byte of an answer is only logged. Serve is called concurrently.
type Resource interface {
	Serve(w http.ResponseWriter, r *http.Request) error
}

// Options are what New needs. Logger, WHEP, Session and ValidName are required.
type Options struct {
	Logger *slog.Logger
	// WHEP is the WHEP endpoint; it finds the stream's name in path value "stream".
	WHEP Resource
	// Session is the resource of a WHIP or WHEP session; it finds its secret in path value "secret".
	Session Resource
	// ValidName tells a stream's possible names from everything else.
	ValidName func(name string) bool
	// SessionID gives the id under which the logs know the session with this secret; nil leaves it out.
	SessionID func(secret string) (id string, ok bool)
	// Home is where / redirects to; "" means /watch/test.
	Home string
}

// face is the HTTP face without its router. All fields are static after New.
type face struct {
	options Options
	files   *static.Files
}

// New returns the whole HTTP face. It starts nothing; the handler is safe for concurrent use.
//
// It puts gin into release mode for the whole process, so that gin prints nothing.
func New(o Options) (http.Handler, error) {
	switch {
	case o.Logger == nil:
		return nil, errors.New("api: no logger")
	case o.WHEP == nil || o.Session == nil:
		return nil, errors.New("api: a resource is missing")
	case o.ValidName == nil:
		return nil, errors.New("api: nothing says which names are valid")
	}
	if o.Home == "" {
		o.Home = "/watch/test"
	}
	files, err := static.New()
	if err != nil {
		return nil, fmt.Errorf("load pages: %w", err)
	}
	f := &face{options: o, files: files}
	engine, err := newEngine()
	if err != nil {
		return nil, err
	}
	engine.Use(f.identify, f.logAccess, f.recoverPanic, limitBody)
	f.route(engine)
	return everyMethod{engine}, nil
}

// newEngine returns a gin engine that trusts no proxy, redirects nothing by itself and prints nothing.
func newEngine() (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.RedirectTrailingSlash = false
	engine.RedirectFixedPath = false
	engine.HandleMethodNotAllowed = false // adapt does it: every route takes every method
	engine.ContextWithFallback = false
	if err := engine.SetTrustedProxies(nil); err != nil {
		return nil, fmt.Errorf("trust no proxy: %w", err)
	}
	return engine, nil
}

// route lists every route there is.
func (f *face) route(engine *gin.Engine) {
	engine.Any("/", f.adapt(look(f.home)))
	engine.Any("/healthz", f.adapt(look(f.health)))
	engine.Any("/watch/:stream", f.adapt(look(f.watch)))
	engine.Any("/static/:file", f.adapt(f.static))
	engine.Any("/whep/:stream", f.adapt(f.options.WHEP.Serve))
	engine.Any("/:stream/whep", f.adapt(f.options.WHEP.Serve))
	engine.Any("/session/:secret", f.adapt(f.options.Session.Serve))
	engine.NoRoute(f.adapt(f.noRoute))
}

// Reserved returns the first path segments that are routes, or will be: no stream may have such a name, since
// /{stream}/whep would not be told from them.
func Reserved() []string {
	return []string{
		"api", "docs", "doctor", "embed", "favicon.ico", "healthz", "metrics", "openapi.json", "openapi.yaml",
		"publish", "readyz", "redoc", "robots.txt", "session", "static", "streams", "watch", "whep", "whip",
	}
}
