package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"weir/internal/wish"
)

// handlerFunc is a handler that leaves errors to its caller.
type handlerFunc = func(w http.ResponseWriter, r *http.Request) error

// exchange is what the middleware of one request shares. It is owned by the request's goroutine.
type exchange struct {
	id      string // of the request
	stream  string // name, "" when there is none in the path or it is not valid
	session string // id, "" when no session is known
	err     error  // what the handler returned
}

// exchangeKey is where gin's context holds the *exchange.
const exchangeKey = "exchange"

func exchangeOf(c *gin.Context) *exchange {
	x, ok := c.MustGet(exchangeKey).(*exchange)
	if !ok {
		panic("api: a route without its middleware")
	}
	return x
}

// adapt makes a gin handler of h: path parameters become path values, a returned error becomes the answer.
func (f *face) adapt(h handlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		x, r := exchangeOf(c), c.Request
		if method, ok := r.Context().Value(methodKey{}).(string); ok {
			r.Method = method
		}
		if c.FullPath() != "" { // gin leaves behind what it tried where nothing matched
			for _, p := range c.Params {
				r.SetPathValue(p.Key, p.Value)
			}
		}
		if name := r.PathValue("stream"); f.options.ValidName(name) {
			x.stream = name
		}
		x.session = f.sessionID(r.PathValue("secret")) // before the handler: it may end the session
		if x.err = h(c.Writer, r); x.err != nil && !c.Writer.Written() {
			wish.WriteError(c.Writer, r, x.err)
		}
	}
}

// look restricts h to GET and HEAD, and answers OPTIONS (RFC 9110 9.3.7); anything else is 405.
func look(h handlerFunc) handlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		const allow = "GET, HEAD, OPTIONS"
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			return h(w, r)
		case http.MethodOptions:
			w.Header().Set("Allow", allow)
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return wish.RefuseMethod(r.Method, allow)
	}
}

// methodKey is where a request's context holds its method while gin is routing it under another one.
type methodKey struct{}

// everyMethod hands its router every method. gin keeps a tree for each method that a route was made for, and Any makes
// nine: a tenth would never reach the resource whose 405 must name what it allows (RFC 9110 15.5.6).
type everyMethod struct{ engine *gin.Engine }

func (h everyMethod) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !slices.Contains(routedMethods(), r.Method) {
		// Shallow copy: the server's own request keeps its method.
		r = r.WithContext(context.WithValue(r.Context(), methodKey{}, r.Method))
		r.Method = http.MethodTrace
	}
	h.engine.ServeHTTP(w, r)
}

// routedMethods are the methods of gin's Any.
func routedMethods() []string {
	return []string{
		http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodHead, http.MethodOptions,
		http.MethodDelete, http.MethodConnect, http.MethodTrace,
	}
}

// wantsHTML reports whether a browser asks for a page.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
