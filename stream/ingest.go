package stream

import (
	"time"

	"github.com/pion/rtp"

	"weir/internal/codec"
)

// put gives the packet its index and its timestamp and keeps it in the cache.
func (l *ingest) put(t *Track, p *Publication, pkt *rtp.Packet) DropReason {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.feeder != p || p == nil {
		return DropSuperseded
	}
	now := t.now()
	keyFrame := t.kind == codec.Video && codec.KeyFrameStart(t.Spec().Format.Name, pkt.Payload)
	if l.jumps(t.cache, pkt.SequenceNumber) {
		if !l.suspect || pkt.SequenceNumber != l.resync {
			l.suspect, l.resync = true, pkt.SequenceNumber+1
			return DropLate
		}
		l.beginLocked(p)
	}
	l.suspect = false
	if l.waiting && t.kind == codec.Video && !keyFrame {
		t.askKeyFrame(now)
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
	if t.clock.Load() == nil {
		t.clock.Store(&clock{at: time.Now(), timestamp: k.timestamp})
	}
	inOrder := index >= t.cache.head.Load()
	if inOrder {
		t.cache.put(k)
		l.lastTimestamp, l.lastArrival = k.timestamp, now
	} else {
		n := t.lateHead.Load()
		k.late = n + 1
		t.cache.put(k)
		t.late[n%lateKept].Store(index)
		t.lateHead.Store(k.late)
	}
	// Parameter sets and the slices behind them are one key frame.
	if keyFrame && inOrder && (l.waiting || t.newestKey.Load() == 0 || k.timestamp != l.keyTimestamp) {
		l.keyTimestamp = k.timestamp
		t.newestKey.Store(index)
	}
	l.waiting, l.written = false, true
	l.measure(t, now, len(pkt.Payload)+packetOverhead)
	return DropNone
}

// extend gives a 16-bit sequence number its packet index, by the newest packet.
func (l *ingest) extend(sequence uint16) uint64 {
	return l.index + uint64(int64(int16(sequence-l.sequence)))
}

// jumps says whether a number is further away than the cache reaches. Two such
// packets in sequence prove that the source began anew (RFC 3550 A.1): the
// second is then treated like the first of a publication.
func (l *ingest) jumps(c *cache, sequence uint16) bool {
	index := l.extend(sequence)
	return l.placed && (index >= c.head.Load()+maxCached/2 || index < c.tail())
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
	rate := int64(t.Spec().Format.ClockRate)
	ticks := passed/int64(time.Second)*rate + passed%int64(time.Second)*rate/int64(time.Second)
	l.offset = l.lastTimestamp + uint32(max(ticks, 1)) - timestamp
	t.clock.Store(nil)
}

func (l *ingest) setClock(t *Track, p *Publication, at time.Time, timestamp uint32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.feeder != p || p == nil {
		return
	}
	if !l.mapped {
		// The line goes on by what the time of this timestamp says.
		l.mapTimestamps(t, t.now()+int64(time.Until(at)), timestamp)
	}
	t.clock.Store(&clock{at: at, timestamp: timestamp + l.offset})
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
