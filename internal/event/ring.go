package event

import (
	"crypto/rand"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	defaultSize = 1024
	runLength   = 12 // characters of five random bits
)

// An Event is one thing that happened. All readers share it: it is read only.
type Event struct {
	ID   string // "<run>-<n>": n counts from 1 in this ring, run names the ring
	Name string // snake_case
	At   time.Time
	Data []byte // one JSON object on one line, see Ring.Add
}

// A Cursor is a reader's position in one ring: before an event or after the
// last. It is a value, and the zero Cursor is before the very first event.
type Cursor struct{ next uint64 } // how many events came before

// A Ring keeps the newest events and forgets the oldest. Its methods may be
// called from any goroutine, and none of them waits for a reader.
type Ring struct {
	// static after New
	run string

	mu sync.Mutex
	// guarded by mu
	events  []Event       // event n, from 1, at (n-1) modulo length
	total   uint64        // events ever added
	changed chan struct{} // closed by the next Add; nil: nobody asked
}

// New returns a ring for size events, of at most 4 KiB each. 0 is 1024.
func New(size int) *Ring {
	if size <= 0 {
		size = defaultSize
	}
	return &Ring{run: rand.Text()[:runLength], events: make([]Event, size)}
}

// Add puts an event into the ring, over the oldest where it is full, and wakes
// who waits on Changed. Data is a JSON object: "at" (RFC 3339 with
// milliseconds, UTC), then the attributes in their order; a duration stands as
// <key>_ms in milliseconds. Of attributes with one key the first counts. More
// than 4 KiB are cut to "at", "name" and "truncated": true. It does not block.
func (r *Ring) Add(name string, attrs ...slog.Attr) {
	e := Event{Name: cleanName(name)}
	e.Data = encode(e.Name, attrs)
	r.mu.Lock()
	defer r.mu.Unlock()
	e.At = time.Now().UTC()
	stamp(e.Data, e.At)
	e.ID = r.run + "-" + strconv.FormatUint(r.total+1, 10)
	r.events[r.total%uint64(len(r.events))] = e
	r.total++
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Now is the position after the newest event.
func (r *Ring) Now() Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Cursor{r.total}
}

// Oldest is the position before the oldest event that is kept.
func (r *Ring) Oldest() Cursor {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Cursor{r.oldestLocked()}
}

// At is the position after the event with this id. "0" is the oldest that is
// kept. For an id of another ring, and for one after which events have been
// forgotten, it is the oldest as well, and lost is true.
func (r *Ring) At(id string) (c Cursor, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := Cursor{r.oldestLocked()}
	if id == "0" {
		return oldest, false
	}
	run, number, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || run != r.run || n < oldest.next || n > r.total {
		return oldest, true
	}
	return Cursor{n}, false
}

// ID names a position: At(ID(c)) is c again, while the ring remembers. After an
// event it is the event's.
func (r *Ring) ID(c Cursor) string { return r.run + "-" + strconv.FormatUint(c.next, 10) }

// Read returns the events from c on, at most so many and at least one where
// there is one, and the position after them. It does not block. lost says that
// events between c and the first of them have been forgotten.
func (r *Ring) Read(c Cursor, most int) (events []Event, next Cursor, lost bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if oldest := r.oldestLocked(); c.next < oldest || c.next > r.total {
		c.next, lost = oldest, true
	}
	n := min(r.total-c.next, uint64(max(most, 1)))
	if n == 0 {
		return nil, c, lost
	}
	events = make([]Event, 0, n)
	for range n {
		events = append(events, r.events[c.next%uint64(len(r.events))])
		c.next++
	}
	return events, c, lost
}

// Changed closes at the next Add. Take it before Read: what is added between
// the two is then not slept through.
func (r *Ring) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed == nil {
		r.changed = make(chan struct{})
	}
	return r.changed
}

func (r *Ring) oldestLocked() uint64 {
	return r.total - min(r.total, uint64(len(r.events)))
}
