package stream

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
)

const (
	// firstIndex leaves room below, so that no arithmetic on indexes wraps.
	firstIndex = 1 << 32
	// keyFrameGap is the least time between two key frame requests to a
	// source, and the age up to which a key frame is fresh enough to start on.
	keyFrameGap = 300 * time.Millisecond
	// lateKept is how many packets out of order a track remembers.
	lateKept = 256
)

// A Track is a shared track: it belongs to a Stream, outlives publications, is
// written once and fanned out to every viewer. WriteRTP is for one goroutine at
// a time, which the current publication names; the other methods may be called
// from any goroutine.
type Track struct {
	// static after newTrack
	stream *Stream
	kind   codec.Kind
	cache  *cache
	epoch  time.Time // zero of the monotonic nanoseconds in this track

	spec   atomic.Pointer[Spec]
	demand demand
	line   ingest // guarded by its own mu

	// written by ingest, read by workers
	newestKey atomic.Uint64               // index at which the newest key frame begins; 0: none yet
	clock     atomic.Pointer[clock]       // nil: nothing known yet
	late      [lateKept]atomic.Uint64     // indexes that came after a higher one
	lateHead  atomic.Uint64               // how many such came
	drops     [dropReasons]atomic.Uint64  // by reason
	packets   atomic.Uint64               // taken
	bytes     atomic.Uint64               // of payload, taken
	wanted    atomic.Pointer[Publication] // whom to ask for a key frame; nil: nobody
	askedAt   atomic.Int64                // when last asked, monotonic nanoseconds
	asked     atomic.Uint64               // key frame requests handed to sources
	rate      atomic.Uint64               // bytes a second with packetOverhead, over the last second or so
}

// clock says which wall time belongs to which timestamp of the track's line.
type clock struct {
	at        time.Time
	timestamp uint32 // clock rate units
}

func newTrack(s *Stream, spec Spec) *Track {
	t := &Track{stream: s, kind: spec.Format.Kind(), cache: newCache(firstIndex), epoch: time.Now()}
	t.spec.Store(&spec)
	t.askedAt.Store(math.MinInt64 / 2)
	return t
}

// Spec says what the track carries at present.
func (t *Track) Spec() Spec { return *t.spec.Load() }

// Kind is audio or video.
func (t *Track) Kind() codec.Kind { return t.kind }

// Demand yields true when the track begins to be watched and false some grace
// time after the last viewer has left. It holds the newest value only, is for
// one reader, and belongs to the publication that is current when it is called.
func (t *Track) Demand() <-chan bool { return t.demand.reader() }

// RequestKeyFrame asks the source for a key frame. Requests within 300 ms of
// the last one become one with it. It never blocks.
func (t *Track) RequestKeyFrame() { t.askKeyFrame(t.now()) }

// askKeyFrame hands a request to the publication unless one went out less than
// keyFrameGap ago. now is in the track's monotonic nanoseconds.
func (t *Track) askKeyFrame(now int64) {
	last := t.askedAt.Load()
	p := t.wanted.Load()
	if p == nil || now-last < int64(keyFrameGap) || !t.askedAt.CompareAndSwap(last, now) {
		return
	}
	select {
	case p.wanted <- t:
		t.asked.Add(1)
	default: // the source has not taken the last one yet
	}
}

// now is the time in nanoseconds of the monotonic clock since the track began.
func (t *Track) now() int64 { return int64(time.Since(t.epoch)) }

// feed gives the track to a publication, or to none.
func (t *Track) feed(p *Publication, spec Spec) {
	t.spec.Store(&spec)
	t.line.begin(p, spec.Extensions)
	t.wanted.Store(p)
	t.demand.open(p != nil)
}

// WriteRTP hands one packet to every viewer. The packet is frozen from then on:
// the caller changes neither its header nor its payload. Only the payload, the
// marker, the sequence number, the timestamp and the header extensions that pass
// are used. It never blocks and
// never fails; what cannot be used is counted by reason.
func (t *Track) WriteRTP(p *Publication, pkt *rtp.Packet) {
	if reason := t.line.put(t, p, pkt); reason != DropNone {
		t.drops[reason].Add(1)
		return
	}
	t.packets.Add(1)
	t.bytes.Add(uint64(len(pkt.Payload)))
	t.stream.wake()
}

// SetClock says at which wall time the media of a timestamp, in the source's
// own numbers, was captured. Sender reports follow it (RFC 3550 6.4.1): a
// source calls it at its start and as often as it knows better. Without it the
// first packet's arrival counts.
func (t *Track) SetClock(p *Publication, at time.Time, timestamp uint32) {
	t.line.setClock(t, p, at, timestamp)
}

// timestampAt is the timestamp that media captured now would carry.
func (t *Track) timestampAt(c *clock, now time.Time) uint32 {
	since := now.Sub(c.at)
	rate := int64(t.Spec().Format.ClockRate)
	whole, rest := int64(since/time.Second), int64(since%time.Second)
	return c.timestamp + uint32(whole*rate+rest*rate/int64(time.Second))
}

// TrackStats are a track's counters since it began.
type TrackStats struct {
	Packets          uint64            // taken
	Bytes            uint64            // of payload, taken
	KeyFrameRequests uint64            // handed to sources
	Drops            map[string]uint64 // packets not taken, by reason
}

// Stats reads the counters.
func (t *Track) Stats() TrackStats {
	st := TrackStats{
		Packets: t.packets.Load(), Bytes: t.bytes.Load(), KeyFrameRequests: t.asked.Load(),
		Drops: map[string]uint64{},
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

// ingest is the writing end of a track: it turns a source's numbers into the
// track's own line, which goes on when one publication follows another.
type ingest struct {
	mu sync.Mutex // contended only while a publication is taken over
	// guarded by mu
	feeder   *Publication // nil: nobody
	ids      extensionIDs // of its packets
	placed   bool         // index of sequence is known
	mapped   bool         // offset is known
	waiting  bool         // for the publication's first packet that can be decoded
	sequence uint16       // of the newest packet
	index    uint64       // of that packet
	first    uint64       // of the publication's first packet
	offset   uint32       // the track's timestamp less the source's
	resync   uint16       // the number that would prove that the source began anew
	suspect  bool         // resync holds

	written       bool   // the track has had a packet
	lastTimestamp uint32 // of the track's line
	lastArrival   int64
	keyTimestamp  uint32 // of the newest key frame

	windowStart int64 // of the rate's second
	windowBytes uint64
}

// begin makes p the only publication whose packets count.
func (l *ingest) begin(p *Publication, ids map[uint8]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = extensionIDs{}
	for id, uri := range ids {
		if kind := extensionKind(uri); kind >= 0 {
			l.ids[kind] = id
		}
	}
	l.beginLocked(p)
}

func (l *ingest) beginLocked(p *Publication) {
	l.feeder, l.placed, l.mapped, l.waiting, l.suspect = p, false, false, true, false
}
