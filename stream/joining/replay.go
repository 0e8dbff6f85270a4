package joining

import (
	"math"
	"time"

	"weir/stream/cache"
)

const (
	// catchUp is the least time in which a replay thinks to reach the live line.
	catchUp = 34 * time.Millisecond
	// shortGroup is the length under which a group says little of the stream's
	// rate.
	shortGroup = time.Second
	// holeAge is for how long a missing packet may still come.
	holeAge = 200 * time.Millisecond
)

// A Replay is the sending of cached frames, each stamped with the live clock, at a
// bounded rate: of a group of pictures, which Start begins, or of a key frame
// alone, which StartLone begins. It is a value, for one goroutine; zero: nothing is
// replayed. Timestamps in it are in ticks of the track's line since anchor, numbers
// of frames since the group's key frame.
type Replay struct {
	track *cache.Track
	group *cache.Group

	// what lies between the cursor and the cache's head
	anchor   uint32
	scanned  uint64  // index up to which it is known
	left     int64   // bytes
	frames   int64   // number of the newest frame
	newest   int64   // its timestamp
	interval float64 // mean, ticks
	bytes    int64   // of the whole group

	number  int64  // of the frame that is being sent
	current uint32 // its timestamp in the track
	inFrame bool   // current holds

	pace
	lone
}

// A Start is where and how a replay begins.
type Start struct {
	Track    *cache.Track
	Group    *cache.Group
	Mono     int64 // now, nanoseconds of the track's monotonic clock
	Budget   *Budget
	Rates    Rates
	Halvings int  // of the rate
	Lossy    bool // the viewer has told of loss
}

// Start begins with the group's key frame, and ends what was replayed before. It
// says whether the group is there without a hole, and whether the viewer's rate
// and the server's allow it; if not nothing is replayed.
func (r *Replay) Start(s Start) bool {
	r.End()
	if !r.survey(s.Track, s.Group, s.Mono) || !r.paces(s) || !s.Budget.admit(r.least) {
		*r = Replay{}
		return false
	}
	r.begin(s, r.rate, r.least)
	return true
}

// End gives the server's rate back; nothing is replayed from then on.
func (r *Replay) End() {
	if r.budget != nil {
		r.budget.leave(r.least)
	}
	*r = Replay{}
}

// Group is the one that is replayed.
func (r *Replay) Group() *cache.Group { return r.group }

// survey looks at a group in the cache, and sets the replay to its beginning. It
// says whether the group is there without a hole.
func (r *Replay) survey(c *cache.Track, g *cache.Group, mono int64) bool {
	*r = Replay{track: c, group: g, anchor: g.Timestamp, scanned: g.Start, pace: r.pace}
	if g.Start < c.Tail() {
		return false
	}
	head := c.Head()
	last := g.Arrived
	for i := g.Start; i < head; i++ {
		if p := c.Get(i); p != nil {
			last = p.Arrived
		} else if mono-last > int64(holeAge) {
			return false
		}
	}
	r.scan()
	r.bytes = r.left
	return r.bytes > 0
}

// scan takes up what has come since the last look.
func (r *Replay) scan() {
	head := r.track.Head()
	for ; r.scanned < head; r.scanned++ {
		p := r.track.Get(r.scanned)
		if p == nil {
			continue
		}
		r.left += p.Cost()
		if ts := int64(int32(p.Timestamp - r.anchor)); ts > r.newest {
			r.frames++
			r.newest = ts
		}
	}
	if r.frames > 0 {
		key := int64(int32(r.group.Timestamp - r.anchor))
		r.interval = max(float64(r.newest-key)/float64(r.frames), 1)
	}
}

// paces fixes the rate at which a group goes out: the stream's own twice at
// least. It says whether the bounds allow that.
func (r *Replay) paces(s Start) bool {
	length := cache.Duration(r.newest+int64(r.interval), r.track.ClockRate())
	own := float64(r.bytes) / max(length, time.Millisecond).Seconds()
	if measured := float64(r.track.ByteRate()); length < shortGroup && measured > 0 {
		own = min(own, measured)
	}
	r.least = 2 * own
	r.rate = s.Rates.of(r.bytes, r.least, s.Halvings)
	if r.rate < r.least {
		return false
	}
	if s.Lossy {
		r.rate = max(r.rate/2, r.least)
	}
	return true
}

// Until takes up what has come, and is the index up to which packets are replayed
// by now.
func (r *Replay) Until() uint64 {
	r.scan()
	return r.scanned
}

// Behind is the first packet behind an index, up to what Until said.
func (r *Replay) Behind(index uint64) *cache.Packet {
	for i := index + 1; i < r.scanned; i++ {
		if p := r.track.Get(i); p != nil {
			return p
		}
	}
	return nil
}

// InFrame says whether a frame has begun: a hole may be of it.
func (r *Replay) InFrame() bool { return r.inFrame }

// Between says whether no frame goes on in p, the next packet; nil: a hole.
func (r *Replay) Between(p *cache.Packet) bool {
	return !r.inFrame || p != nil && p.Timestamp != r.current
}

// Jump goes on with a newer key frame that is at index from or later, if there is
// one without a hole behind it: what lies before it is given up.
func (r *Replay) Jump(from uint64, mono int64) bool {
	g := r.track.Newest()
	if g == nil || g == r.group || g.Start < from {
		return false
	}
	old := *r
	if !r.survey(r.track, g, mono) {
		*r = old
		return false
	}
	return true
}

// A Stamp is what a frame's timestamp is.
type Stamp struct {
	Later uint32 // than its true one, ticks
	Key   bool   // the frame is the group's key frame
	Live  bool   // it is at the live line, where true timestamps begin: the replay is over
}

// Stamp begins a frame, of which p is the first packet: it gets the timestamp that
// a frame coming in now would carry, but no later than lets each frame up to the
// live line have one of its own, no earlier than its true one, and later than last,
// the newest one that the viewer had on the track's line, if it had one.
func (r *Replay) Stamp(now time.Time, p *cache.Packet, last uint32, had bool) Stamp {
	own := int64(int32(p.Timestamp - r.anchor))
	key := int64(int32(r.group.Timestamp - r.anchor))
	if r.inFrame && own > key {
		r.number++
	}
	before := int64(math.MinInt64)
	if had {
		before = int64(int32(last - r.anchor))
	}
	if r.number >= r.frames && own > before {
		return Stamp{Key: r.number == 0, Live: true}
	}
	clock := r.newest
	if c := r.track.Arriving(); c != nil {
		clock = int64(int32(c.At(now) - r.anchor))
	}
	rate := r.track.ClockRate()
	reach := max(float64(catchUp)/1e9, float64(r.left)/(r.now-r.least/2)) // seconds
	newest, number := r.newest, r.frames
	if r.interval >= 1 {
		if more := int64((float64(clock-r.newest) + reach*float64(rate)) / r.interval); more > 0 {
			newest, number = newest+int64(float64(more)*r.interval), number+more
		}
	}
	stamp := min(clock, newest-int64(rate/1000)*(number-r.number))
	stamp = max(stamp, own, before+1)
	r.current, r.inFrame = p.Timestamp, true
	return Stamp{Later: uint32(stamp - own), Key: r.number == 0}
}

// Sent takes a packet of the group out of what is left.
func (r *Replay) Sent(p *cache.Packet) { r.left -= p.Cost() }
