package stream

import (
	"sync"
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
)

// ingest is the writing end of a track: it turns a source's numbers into the
// track's own line, which goes on when one publication follows another.
type ingest struct {
	mu sync.Mutex // contended only while a publication is taken over, or memory is short
	// guarded by mu
	feeder   *Publication // nil: nobody
	name     string       // of the codec
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

	units    units
	pictures pictureIDs
	groups   groups
	arrivals arrivals

	windowStart int64 // of the rate's second
	windowBytes uint64
}

// begin makes p the only publication whose packets count.
func (l *ingest) begin(t *Track, p *Publication, spec Spec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.name = codec.Canonical(spec.Format.Name)
	l.ids = extensionIDs{}
	for id, uri := range spec.Extensions {
		if kind := extensionKind(uri); kind >= 0 {
			l.ids[kind] = id
		}
	}
	l.units.begin(spec.Format)
	l.groups = groups{}
	t.format.Store(l.units.format(spec.Format))
	l.beginLocked(p)
	t.live.Store(false)
	t.gop.Store(nil)
}

func (l *ingest) beginLocked(p *Publication) {
	l.feeder, l.placed, l.mapped, l.waiting, l.suspect = p, false, false, true, false
	l.arrivals = arrivals{}
	l.units.had, l.units.inserted = 0, nil
	l.pictures.begin()
}

// put gives the packet its index and its timestamp and keeps it in the cache.
func (l *ingest) put(t *Track, p *Publication, pkt *rtp.Packet) DropReason {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.feeder != p || p == nil {
		return DropSuperseded
	}
	clock := time.Now()
	now := int64(clock.Sub(t.epoch))
	var content codec.Content
	keyFrame := false
	if t.kind == codec.Video {
		content, keyFrame = l.units.look(l.name, pkt.Payload)
	}
	if l.jumps(t.cache, pkt.SequenceNumber) {
		if !l.suspect || pkt.SequenceNumber != l.resync {
			l.suspect, l.resync = true, pkt.SequenceNumber+1
			return DropLate
		}
		l.beginLocked(p)
	}
	l.suspect = false
	if l.waiting && t.kind == codec.Video && !keyFrame {
		t.askKeyFrame(now, keyFrameGap)
		return DropUndecodable
	}
	index, reason := l.place(t.cache, pkt.SequenceNumber)
	if reason != DropNone {
		return reason
	}
	l.mapTimestamps(t, now, pkt.Timestamp)
	k := &packet{
		index: index, arrived: now, timestamp: pkt.Timestamp + l.offset,
		marker: pkt.Marker, payload: pkt.Payload, extensions: l.ids.read(&pkt.Header),
	}
	if l.name == codec.VP8 {
		k.payload = l.pictures.rewrite(k.payload, k.timestamp)
	}
	if f := l.units.changed(); f != nil {
		t.format.Store(f)
	}
	if index >= t.cache.head.Load() {
		l.putInOrder(t, k, content, keyFrame)
		l.lastTimestamp, l.lastArrival = k.timestamp, now
		l.arrivals.note(t, clock, now, k.timestamp)
	} else {
		l.putLate(t, k, content, keyFrame)
	}
	l.units.note(content, k.timestamp)
	if l.waiting {
		l.waiting = false
		t.live.Store(true)
	}
	l.written = true
	l.measure(t, now, len(pkt.Payload)+packetOverhead)
	t.observers.tell(p, clock, pkt)
	return DropNone
}

// putInOrder keeps the newest packet. Parameter sets that a key frame lacks go
// in front of it, under indexes of their own.
func (l *ingest) putInOrder(t *Track, k *packet, content codec.Content, keyFrame bool) {
	start := k.index
	sets := l.units.lacking(t, content, k.timestamp)
	// Parameter sets and the slices behind them are one key frame. It is told
	// before it can be seen in the cache, so that no viewer passes it unawares.
	if g := t.gop.Load(); keyFrame && (g == nil || k.timestamp != g.timestamp) {
		l.groups.begin(t, k.arrived, start, k.timestamp, nil)
	}
	for _, payload := range sets {
		t.cache.put(&packet{index: k.index, arrived: k.arrived, timestamp: k.timestamp, payload: payload},
			l.groups.keep(t, k.arrived))
		k.index++
	}
	if n := uint64(len(sets)); n > 0 {
		l.inserted(insertion{at: k.index, n: n})
		l.index = k.index
		t.setsInserted.Add(1)
	}
	t.cache.put(k, l.groups.keep(t, k.arrived))
	for i := start; i < k.index; i++ {
		l.groups.add(t, k.arrived, t.cache.get(i))
	}
	l.groups.add(t, k.arrived, k)
}

