package stream

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/stream/cache"
)

const (
	// keyFrameGap is the least time between two key frame requests to a source.
	keyFrameGap = 300 * time.Millisecond
	// besideGap is the same where the viewer has something to show meanwhile.
	besideGap = 500 * time.Millisecond
	// patience is how many requests may go unanswered before they become rare:
	// one in ignoredGap.
	patience   = 3
	ignoredGap = time.Second
)

// A Track is a shared track: it belongs to a Stream, outlives publications, is
// written once and fanned out to every viewer. WriteRTP is for one goroutine at
// a time, which the current publication names; the other methods may be called
// from any goroutine.
type Track struct {
	// static after newTrack
	stream *Stream
	kind   codec.Kind
	cache  *cache.Track // its writing end is guarded by mu
	epoch  time.Time    // zero of the monotonic nanoseconds in this track

	spec   atomic.Pointer[Spec]
	demand demand

	mu sync.Mutex // contended only while a publication is taken over, or memory is short
	// guarded by mu
	feeder *Publication // nil: nobody

	observers observers

	drops      [dropReasons]atomic.Uint64  // by reason
	packets    atomic.Uint64               // taken
	bytes      atomic.Uint64               // of payload, taken
	wanted     atomic.Pointer[Publication] // whom to ask for a key frame; nil: nobody
	askedAt    atomic.Int64                // when last asked, monotonic nanoseconds
	asked      atomic.Uint64               // key frame requests handed to sources
	unanswered atomic.Int32                // key frame requests since the newest key frame
}

func newTrack(s *Stream, spec Spec) *Track {
	o, epoch := &s.reg.opts.Join, s.reg.epoch
	bounds := cache.Bounds{MaxAge: o.MaxAge, MaxBytes: o.MaxBytes, MaxFrames: o.MaxFrames}
	t := &Track{
		stream: s, kind: spec.Format.Kind(), epoch: epoch,
		cache: cache.New(spec.Format, epoch, bounds, &s.reg.cached),
	}
	t.spec.Store(&spec)
	t.askedAt.Store(math.MinInt64 / 2)
	return t
}

// Spec says what the track carries at present.
func (t *Track) Spec() Spec { return *t.spec.Load() }

// Format is what the packets really are: the declared format, with profile and
// level as the parameter sets of H.264 and H.265 say.
func (t *Track) Format() codec.Format { return *t.cache.Format() }

// Live says whether the current publication has written something that can be
// decoded, which for video begins with a key frame.
func (t *Track) Live() bool { return t.cache.Live() }

// Kind is audio or video.
func (t *Track) Kind() codec.Kind { return t.kind }

// Demand yields true when the track begins to be watched and false some grace
// time after the last viewer has left. It holds the newest value only, is for
// one reader, and belongs to the publication that is current when it is called.
func (t *Track) Demand() <-chan bool { return t.demand.reader() }

// RequestKeyFrame asks the source for a key frame. Requests within 300 ms of
// the last one become one with it. It never blocks.
func (t *Track) RequestKeyFrame() { t.askKeyFrame(t.now(), keyFrameGap) }

// askKeyFrame hands a request to the publication unless one went out less than
// gap ago. now is in the track's monotonic nanoseconds.
func (t *Track) askKeyFrame(now int64, gap time.Duration) {
	last := t.askedAt.Load()
	p := t.wanted.Load()
	if t.unanswered.Load() >= patience {
		gap = ignoredGap
	}
	if p == nil || now-last < int64(gap) || !t.askedAt.CompareAndSwap(last, now) {
		return
	}
	select {
	case p.wanted <- t:
		t.asked.Add(1)
		t.unanswered.Add(1)
	default: // the source has not taken the last one yet
	}
}

// now is the time in nanoseconds of the monotonic clock since the track began.
func (t *Track) now() int64 { return int64(time.Since(t.epoch)) }

// feed gives the track to a publication, or to none.
func (t *Track) feed(p *Publication, spec Spec) {
	t.spec.Store(&spec)
	t.begin(p, spec)
	t.wanted.Store(p)
	t.demand.open(p != nil)
}

