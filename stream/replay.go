package stream

import (
	"math"
	"time"

	"weir/stream/cache"
)

// The states of a replay.
const (
	replayOff   uint8 = iota
	replayGroup       // a group of pictures
	replayLone        // a key frame alone, twice
)

const (
	// catchUp is the least time in which a replay thinks to reach the live line.
	catchUp = 34 * time.Millisecond
	// replayWithin is the time in which a large group should be sent.
	replayWithin = 400 * time.Millisecond
	// creditFor is the time for which a rate may be used at once.
	creditFor = 20 * time.Millisecond
	// replayTick is the time between passes of a replay.
	replayTick = 5 * time.Millisecond
	// shortGroup is the length under which a group says little of the stream's
	// rate.
	shortGroup = time.Second
)

// replay is the sending of cached frames, each stamped with the live clock, at a
// bounded rate. It is a value of the worker's. Timestamps are in ticks of the
// track's line since anchor, numbers of frames since the group's key frame.
type replay struct {
	gop *cache.Group

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

	// pace, bytes a second
	rate, least float64
	credit      float64
	at          int64
	sentPackets int // since the rate was last looked at
	lostPackets int // of these, asked for again

	// of a lone key frame
	lone   []*cache.Packet
	next   int
	copies int
	wakeAt int64 // when the next copy is due
}

// survey looks at a group in the cache, and sets the replay to its beginning. It
// says whether the group is there without a hole.
func (r *replay) survey(t *Track, g *cache.Group, mono int64) bool {
	*r = replay{gop: g, anchor: g.Timestamp, scanned: g.Start, rate: r.rate, least: r.least, credit: r.credit, at: r.at}
	if g.Start < t.cache.Tail() {
		return false
	}
	head := t.cache.Head()
	last := g.Arrived
	for i := g.Start; i < head; i++ {
		if p := t.cache.Get(i); p != nil {
			last = p.Arrived
		} else if mono-last > int64(holeAge) {
			return false
		}
	}
	r.scan(t)
	r.bytes = r.left
	return r.bytes > 0
}

// scan takes up what has come since the last look.
func (r *replay) scan(t *Track) {
	head := t.cache.Head()
	for ; r.scanned < head; r.scanned++ {
		p := t.cache.Get(r.scanned)
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
		key := int64(int32(r.gop.Timestamp - r.anchor))
		r.interval = max(float64(r.newest-key)/float64(r.frames), 1)
	}
}

// paces fixes the rate at which a group goes out: the stream's own twice at
// least. It says whether the bounds allow that.
func (r *replay) paces(t *Track, o *JoinOptions, halvings int, lossy bool) bool {
	rate := t.Spec().Format.ClockRate
	length := cache.Duration(r.newest+int64(r.interval), rate)
	own := float64(r.bytes) / max(length, time.Millisecond).Seconds()
	if measured := float64(t.cache.ByteRate()); length < shortGroup && measured > 0 {
		own = min(own, measured)
	}
	r.least = 2 * own
	most := float64(o.MaxRate) / 8
	r.rate = min(max(float64(o.MinRate)/8, float64(r.bytes)/replayWithin.Seconds(), r.least), most)
	r.rate /= float64(int(1) << halvings)
	if r.rate < r.least {
		return false
	}
	if lossy {
		r.rate = max(r.rate/2, r.least)
	}
	return true
}

// startReplay begins with the group that was surveyed. It says whether the
// viewer's rate, and the server's, allow it.
func (d *DownTrack) startReplay(t turn, halvings int) bool {
	r := &d.replay
	reg := d.viewer.stream.reg
	surveyed := *r
	d.endReplay()
	*r = surveyed
	if !r.paces(d.track, &reg.opts.Join, halvings, d.lossy.Load()) || !reg.replays.admit(r.least) {
		return false
	}
	d.replaying = replayGroup
	r.credit, r.at = r.rate*replayTick.Seconds(), t.mono
	d.waiting, d.overdue = false, 0
	d.cursor = r.gop.Start
	d.keyIndex, d.keyAt = r.gop.Start, t.mono
	d.replayed.Add(1)
	return true
}

// endReplay gives the server's rate back.
func (d *DownTrack) endReplay() {
	if d.replaying != replayOff {
		d.viewer.stream.reg.replays.leave(d.replay.least)
	}
	d.replaying, d.replay = replayOff, replay{}
}