// inserted remembers where the source's numbers were shifted. What comes from
// before the oldest place that is still known is late.
func (l *ingest) inserted(i insertion) {
	u := &l.units
	if len(u.inserted) == maxInsertions {
		l.first = max(l.first, u.inserted[0].at)
		u.inserted = append(u.inserted[:0], u.inserted[1:]...)
	}
	u.inserted = append(u.inserted, i)
}

// putLate keeps a packet that comes after a higher one. Where a key frame begins
// in it no parameter sets are put in: a replay brings those that it lacks.
func (l *ingest) putLate(t *Track, k *packet, content codec.Content, keyFrame bool) {
	n := t.lateHead.Load()
	k.late = n + 1
	t.cache.put(k, l.groups.keep(t, k.arrived))
	t.late[n%lateKept].Store(k.index)
	t.lateHead.Store(k.late)
	sets := l.units.lacking(t, content, k.timestamp)
	if sets != nil {
		t.setsLate.Add(1)
	}
	g := t.gop.Load()
	if !keyFrame || g != nil && (k.index < g.start || k.timestamp == g.timestamp) {
		l.groups.add(t, k.arrived, k)
		return
	}
	var own []*packet
	for _, payload := range sets {
		own = append(own, &packet{arrived: k.arrived, timestamp: k.timestamp, payload: payload})
	}
	l.groups.begin(t, k.arrived, k.index, k.timestamp, own)
	for i := k.index; i < t.cache.head.Load(); i++ {
		if p := t.cache.get(i); p != nil {
			l.groups.add(t, k.arrived, p)
		}
	}
}

// extend gives a 16-bit sequence number its packet index, by the newest packet.
func (l *ingest) extend(sequence uint16) uint64 {
	return l.units.shift(l.index + uint64(int64(int16(sequence-l.sequence))))
}

// jumps says whether a number is further away than the cache reaches. Two such
// packets in sequence prove that the source began anew (RFC 3550 A.1): the
// second is then treated like the first of a publication.
func (l *ingest) jumps(c *cache, sequence uint16) bool {
	if !l.placed {
		return false
	}
	index := l.extend(sequence)
	return index >= c.head.Load()+maxCached/2 || index < c.tail()
}

// place gives a packet its index. The first one of a publication gets the next
// index, and none that belongs before it gets one: what lies there is another
// publication's.
func (l *ingest) place(c *cache, sequence uint16) (uint64, DropReason) {
	head := c.head.Load()
	if !l.placed {
		l.placed, l.sequence, l.index, l.first = true, sequence, head, head
		return head, DropNone
	}
	index := l.extend(sequence)
	switch {
	case index < l.first:
		return 0, DropLate
	case index < head && c.get(index) != nil:
		return 0, DropDuplicate
	case index >= head:
		l.sequence, l.index = sequence, index
	}
	return index, DropNone
}

// mapTimestamps fixes how the source's timestamps lie on the track's line: the
// first publication's as they are, those of a later one and of a source that
// began anew so that the line goes on by the time that has passed.
func (l *ingest) mapTimestamps(t *Track, now int64, timestamp uint32) {
	if l.mapped {
		return
	}
	l.mapped = true
	if !l.written {
		return
	}
	passed := max(now-l.lastArrival, int64(time.Millisecond))
	n := ticks(time.Duration(passed), t.Spec().Format.ClockRate)
	l.offset = l.lastTimestamp + uint32(max(n, 1)) - timestamp
}

func (l *ingest) setClock(t *Track, p *Publication, at time.Time, timestamp uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.feeder != p || p == nil {
		return
	}
	now := time.Now()
	if !l.mapped {
		// The line goes on by what the time of this timestamp says.
		l.mapTimestamps(t, t.now()+int64(at.Sub(now)), timestamp)
	}
	l.arrivals.clocked = true
	t.steer(&t.clock, now, at, timestamp+l.offset)
}

func (l *ingest) unsetClock(t *Track, p *Publication) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.feeder == p && p != nil {
		l.arrivals.unclocked(t, time.Now())
	}
}

// shrink gives up the groups of pictures, and lets all but the last second and
// the newest key frame go.
func (l *ingest) shrink(t *Track) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := t.gop.Load(); g != nil && !g.over.Load() {
		g.giveUp(t.cache)
	}
	l.groups.previous = 0
	t.cache.account(-t.cache.trim(t.cache.recent, maxCached))
}

// measure keeps the track's byte rate, over windows of a second.
func (l *ingest) measure(t *Track, now int64, n int) {
	l.windowBytes += uint64(n)
	passed := now - l.windowStart
	if passed < int64(time.Second) {
		return
	}
	t.rate.Store(uint64(float64(l.windowBytes) / (float64(passed) / float64(time.Second))))
	l.windowStart, l.windowBytes = now, 0
}
