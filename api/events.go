package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"sync/atomic"
	"time"

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

// eventStreams are the clients that follow what happens. Each is a position in the ring and the goroutine of its own
// request: none has a queue, and nobody waits for it.
type eventStreams struct {
	// static after newEventStreams
	ring   *event.Ring
	limits streamLimits
	most   int64 // at once
	ending <-chan struct{}

	subscribers atomic.Int64
}

func newEventStreams(o Options) *eventStreams {
	return &eventStreams{ring: o.Events, ending: o.Ending, most: int64(cmp.Or(o.MaxSubscribers, maxSubscribers)), limits: streamLimits{
		heartbeat:    cmp.Or(o.stream.heartbeat, heartbeat),
		writeTimeout: cmp.Or(o.stream.writeTimeout, writeTimeout),
	}}
}

// follow answers with an event stream (HTML 9.2) until the client leaves, stalls or loses its right, or the server ends.
func (f *face) follow(w http.ResponseWriter, r *http.Request) error {
	values, err := readQuery(r, "since")
	if err != nil {
		return err
	}
	if r.Body != nil && r.Body != http.NoBody { // its deadline would go on while nobody reads it
		return &wish.Refusal{Status: http.StatusBadRequest, Code: "body_unexpected", Detail: "This request has no body."}
	}
	since := r.Header.Get("Last-Event-ID") // newer than the query, when a client comes back to the address it began with
	if since == "" {
		since = values.Get("since")
	}
	s := f.events
	if s.subscribers.Add(1) > s.most {
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
	c := &subscriber{streams: s, control: http.NewResponseController(w), w: w}
	return c.serve(r, since, func() bool { return f.mayAdminister(r) == nil })
}

func refuseSubscriber() error {
	return &wish.Refusal{
		Status: http.StatusServiceUnavailable, Code: "too_many_subscribers",
		Detail: "As many clients follow the events as may.", Remedy: "Try again later.", Headers: retryAfter("5"),
	}
}

// A subscriber is one client that follows the events. It is owned by its request's goroutine.
type subscriber struct {
	streams *eventStreams
	w       http.ResponseWriter
	control *http.ResponseController
	text    bytes.Buffer // what is written next
	last    string       // id that the client knows
}

// serve writes events from since on, "" meaning from now on. allowed is asked with every heartbeat.
func (c *subscriber) serve(r *http.Request, since string, allowed func() bool) error {
	at, lost := c.streams.ring.Now(), false
	if since != "" {
		at, lost = c.streams.ring.At(since)
	}
	c.last = since
	if lost {
		c.missed()
	}
	// An id without an event: a client that is cut off before the first event comes back to where it is now.
	c.text.WriteString("retry: " + reconnect + "\nid: " + c.streams.ring.ID(at) + "\n\n")
	beat := time.NewTicker(c.streams.limits.heartbeat)
	defer beat.Stop()
	defer c.allow() // for what the server writes at the end
	for {
		changed := c.streams.ring.Changed() // before Read: what is added in between is not slept through
		events, next, lost := c.streams.ring.Read(at, maxBatch)
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
		case <-beat.C:
			if !allowed() {
				return nil
			}
			c.text.WriteString(":\n\n")
		case <-c.streams.ending:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// ends says whether it is time to end, also where there is always something to write.
func (c *subscriber) ends(r *http.Request) bool {
	select {
	case <-c.streams.ending:
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
	_ = c.control.SetWriteDeadline(time.Now().Add(c.streams.limits.writeTimeout))
}

// flush writes what is there, in the time that one write may take, and says whether the client still is. One that has gone
// is no error.
func (c *subscriber) flush(r *http.Request) (there bool, err error) {
	if c.text.Len() == 0 {
		return r.Context().Err() == nil, nil
	}
	begin, patience := time.Now(), c.streams.limits.writeTimeout
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
	}
}