// earn gives a replay what its pace allows by now.
func (d *DownTrack) earn(t turn) (pace float64) {
	r := &d.replay
	if d.lossy.Swap(false) || r.sentPackets >= 50 && r.lostPackets*10 > r.sentPackets {
		r.rate = max(r.rate/2, r.least)
		r.sentPackets, r.lostPackets = 0, 0
	}
	pace = min(r.rate, d.viewer.stream.reg.replays.share(r.least))
	r.credit = min(r.credit+pace*float64(t.mono-r.at)/1e9, max(pace*creditFor.Seconds(), 3000))
	r.at = t.mono
	return pace
}

// spend takes a packet from the viewer's pace and from the server's.
func (d *DownTrack) spend(t turn, p *cache.Packet) bool {
	r := &d.replay
	if r.credit < float64(p.Cost()) || !d.viewer.stream.reg.replays.take(t.now, p.Cost()) {
		return false
	}
	r.credit -= float64(p.Cost())
	r.sentPackets++
	return true
}

// sendReplay sends cached frames until the pace is used up, or the viewer has
// reached the live line.
func (d *DownTrack) sendReplay(t turn) due {
	r, c := &d.replay, d.track.cache
	pace := d.earn(t)
	r.scan(d.track)
	for sent := 0; d.cursor < r.scanned; d.cursor++ {
		p := c.Get(d.cursor)
		if r.between(p) && d.jump(t) {
			p = c.Get(d.cursor)
		}
		switch {
		case p == nil && d.cursor < c.Tail():
			d.overrun(t, c.Head())
			return dueSoon
		case p == nil || p.Late > d.lateCursor:
			if next := d.behind(); next != nil && t.mono-next.Arrived < int64(fillTime) {
				return dueTick
			}
			if b := d.line.current(); r.inFrame { // a hole keeps its number
				d.line.next = b.first + (d.cursor - b.index) + 1
			}
			continue
		case sent == passPackets:
			return dueNow
		case !d.spend(t, p):
			return dueTick
		}
		if r.between(p) && d.stamp(t, p, pace) {
			return d.sendNew(t)
		}
		sent++
		r.left -= p.Cost()
		b := d.line.current()
		n := b.first + (d.cursor - b.index)
		d.line.next = n + 1
		d.send(t.w, b, n, p)
	}
	return dueLater
}

// behind is the first packet behind the cursor's hole.
func (d *DownTrack) behind() *cache.Packet {
	for i := d.cursor + 1; i < d.replay.scanned; i++ {
		if p := d.track.cache.Get(i); p != nil {
			return p
		}
	}
	return nil
}

// between says whether a frame ends before p, the packet at the cursor. A hole
// may be of the frame that is being sent.
func (r *replay) between(p *cache.Packet) bool {
	return !r.inFrame || p != nil && p.Timestamp != r.current
}

// jump goes on with a newer key frame, if there is one: what lies before it is
// given up.
func (d *DownTrack) jump(t turn) bool {
	r, g := &d.replay, d.track.cache.Newest()
	if g == nil || g == r.gop || g.Start < d.cursor {
		return false
	}
	old := *r
	if !r.survey(d.track, g, t.mono) {
		*r = old
		return false
	}
	r.sentPackets, r.lostPackets = old.sentPackets, old.lostPackets
	d.drop(DropNoKeyFrame, g.Start-d.cursor)
	d.cursor = g.Start
	d.keyIndex, d.keyAt = g.Start, t.mono
	return true
}

