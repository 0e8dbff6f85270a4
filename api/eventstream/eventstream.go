// Package eventstream writes what happens to those who follow it: an event.Ring as text/event-stream (HTML 9.2), with its ids,
// so that a client that was cut off goes on where it was, or is told that something is gone.
//
// It is a package because it alone holds requests open without an end: their number, their time for each write and their end
// are its own.
package eventstream

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

	"weir/api/request"
	"weir/internal/event"
	"weir/internal/wish"
)

const (
	heartbeat      = 15 * time.Second
	writeTimeout   = 10 * time.Second
	maxSubscribers = 2000
	// maxBatch is how many events are written at once.
	maxBatch = 64
	// maxID is the longest id that is given back to a client in words.
	maxID = 128
	// maxKept is how many bytes a client that waits keeps for the next write.
	maxKept = 16 << 10
	// reconnect is after how many milliseconds a client that was cut off should come back.
	reconnect = "1000"
)

// Options are what New needs. Ring and Allowed are required.
type Options struct {
	Ring *event.Ring
	// Allowed says whether who sent the request may still follow; it is asked at each sign of life, and when Changed says so.
	Allowed func(r *http.Request) bool
	// Changed returns a channel that is closed when what Allowed says may next be another; nil says nothing.
	Changed func() <-chan struct{}
	// Most is how many clients there may be at once; 0 is 2,000.
	Most int
	// Ending ends all streams when it closes, so that the server can shut down; nil never does.
	Ending <-chan struct{}
	// WriteTimeout is how long one write may take, or the client is dropped; 0 is 10 s.
	WriteTimeout time.Duration
}

// Streams are the clients that follow what happens. Each is a position in the ring and the goroutine of its own request:
// none has a queue, and nobody waits for it.
type Streams struct {
	// static after New
	opts Options

	subscribers atomic.Int64
}

// New returns the resource; it starts nothing.
func New(o Options) *Streams {
	o.Most, o.WriteTimeout = cmp.Or(o.Most, maxSubscribers), cmp.Or(o.WriteTimeout, writeTimeout)
	if o.Changed == nil {
		o.Changed = func() <-chan struct{} { return nil }
	}
	return &Streams{opts: o}
}

// Serve answers with an event stream (HTML 9.2) until the client leaves, stalls or loses its right, or the server ends.
// Without the field Last-Event-ID, or the parameter since, it begins with what happens next. It blocks as long, and is called
// concurrently.
func (s *Streams) Serve(w http.ResponseWriter, r *http.Request) error {
	values, err := request.Query(r, "since")
	if err != nil {
		return err
	}
	if r.Body != nil && r.Body != http.NoBody { // its deadline would go on while nobody reads it
		return &wish.Refusal{
			Status: http.StatusBadRequest, Code: "body_unexpected", Detail: "This request has no body.",
			Remedy: "Send it without one.",
		}
	}
	since := r.Header.Get("Last-Event-ID") // newer than the query, when a client comes back to the address it began with
	if since == "" {
		since = values.Get("since")
	}
	if s.subscribers.Add(1) > int64(s.opts.Most) {
		s.subscribers.Add(-1)
		return refuseSubscriber()
	}
	defer s.subscribers.Add(-1)
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx would keep the events until it has enough
	header.Set("Connection", "close")     // the last write's deadline would be the next request's
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	c := &subscriber{opts: &s.opts, control: http.NewResponseController(w), w: w}
	return c.serve(r, since)
}

func refuseSubscriber() error {
	return &wish.Refusal{
		Status: http.StatusServiceUnavailable, Code: "too_many_subscribers",
		Detail: "As many clients follow the events as may.", Remedy: "Try again later.", Headers: map[string]string{"Retry-After": "5"},
	}
}

// A subscriber is one client that follows the events. It is owned by its request's goroutine.
type subscriber struct {
	opts    *Options
	w       http.ResponseWriter
	control *http.ResponseController
	text    bytes.Buffer // what is written next
	last    string       // id that the client knows
}

// serve writes events from since on, "" meaning from now on.
func (c *subscriber) serve(r *http.Request, since string) error {
	at, lost := c.opts.Ring.Now(), false
	if since != "" {
		at, lost = c.opts.Ring.At(since)
	}
	c.last = since
	if lost {
		c.missed()
	}
	// An id without an event: a client that is cut off before the first event comes back to where it is now.
	c.text.WriteString("retry: " + reconnect + "\nid: " + c.opts.Ring.ID(at) + "\n\n")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	defer c.allow() // for what the server writes at the end
	rights := c.opts.Changed()
	for {
		changed := c.opts.Ring.Changed() // before Read: what is added in between is not slept through
		events, next, lost := c.opts.Ring.Read(at, maxBatch)
		at = next
		if lost {
			c.missed()
		}
		for _, e := range events {
			c.event(e)
		}
		if there, err := c.flush(r); !there {
			return err
		}
		if len(events) == maxBatch && !c.ends(r) {
			continue
		}
		select {
		case <-changed:
		case <-rights:
			if rights = c.opts.Changed(); !c.opts.Allowed(r) {
				return nil
			}
		case <-beat.C:
			if !c.opts.Allowed(r) {
				return nil
			}
			c.text.WriteString(":\n\n")
		case <-c.opts.Ending:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// ends says whether it is time to end, also where there is always something to write.
func (c *subscriber) ends(r *http.Request) bool {
	select {
	case <-c.opts.Ending:
		return true
	case <-r.Context().Done():
		return true
	default:
		return false
	}
}

func (c *subscriber) event(e event.Event) {
	c.text.WriteString("id: " + e.ID + "\nevent: " + e.Name + "\ndata: ")
	c.text.Write(e.Data)
	c.text.WriteString("\n\n")
	c.last = e.ID
}

// missed says that events after the client's last are gone. It has no id: the client goes on after the next event.
func (c *subscriber) missed() {
	data, err := json.Marshal(map[string]string{"since": c.last[:min(len(c.last), maxID)]})
	if err != nil { // a string always encodes
		data = []byte("{}")
	}
	c.text.WriteString("event: missed\ndata: ")
	c.text.Write(data)
	c.text.WriteString("\n\n")
}

// allow gives the next write its time. Where the connection takes no deadline (a test's recorder) or is closed, the write
// shows it.
func (c *subscriber) allow() {
	_ = c.control.SetWriteDeadline(time.Now().Add(c.opts.WriteTimeout))
}

// flush writes what is there, in the time that one write may take, and says whether the client still is. One that has gone
// is no error.
func (c *subscriber) flush(r *http.Request) (there bool, err error) {
	if c.text.Len() == 0 {
		return r.Context().Err() == nil, nil
	}
	begin, patience := time.Now(), c.opts.WriteTimeout
	c.allow()
	_, err = c.w.Write(c.text.Bytes())
	if err == nil {
		err = c.control.Flush()
	}
	if c.text.Reset(); c.text.Cap() > maxKept {
		c.text = bytes.Buffer{}
	}
	switch gone := err != nil || r.Context().Err() != nil; { // gin's Flush tells of no error: the server notes it in the context
	case !gone:
		return true, nil
	case time.Since(begin) < patience:
		return false, nil
	}
	return false, &wish.Refusal{
		Status: http.StatusRequestTimeout, Code: "subscriber_stalled", Detail: "The client took nothing for " + patience.String() + ".",
		Remedy: "Connect again with the last id as Last-Event-ID.",
	}
}
