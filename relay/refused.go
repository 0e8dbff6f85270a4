package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// errLoop is returned where a stream would come back to this server.
var errLoop = errors.New("the stream would come back to a server that it has come from (508)")

// Refused is what another server answers that is no success.
type Refused struct { //nolint:errname // as wish.Refusal
	Status int
	Code   string        // of a problem (RFC 9457) as this program writes it, "" for none
	After  time.Duration // that the server asks to wait; 0: it does not say
	hops   []string      // what its stream comes through
}

// hopsOf are those that a refusal tells of: streams that wait for each other make
// a circle before anything has come.
func hopsOf(err error) []string {
	if r, ok := errors.AsType[*Refused](err); ok {
		return r.hops
	}
	return nil
}

// maxAfter bounds what a server may ask to wait.
const maxAfter = time.Minute

// refused reads a reply that is no success. Nothing of its text is repeated but
// a code.
func refused(r *reply) *Refused {
	e := &Refused{Status: r.status, After: retryAfter(r.header.Get("Retry-After"), time.Now()), hops: parseHops(r.header)}
	var problem struct {
		Code string `json:"code"`
	}
	const longest = 40
	if json.Unmarshal([]byte(r.body), &problem) == nil && len(problem.Code) <= longest &&
		strings.Trim(problem.Code, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
		e.Code = problem.Code
	}
	return e
}

// Error says in words what the status means.
func (e *Refused) Error() string {
	text := fmt.Sprintf("the server answers %d", e.Status)
	for status, means := range map[int]string{
		http.StatusUnauthorized:         "the server wants a token, or does not know this one",
		http.StatusForbidden:            "the token may not do this",
		http.StatusNotFound:             "the server has no such stream or endpoint",
		http.StatusMethodNotAllowed:     "the address is no endpoint",
		http.StatusNotAcceptable:        "the server takes no offer but makes one of its own, which is not supported",
		http.StatusConflict:             "the stream is not published at present, or by another",
		http.StatusUnsupportedMediaType: "the address is no endpoint",
		http.StatusUnprocessableEntity:  "the server cannot serve the offer, by its codecs or directions",
		http.StatusTooManyRequests:      "the server wants fewer requests",
		http.StatusServiceUnavailable:   "the server has no room at present",
		http.StatusLoopDetected:         "the stream would come back to a server that it has come from",
	} {
		if status == e.Status {
			text = fmt.Sprintf("%s (%d)", means, status)
		}
	}
	if e.Code != "" {
		text += ": " + e.Code
	}
	return text
}

// lasting says whether it makes little sense to ask again. A stream that is not
// there may come: some servers answer 404 until then.
func lasting(err error) bool {
	if r, ok := errors.AsType[*Refused](err); ok {
		switch r.Status {
		case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
			return false
		}
		return r.Status/100 == 4 || r.Status == http.StatusLoopDetected
	}
	return errors.Is(err, errLoop) || errors.Is(err, ErrHost)
}

// retryAfter reads the field (RFC 9110 10.2.3) and bounds it.
func retryAfter(text string, now time.Time) time.Duration {
	if text == "" {
		return 0
	}
	after := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		after = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		after = at.Sub(now)
	}
	return min(max(after, 0), maxAfter)
}
