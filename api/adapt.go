package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"weir/auth"
	"weir/internal/wish"
)

// handlerFunc is a handler that leaves errors to its caller.
type handlerFunc = func(w http.ResponseWriter, r *http.Request) error

// exchange is what the middleware and the handlers of one request share. It is owned by the request's goroutine.
type exchange struct {
	id      string // of the request
	stream  string // name, "" when there is none in the path or it is not valid
	session string // id, "" when no session is known
	quiet   bool   // not worth a line of the access log, unless somebody looks for it
	err     error  // what the handler returned

	face         *face
	token        string      // name of the token that was presented, "" when none was asked for or known
	asked        auth.Action // the right that was last asked for
	playsPrivate bool        // who is there may play private streams too
}

// exchangeName is where gin's context holds the *exchange, and exchangeKey where the request's does.
const exchangeName = "exchange"

type exchangeKey struct{}

func exchangeIn(c *gin.Context) *exchange {
	x, ok := c.MustGet(exchangeName).(*exchange)
	if !ok {
		panic("api: a route without its middleware")
	}
	return x
}

// exchangeOf returns the request's exchange: an empty one where the request did not come through New's handler.
func exchangeOf(r *http.Request) *exchange {
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// adapt makes a gin handler of h: path parameters become path values, a returned error becomes the answer.
func (f *face) adapt(h handlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		x := exchangeIn(c)
		if method, ok := c.Request.Context().Value(methodKey{}).(string); ok {
			c.Request.Method = method
		}
		r := c.Request.WithContext(context.WithValue(c.Request.Context(), exchangeKey{}, x))
		if c.FullPath() != "" { // gin leaves behind what it tried where nothing matched
			for _, p := range c.Params {
				r.SetPathValue(p.Key, p.Value)
			}
		}
		if name := cmp.Or(r.PathValue("stream"), r.PathValue("name")); f.options.ValidName(name) {
			x.stream = name
		}
		x.session = f.sessionID(r.PathValue("secret")) // before the handler: it may end the session
		if x.err = refusalOf(h(c.Writer, r)); x.err != nil && !c.Writer.Written() {
			wish.WriteError(c.Writer, r, x.err)
		}
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
