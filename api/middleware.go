package api

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"weir/internal/wish"
)

// bodyDeadline is how long a client may take to send a request's body.
const bodyDeadline = 10 * time.Second

// identify gives the request an id of our own, since one from a client could be made to look like another's, and the
// answer what every answer has.
func (f *face) identify(c *gin.Context) {
	x := &exchange{id: uuid.NewString(), face: f}
	c.Set(exchangeName, x)
	c.Writer.Header().Set("X-Request-Id", x.id)
	protect(c.Writer)
	c.Next()
}

// logAccess writes one line for each request, after it. Errors that nobody was told the details of are in it.
func (f *face) logAccess(c *gin.Context) {
	begin, x := time.Now(), exchangeIn(c)
	defer func() {
		args := []any{
			"method", knownMethod(c.Request.Method), "path", c.FullPath(), "status", c.Writer.Status(),
			"bytes", max(c.Writer.Size(), 0), "duration", time.Since(begin), "request", x.id,
		}
		if x.stream != "" {
			args = append(args, "stream", x.stream)
		}
		if secret, ok := strings.CutPrefix(c.Writer.Header().Get("Location"), "/session/"); ok {
			x.session = f.sessionID(secret)
		}
		if x.session != "" {
			args = append(args, "session", x.session)
		}
		level := accessLevel(c, x)
		if level > slog.LevelInfo {
			args = append(args, "err", x.err)
		} else if refusal, ok := errors.AsType[*wish.Refusal](x.err); ok {
			args = append(args, "reason", refusal.Code)
		}
		f.options.Logger.Log(c.Request.Context(), level, "request served", args...)
	}()
	c.Next()
}

// knownMethod keeps what a client made up out of the log.
func knownMethod(method string) string {
	if slices.Contains(routedMethods(), method) {
		return method
	}
	return "other"
}

// accessLevel is Error for what a person must look at: an error that is no refusal, unless the client has gone and
// made it itself. What only a monitor or a page's furniture asks for is Debug.
func accessLevel(c *gin.Context, x *exchange) slog.Level {
	_, refused := errors.AsType[*wish.Refusal](x.err)
	switch {
	case x.err != nil && !refused && c.Request.Context().Err() == nil:
		return slog.LevelError
	case x.quiet:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// sessionID returns the id of the session with this secret, "" where none is known.
func (f *face) sessionID(secret string) string {
	if f.options.SessionID == nil || secret == "" {
		return ""
	}
	if id, ok := f.options.SessionID(secret); ok {
		return id
	}
	return ""
}

// recoverPanic turns a panic into a 500 whose cause stands in the log alone.
func (f *face) recoverPanic(c *gin.Context) {
	defer func() {
		cause := recover()
		if cause == nil {
			return
		}
		x := exchangeIn(c)
		x.err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		if err, ok := cause.(error); c.Writer.Written() || ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // half an answer is none: close the connection
		}
		wish.WriteError(c.Writer, c.Request, x.err)
		c.Abort()
	}()
	c.Next()
}

// limitBody gives the client bodyDeadline to send its body. Where the connection takes no deadline (a test's recorder)
// there is none.
func limitBody(c *gin.Context) {
	r := c.Request
	if r.Body != nil && r.Body != http.NoBody {
		control := http.NewResponseController(c.Writer)
		if control.SetReadDeadline(time.Now().Add(bodyDeadline)) == nil {
			r.Body = &timedBody{ReadCloser: r.Body, control: control}
		}
	}
	c.Next()
}

// timedBody is a body whose connection has a read deadline, which it lifts at the body's end: from there on the server
// itself reads, to notice a client that has gone, and would take the deadline for one.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if lift := b.control.SetReadDeadline(time.Time{}); lift != nil && errors.Is(err, io.EOF) {
		return n, fmt.Errorf("lift the body's deadline: %w", lift)
	}
	return n, err
}
