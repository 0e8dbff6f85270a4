package api

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"weir/internal/wish"
)

// A right is what a route asks of who calls it.
type right uint8

const (
	// open to everybody.
	open right = iota
	// listed is open to everybody; who administers is told more.
	listed
	// admin asks for the right to administer.
	admin
	// plays asks for the right to play where it makes a session; see face.whep.
	plays
	// publishes asks for the right to publish where it makes a session, or is for who has it; see face.whip.
	publishes
	// secret is open to who knows the address, which cannot be guessed.
	secret
)

// A route is what answers some methods of a pattern. GET answers HEAD as well, and OPTIONS is answered for all. A
// resource answers every method itself; methods are then those that it has.
type route struct {
	methods  []string
	pattern  string
	right    right
	serve    handlerFunc
	resource bool
	quiet    bool // only a monitor or a page's furniture asks: the access log has it as debug
}

// routes are all that there are. The API's description is held against them by a test, in both directions.
func (f *face) routes() []route {
	get := []string{http.MethodGet}
	whep := []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions}
	whip := whep
	session := []string{http.MethodGet, http.MethodHead, http.MethodPatch, http.MethodDelete, http.MethodOptions}
	return []route{
		{methods: get, pattern: "/", serve: f.showPage("home.html")},
		{methods: get, pattern: "/streams", serve: f.showPage("streams.html")},
		{methods: get, pattern: "/watch/:stream", serve: f.showPage("watch.html")},
		{methods: get, pattern: "/embed/:stream", serve: f.embed},
		{methods: get, pattern: "/publish/:stream", serve: f.publish},
		{methods: get, pattern: "/static/*file", serve: f.static, quiet: true},

		{methods: get, pattern: "/docs", serve: f.showDocs("docs.html")},
		{methods: get, pattern: "/redoc", serve: f.showDocs("redoc.html")},
		{methods: get, pattern: "/openapi.yaml", serve: f.document.inYAML.serve},
		{methods: get, pattern: "/openapi.json", serve: f.document.inJSON.serve},

		{methods: get, pattern: "/healthz", serve: f.control.Health, quiet: true},
		{methods: get, pattern: "/readyz", serve: f.control.Ready, quiet: true},

		{methods: get, pattern: "/api/v1/version", serve: f.control.Version},
		{methods: get, pattern: "/api/v1/time", right: admin, serve: f.control.Time, quiet: true},
		{methods: get, pattern: "/api/v1/sources", right: admin, serve: f.control.ListSources},
		{methods: get, pattern: "/api/v1/devices", right: admin, serve: f.control.ListDevices},
		{methods: get, pattern: "/api/v1/streams", right: listed, serve: f.listStreams},
		{methods: get, pattern: "/api/v1/streams/:name", right: admin, serve: f.control.ShowStream},
		{methods: []string{http.MethodPost}, pattern: "/api/v1/streams/:name", right: admin, serve: f.control.StartStream},
		{methods: []string{http.MethodPatch}, pattern: "/api/v1/streams/:name", right: admin, serve: f.control.ChangeStream},
		{methods: []string{http.MethodDelete}, pattern: "/api/v1/streams/:name", right: admin, serve: f.control.StopStream},
		{methods: get, pattern: "/api/v1/streams/:name/pushes", right: admin, serve: f.control.ListPushes},
		{methods: []string{http.MethodPost}, pattern: "/api/v1/streams/:name/pushes", right: admin, serve: f.control.StartPush},
		{methods: get, pattern: "/api/v1/streams/:name/pushes/:push", right: admin, serve: f.control.ShowPush},
		{methods: []string{http.MethodDelete}, pattern: "/api/v1/streams/:name/pushes/:push", right: admin, serve: f.control.EndPush},
		{methods: get, pattern: "/api/v1/streams/:name/obs-profile", right: publishes, serve: f.profileForOBS},
		{methods: get, pattern: "/api/v1/files", right: admin, serve: f.control.ListFiles},
		{methods: get, pattern: "/api/v1/files/*path", right: admin, serve: f.ofFile(f.control.ShowFile)},
		{methods: []string{http.MethodPut}, pattern: "/api/v1/files/*path", right: admin, serve: f.ofFile(f.control.PutFile)},
		{methods: []string{http.MethodDelete}, pattern: "/api/v1/files/*path", right: admin, serve: f.ofFile(f.control.DeleteFile)},
		{methods: get, pattern: "/api/v1/sessions", right: admin, serve: f.control.ListSessions},
		{methods: get, pattern: "/api/v1/sessions/:id", right: admin, serve: f.control.ShowSession},
		{methods: []string{http.MethodDelete}, pattern: "/api/v1/sessions/:id", right: admin, serve: f.control.EndSession},
		{methods: []string{http.MethodPost}, pattern: "/api/v1/explain", right: admin, serve: f.control.Explain},
		{methods: get, pattern: "/api/v1/events", right: admin, serve: f.events.Serve},

		{methods: whep, pattern: "/whep/:stream", right: plays, serve: f.whep, resource: true},
		{methods: whep, pattern: "/:stream/whep", right: plays, serve: f.whep, resource: true},
		{methods: whip, pattern: "/whip", right: publishes, serve: f.whipAlone, resource: true},
		{methods: whip, pattern: "/whip/:stream", right: publishes, serve: f.whip, resource: true},
		{methods: whip, pattern: "/:stream/whip", right: publishes, serve: f.whip, resource: true},
		{methods: session, pattern: "/session/:secret", right: secret, serve: f.options.Session.Serve, resource: true},
	}
}

