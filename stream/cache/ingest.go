package cache

import (
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
)

const (
	// maxHole is how many packets may be missing in sequence and still be waited
	// for.
	maxHole = minCached
	// maxJump is how far a number may be off and still be believed at once, which
	// is RFC 3550's MAX_DROPOUT (A.1).
	maxJump = 3000
)

// An Outcome says what became of a packet.
type Outcome uint8

const (
	// Taken is what the cache holds now.
	Taken Outcome = iota
	// Duplicate is one of an index that the cache has.
	Duplicate
	// Late is older than what the cache holds, or from before Begin.
	Late
	// Undecodable came before the first key frame since Begin.
	Undecodable
)

// ingest is what the writing end knows: it turns a source's numbers into the
// track's own line, which goes on when one source follows another.
type ingest struct {
	name     string       // of the codec
	ids      ExtensionIDs // of the packets
	placed   bool         // index of sequence is known
	mapped   bool         // offset is known
	waiting  bool         // for the source's first packet that can be decoded
	sequence uint16       // of the newest packet
	index    uint64       // of that packet
	first    uint64       // of the source's first packet
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

// Begin says that what follows comes of another source, with numbers, timestamps,
// a declared format and ids of header extensions of its own. The line goes on;
// viewers wait for what can be decoded.
func (t *Track) Begin(f codec.Format, ids ExtensionIDs) {
	l := &t.in
	l.name, l.ids = codec.Canonical(f.Name), ids
	l.units.begin(f)
	l.groups = groups{}
	t.format.Store(l.units.format(f))
	l.begin()
	t.live.Store(false)
	t.group.Store(nil)
}

// begin makes the next packet the first of a source.
func (l *ingest) begin() {
	l.placed, l.mapped, l.waiting, l.suspect = false, false, true, false
	l.arrivals = arrivals{}
	l.units.had, l.units.inserted = 0, nil
	l.pictures.begin()
}

// Put gives a packet that comes now its index and its timestamp and keeps it. The
// packet is frozen from then on: only its payload, marker, sequence number,
// timestamp and header extensions are used. It never blocks.
func (t *Track) Put(now time.Time, pkt *rtp.Packet) Outcome {
	l, mono := &t.in, int64(now.Sub(t.epoch))
	var content codec.Content
	keyFrame := false
	if t.kind == codec.Video {
		content, keyFrame = l.units.look(l.name, pkt.Payload)
	}
	if l.jumps(&t.ring, pkt.SequenceNumber) {
		if !l.suspect || pkt.SequenceNumber != l.resync {
			l.suspect, l.resync = true, pkt.SequenceNumber+1
			return Late
		}
		l.begin()
	}
	l.suspect = false
	if l.waiting && t.kind == codec.Video && !keyFrame {
		return Undecodable
	}
	index, outcome := l.place(&t.ring, pkt.SequenceNumber)
	if outcome != Taken {
		return outcome
	}
	l.mapTimestamps(t, mono, pkt.Timestamp)
	k := &Packet{
		Index: index, Arrived: mono, Timestamp: pkt.Timestamp + l.offset,
		Marker: pkt.Marker, Payload: pkt.Payload, Extensions: l.ids.read(&pkt.Header),
	}
	if l.name == codec.VP8 {
		k.Payload = l.pictures.rewrite(k.Payload, k.Timestamp)
	}
	if f := l.units.changed(); f != nil {
		t.format.Store(f)
	}
	if index >= t.Head() {
		l.putInOrder(t, k, content, keyFrame)
		l.lastTimestamp, l.lastArrival = k.Timestamp, mono
		l.arrivals.note(t, now, mono, k.Timestamp)
	} else {
		l.putLate(t, k, content, keyFrame)
	}
	l.units.note(content, k.Timestamp)
	if l.waiting {
		l.waiting = false
		t.live.Store(true)
	}
	l.written = true
	l.measure(t, mono, len(pkt.Payload)+overhead)
	return Taken
}

// putInOrder keeps the newest packet. Parameter sets that a key frame lacks go
// in front of it, under indexes of their own.
func (l *ingest) putInOrder(t *Track, k *Packet, content codec.Content, keyFrame bool) {
	start := k.Index
	sets := l.units.lacking(t, content, k.Timestamp)
	// Parameter sets and the slices behind them are one key frame. It is told
	// before it can be seen in the cache, so that no viewer passes it unawares.
	if g := t.group.Load(); keyFrame && (g == nil || k.Timestamp != g.Timestamp) {
		l.groups.begin(t, k.Arrived, start, k.Timestamp, nil)
	}
	for _, payload := range sets {
		t.put(&Packet{Index: k.Index, Arrived: k.Arrived, Timestamp: k.Timestamp, Payload: payload},
			l.groups.keep(t, k.Arrived))
		k.Index++
	}
	if n := uint64(len(sets)); n > 0 {
		l.inserted(insertion{at: k.Index, n: n})
		l.index = k.Index
		t.setsInserted.Add(1)
	}
	t.put(k, l.groups.keep(t, k.Arrived))
	for i := start; i < k.Index; i++ {
		l.groups.add(t, k.Arrived, t.Get(i))
	}
	l.groups.add(t, k.Arrived, k)
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
func (l *ingest) putLate(t *Track, k *Packet, content codec.Content, keyFrame bool) {
	n := t.lateHead.Load()
	k.Late = n + 1
	t.put(k, l.groups.keep(t, k.Arrived))
	t.late[n%LateKept].Store(k.Index)
	t.lateHead.Store(k.Late)
	sets := l.units.lacking(t, content, k.Timestamp)
	if sets != nil {
		t.setsLate.Add(1)
	}
	g := t.group.Load()
	if !keyFrame || g != nil && (k.Index < g.Start || k.Timestamp == g.Timestamp) {
		l.groups.add(t, k.Arrived, k)
		return
	}
	var own []*Packet
	for _, payload := range sets {
		own = append(own, &Packet{Arrived: k.Arrived, Timestamp: k.Timestamp, Payload: payload})
	}
	l.groups.begin(t, k.Arrived, k.Index, k.Timestamp, own)
	for i := k.Index; i < t.Head(); i++ {
		if p := t.Get(i); p != nil {
			l.groups.add(t, k.Arrived, p)
		}
	}
}

// extend gives a 16-bit sequence number its packet index, by the newest packet.
func (l *ingest) extend(sequence uint16) uint64 {
	return l.units.shift(l.index + uint64(int64(int16(sequence-l.sequence))))
}

// jumps says whether a number is further away than packets are lost or late, or
// than the cache reaches. Two such packets in sequence prove that the source began anew (RFC 3550 A.1): the
// second is then treated like the first of another source.
func (l *ingest) jumps(r *ring, sequence uint16) bool {
	if !l.placed {
		return false
	}
	index, head := l.extend(sequence), r.Head()
	return index > head+maxJump || index+maxJump < head || index < r.Tail()
}

// place gives a packet its index. The first one of a source gets the next
// index, and none that belongs before it gets one: what lies there is another
// source's. A hole of more than maxHole, which nothing will fill, gets one index
// alone, so that no viewer's worker has to count through it; what belongs before
// the packet behind it is late then.
func (l *ingest) place(r *ring, sequence uint16) (uint64, Outcome) {
	head := r.Head()
	if !l.placed {
		l.placed, l.sequence, l.index, l.first = true, sequence, head, head
		return head, Taken
	}
	index := l.extend(sequence)
	if index > head+maxHole {
		index = head + 1
		l.first = index
	}
	switch {
	case index < l.first:
		return 0, Late
	case index < head && r.Get(index) != nil:
		return 0, Duplicate
	case index >= head:
		l.sequence, l.index = sequence, index
	}
	return index, Taken
}

// mapTimestamps fixes how the source's timestamps lie on the track's line: the
// first source's as they are, those of a later one and of a source that
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
	n := Ticks(time.Duration(passed), t.rate)
	l.offset = l.lastTimestamp + uint32(max(n, 1)) - timestamp
}

// SetClock says at which wall time the media of a timestamp, in the source's own
// numbers, was captured. The clock of capture is slewed to it by 40 ms a second,
// and by 200 ms where it is wrong by more than a second: only the first time a
// source says so it is set then.
func (t *Track) SetClock(at time.Time, timestamp uint32) {
	now := time.Now()
	if !t.in.mapped {
		// The line goes on by what the time of this timestamp says.
		t.in.mapTimestamps(t, int64(now.Sub(t.epoch)+at.Sub(now)), timestamp)
	}
	t.steer(&t.clock, now, at, timestamp+t.in.offset, !t.in.arrivals.told)
	t.in.arrivals.clocked, t.in.arrivals.told = true, true
}

// UnsetClock takes back what SetClock said: the clock of capture comes from the
// packets' arrival again.
func (t *Track) UnsetClock() { t.in.arrivals.unclocked(t, time.Now()) }

// Shrink gives up the groups of pictures, and lets all but the last second and
// the newest key frame go.
func (t *Track) Shrink() {
	if g := t.Newest(); g != nil && !g.Over() {
		g.giveUp(&t.ring)
	}
	t.in.groups.previous = 0
	t.account(-t.trim(t.recent, maxCached))
}

// measure keeps the track's byte rate, over windows of a second.
func (l *ingest) measure(t *Track, now int64, n int) {
	l.windowBytes += uint64(n)
	passed := now - l.windowStart
	if passed < int64(time.Second) {
		return
	}
	t.bytes.Store(uint64(float64(l.windowBytes) / (float64(passed) / float64(time.Second))))
	l.windowStart, l.windowBytes = now, 0
}