// stamp begins a frame: it gets the timestamp that a frame coming in now would
// carry, but no later than lets each frame up to the live line have one of its
// own, no earlier than its true one, and later than the one before. At the live
// line true timestamps begin: then the replay is over, and stamp says so.
func (d *DownTrack) stamp(t turn, p *cache.Packet, pace float64) (live bool) {
	r := &d.replay
	rate := d.track.Spec().Format.ClockRate
	own := int64(int32(p.Timestamp - r.anchor))
	key := int64(int32(r.gop.Timestamp - r.anchor))
	if r.inFrame && own > key {
		r.number++
	}
	before := int64(math.MinInt64)
	if d.sent {
		before = int64(int32(d.newest - d.base - r.anchor))
	}
	if r.number >= r.frames && own > before {
		if r.number == 0 {
			d.sendSets(t, r.gop, d.base)
		}
		d.endReplay()
		d.cut(t.mono)
		return true
	}
	clock := r.newest
	if c := d.track.cache.Arriving(); c != nil {
		clock = int64(int32(c.At(t.now) - r.anchor))
	}
	reach := max(float64(catchUp)/1e9, float64(r.left)/(pace-r.least/2)) // seconds
	last, lastNumber := r.newest, r.frames
	if r.interval >= 1 {
		if more := int64((float64(clock-r.newest) + reach*float64(rate)) / r.interval); more > 0 {
			last, lastNumber = last+int64(float64(more)*r.interval), lastNumber+more
		}
	}
	stamp := min(clock, last-int64(rate/1000)*(lastNumber-r.number))
	stamp = max(stamp, own, before+1)
	r.current, r.inFrame = p.Timestamp, true
	offset := d.base + uint32(stamp-own)
	if r.number == 0 {
		d.sendSets(t, r.gop, offset)
	}
	d.cutAt(breakpoint{track: d.track, index: d.cursor, offset: offset, replayed: true, frame: p.Timestamp}, t.mono)
	d.newest, d.sent = p.Timestamp+offset, true
	return false
}

// startLone sends the key frame alone, twice, where its group cannot be
// replayed, and then waits for the next one.
func (d *DownTrack) startLone(t turn, g *cache.Group, halvings int) {
	frame := g.KeyFrame(d.track.cache)
	d.wait(g.Start + 1)
	if frame == nil {
		return
	}
	r, reg := &d.replay, d.viewer.stream.reg
	o := &reg.opts.Join
	var bytes int64
	for _, p := range frame {
		bytes += p.Cost()
	}
	rate := min(max(float64(o.MinRate)/8, float64(bytes)/replayWithin.Seconds()), float64(o.MaxRate)/8) / float64(int(1)<<halvings)
	if !reg.replays.admit(0) {
		return
	}
	d.replaying = replayLone
	*r = replay{gop: g, lone: frame, rate: rate, at: t.mono, credit: rate * replayTick.Seconds(), wakeAt: t.mono}
	d.waiting = false
	d.keyIndex, d.keyAt = g.Start, t.mono
	d.lone.Add(1)
}

// sendLone sends what is due of a lone key frame. A newer one takes its place.
func (d *DownTrack) sendLone(t turn) due {
	r := &d.replay
	d.skip()
	if g := d.track.cache.Newest(); g != nil && g.Start > r.gop.Start && r.next == 0 {
		d.wait(g.Start)
		if d.resume(t) && d.replaying == replayOff {
			return d.sendNew(t)
		}
		return dueTick
	}
	d.earn(t)
	for sent := 0; t.mono >= r.wakeAt; {
		if sent == passPackets || !d.spend(t, r.lone[r.next]) {
			return dueTick
		}
		if r.next == 0 {
			d.stampLone(t)
		}
		if r.next == 0 && r.copies == 0 {
			d.keyAt = t.mono
		}
		sent++
		d.sendOwn(t, r.lone[r.next])
		if r.next++; r.next < len(r.lone) {
			continue
		}
		r.next, r.copies = 0, r.copies+1
		if r.copies == 2 {
			d.wait(r.gop.Start + 1)
			return dueSoon
		}
		r.wakeAt = d.keyAt + int64(loneGap)
	}
	return dueTick
}

// loneStep is what the second copy's timestamp is more than the first's.
const loneStep = 3000

// stampLone gives the first copy the live clock's timestamp.
func (d *DownTrack) stampLone(t turn) {
	r := &d.replay
	own := r.lone[0].Timestamp
	stamp := own
	if c := d.track.cache.Arriving(); c != nil {
		stamp = c.At(t.now)
	}
	if r.copies == 1 {
		stamp = d.newest - d.base + loneStep
	}
	if int32(stamp-own) < 0 {
		stamp = own
	}
	if d.sent && int32(stamp-(d.newest-d.base)) <= 0 {
		stamp = d.newest - d.base + 1
	}
	d.cutAt(breakpoint{track: d.track, own: r.lone, offset: d.base + stamp - own}, t.mono)
}