// Reserved returns the first path segments that are routes, or will be: no stream may have such a name, since
// /{stream}/whep would not be told from them.
func Reserved() []string {
	return []string{
		"api", "docs", "doctor", "embed", "favicon.ico", "healthz", "metrics", "openapi.json", "openapi.yaml",
		"publish", "readyz", "redoc", "robots.txt", "session", "static", "streams", "watch", "whep", "whip",
	}
}

// A place is all routes of one pattern.
type place struct {
	pattern string
	routes  []route
	allow   string // the methods there are, as the Allow field lists them
}

func places(routes []route) []*place {
	var all []*place
	byPattern := map[string]*place{}
	for _, r := range routes {
		p, ok := byPattern[r.pattern]
		if !ok {
			p = &place{pattern: r.pattern}
			byPattern[r.pattern] = p
			all = append(all, p)
		}
		p.routes = append(p.routes, r)
	}
	for _, p := range all {
		var methods []string
		for _, r := range p.routes {
			for _, method := range r.methods {
				methods = append(methods, method)
				if method == http.MethodGet {
					methods = append(methods, http.MethodHead)
				}
			}
		}
		p.allow = strings.Join(append(methods, http.MethodOptions), ", ")
	}
	return all
}

// find returns the route that answers the method.
func (p *place) find(method string) (route, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	for _, r := range p.routes {
		for _, m := range r.methods {
			if r.resource || m == method {
				return r, true
			}
		}
	}
	return route{}, false
}

// register gives the engine every place, for every method: what a place does not have is its own to refuse.
func (f *face) register(engine *gin.Engine) {
	for _, p := range places(f.routes()) {
		engine.Any(p.pattern, f.adapt(f.enter(p)))
	}
	engine.NoRoute(f.adapt(f.noRoute))
}

// enter lets a request in: its origin, its method (RFC 9110 9.3.7 and 15.5.6), then its right.
func (f *face) enter(p *place) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if strings.HasPrefix(p.pattern, "/api/") && f.origin.Check(r) != nil {
			return refuseOrigin()
		}
		found, ok := p.find(r.Method)
		switch {
		case ok:
		case r.Method == http.MethodOptions:
			w.Header().Set("Allow", p.allow)
			w.WriteHeader(http.StatusNoContent)
			return nil
		default:
			return wish.RefuseMethod(r.Method, p.allow)
		}
		exchangeOf(r).quiet = found.quiet
		if found.resource {
			if err := f.limitRate(w, r); err != nil {
				return err
			}
		}
		if found.right == admin {
			if err := f.mayAdminister(r); err != nil {
				return err
			}
		}
		return found.serve(w, r)
	}
}