// begin makes p the only publication whose packets count, and the next packet
// the first of a source.
func (t *Track) begin(p *Publication, spec Spec) {
	var ids cache.ExtensionIDs
	for id, uri := range spec.Extensions {
		allow(&ids, uri, id)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeder = p
	t.cache.Begin(spec.Format, ids)
}

// WriteRTP hands one packet to every viewer. The packet is frozen from then on:
// the caller changes neither its header nor its payload. Only the payload, the
// marker, the sequence number, the timestamp and the header extensions that pass
// are used. It never blocks and never fails; what cannot be used is counted by
// reason.
func (t *Track) WriteRTP(p *Publication, pkt *rtp.Packet) {
	if reason := t.put(p, pkt); reason != DropNone {
		t.drops[reason].Add(1)
		return
	}
	t.packets.Add(1)
	t.bytes.Add(uint64(len(pkt.Payload)))
	if p.options.Alternatives && p.active[t.kind].Load() != t {
		t.stream.activate(p, t)
	}
	t.stream.wake()
	t.stream.reg.bound()
}

// put keeps a packet of the publication that feeds the track.
func (t *Track) put(p *Publication, pkt *rtp.Packet) DropReason {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.feeder != p || p == nil {
		return DropSuperseded
	}
	now, before := time.Now(), t.cache.KeyFrames()
	switch t.cache.Put(now, pkt) {
	case cache.Taken:
	case cache.Duplicate:
		return DropDuplicate
	case cache.Late:
		return DropLate
	case cache.Undecodable:
		t.askKeyFrame(int64(now.Sub(t.epoch)), keyFrameGap)
		return DropUndecodable
	}
	if t.cache.KeyFrames() != before {
		t.unanswered.Store(0)
	}
	t.observers.tell(p, now, pkt)
	return DropNone
}

// SetClock says at which wall time the media of a timestamp, in the source's
// own numbers, was captured. Sender reports follow it (RFC 3550 6.4.1): a
// source calls it at its start and as often as it knows better. Until then the
// clock comes from the packets' arrival. It is never set back or forth but
// slewed by 40 ms a second, or by 200 ms while it is wrong by more than a second:
// what a publication says first, and it alone, may set it then.
func (t *Track) SetClock(p *Publication, at time.Time, timestamp uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.feeder == p && p != nil {
		t.cache.SetClock(at, timestamp)
	}
}

// UnsetClock takes back what SetClock said: the clock comes from the packets'
// arrival again.
func (t *Track) UnsetClock(p *Publication) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.feeder == p && p != nil {
		t.cache.UnsetClock()
	}
}

// shrink makes the cache as small as it may be.
func (t *Track) shrink() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cache.Shrink()
}

// release takes the cache of a track that is forgotten out of the total.
func (t *Track) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cache.Release()
}

// TrackStats are a track's counters since it began.
type TrackStats struct {
	Packets           uint64            // taken
	Bytes             uint64            // of payload, taken
	KeyFrameRequests  uint64            // handed to sources
	KeyFrameRequested time.Time         // when the newest was; zero: none was
	KeyFrames         uint64            // begun
	SetsInserted      uint64            // key frames that lacked parameter sets and got them
	SetsLate          uint64            // those that lacked them, but came out of order
	SetsMissing       uint64            // those that lacked them, and none were known
	Cached            int64             // about the bytes that the cache takes
	Drops             map[string]uint64 // packets not taken, by reason
}

// Stats reads the counters.
func (t *Track) Stats() TrackStats {
	sets := t.cache.Sets()
	st := TrackStats{
		Packets: t.packets.Load(), Bytes: t.bytes.Load(), KeyFrameRequests: t.asked.Load(),
		KeyFrames: t.cache.KeyFrames(), SetsInserted: sets.Inserted, SetsLate: sets.Late,
		SetsMissing: sets.Missing, Cached: t.cache.Size(), Drops: map[string]uint64{},
	}
	if at := t.askedAt.Load(); at >= 0 {
		st.KeyFrameRequested = t.epoch.Add(time.Duration(at))
	}
	countDrops(st.Drops, &t.drops)
	return st
}

func countDrops(into map[string]uint64, from *[dropReasons]atomic.Uint64) {
	for r := range from {
		if n := from[r].Load(); n > 0 {
			into[DropReason(r).String()] = n
		}
	}
}
