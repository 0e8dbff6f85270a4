package wish

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
)

// A Refusal is the error for everything that a WHIP client or a WHEP player can
// be refused. It is written as it is: nothing secret belongs into it. It is not
// changed once it was returned.
type Refusal struct { //nolint:errname // named for what it is to the client, not for what it is to Go
	Status  int      // HTTP status code, 4xx or 5xx
	Code    string   // stable and in snake_case: for programs
	Detail  string   // what went wrong, one sentence: for people
	Remedy  string   // what the client can do about it, one sentence or more
	Offered []string // what the client offered, where that was the matter
	Has     []string // what the stream or the server has instead
	// Problems are what is wrong with single parts of the request, all of them:
	// parameters, members of a JSON body.
	Problems []Problem
	Headers  map[string]string // further header fields of the reply
}

// A Problem is what is wrong with one named part of a request.
type Problem struct {
	Name   string `json:"name"`
	Detail string `json:"detail"` // one sentence: for people
}

// Error says the code and the detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return r.Code
	}
	return r.Code + ": " + r.Detail
}

// problem is a Refusal on the wire (RFC 9457 3.1 and, from Code on, members of
// our own). Error repeats the detail for readers that look for it there.
type problem struct {
	Type     string    `json:"type"`
	Title    string    `json:"title"`
	Status   int       `json:"status"`
	Detail   string    `json:"detail,omitempty"`
	Code     string    `json:"code"`
	Remedy   string    `json:"remedy,omitempty"`
	Offered  []string  `json:"offered,omitempty"`
	Has      []string  `json:"has,omitempty"`
	Problems []Problem `json:"problems,omitempty"`
	Request  string    `json:"request,omitempty"`
	Error    string    `json:"error"`
}

// WriteError writes err as application/problem+json. A *Refusal in its chain is
// written as it is; of any other error the client learns only the request's id,
// as far as the X-Request-Id field of w has one. Cross-origin fields that w
// already has are kept.
func WriteError(w http.ResponseWriter, _ *http.Request, err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		refusal = &Refusal{
			Status: http.StatusInternalServerError,
			Code:   "internal",
			Detail: "The server failed; its log says more under this request's id.",
			Remedy: "Try again. If it fails again, tell who runs the server this request's id.",
		}
	}
	header := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Location", "Link", "Accept-Post", "Accept-Patch"} {
		header.Del(name)
	}
	for name, value := range refusal.Headers {
		header.Set(name, value)
	}
	header.Set("Content-Type", TypeProblem)
	header.Set("Cache-Control", "no-store")
	body, encodeErr := json.Marshal(problem{
		Type:     "about:blank",
		Title:    http.StatusText(refusal.Status),
		Status:   refusal.Status,
		Detail:   refusal.Detail,
		Code:     refusal.Code,
		Remedy:   refusal.Remedy,
		Offered:  refusal.Offered,
		Has:      refusal.Has,
		Problems: refusal.Problems,
		Request:  header.Get("X-Request-Id"),
		Error:    refusal.Detail,
	})
	if encodeErr != nil { // strings and numbers always encode
		body = []byte(`{"type":"about:blank"}`)
	}
	w.WriteHeader(refusal.Status)
	if _, err := w.Write(append(body, '\n')); err != nil {
		return // the client has gone: there is nobody to tell
	}
}

// RefuseMethod refuses a method that a resource does not have; allow lists those
// that it has, as the Allow field does (RFC 9110 15.5.6).
func RefuseMethod(method, allow string) error {
	return &Refusal{
		Status:  http.StatusMethodNotAllowed,
		Code:    "method_not_allowed",
		Detail:  "This resource does not know the method " + printable(method) + ".",
		Remedy:  "Use one of " + allow + ".",
		Headers: map[string]string{"Allow": allow},
	}
}

// printable is a short piece of a request as it may be shown in a reply.
func printable(s string) string {
	const most = 40
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	if len(clean) > most {
		clean = clean[:most] + "..."
	}
	return clean
}
