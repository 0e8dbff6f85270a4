package stream

import (
	"time"

	"weir/stream/cache"
	"weir/stream/sequence"
)

const (
	// nearlyEmpty is the length of a group of pictures that needs no replay.
	nearlyEmpty = 100 * time.Millisecond
	// dueSoonEnough is how soon the next key frame must be due to be waited for.
	dueSoonEnough = 300 * time.Millisecond
	// keyFrameLate is how late it may be.
	keyFrameLate = 100 * time.Millisecond
	// silent is for how long nothing may have come for the cache to be replayed:
	// what is older is not what the stream shows now.
	silent = 2 * time.Second
	// keyFrameRest is the least time after a key frame has begun to go out in
	// which a request is about what came before it.
	keyFrameRest = 100 * time.Millisecond
)

// sendVideo sends what is due of a video track.
func (d *DownTrack) sendVideo(t turn) due {
	switch {
	case t.mono < d.heldTo:
		d.skip()
		return dueTick
	case !d.line.Begun() && d.live():
		d.join(t, 0) // the viewer was held
	}
	if d.waiting && !d.resume(t) {
		d.skip()
		return dueSoon
	}
	switch d.replaying {
	case replayLone:
		return d.sendLone(t)
	case replayGroup:
		return d.sendReplay(t)
	}
	if g := d.track.cache.Newest(); g != nil && g.Start > d.keyIndex {
		return d.sendOver(t, g)
	}
	return d.sendNew(t)
}

// sendOver is sendNew where a key frame is new.
func (d *DownTrack) sendOver(t turn, g *cache.Group) due {
	if g.Start >= d.cursor && d.track.cache.Format() != d.format {
		if next := d.sendUntil(t, g.Start); d.cursor < g.Start || d.waiting {
			return next
		}
		d.cut(t.mono) // the payload type may be another one from here on
	}
	next := d.sendNew(t)
	if g.Start < d.cursor && d.live() {
		d.keyIndex, d.keyAt = g.Start, t.mono
	}
	return next
}

// live says whether the viewer gets what comes as it comes.
func (d *DownTrack) live() bool { return d.replaying == replayOff && !d.waiting }

// skip passes over what a viewer cannot use.
func (d *DownTrack) skip() {
	if head := d.track.cache.Head(); head > d.cursor {
		d.drop(DropNoKeyFrame, head-d.cursor)
		d.cursor = head
	}
}

// wait makes the viewer wait for a key frame that begins at index from or later.
func (d *DownTrack) wait(from uint64) {
	d.endReplay()
	d.waiting, d.waitFrom, d.overdue = true, from, 0
}

// resume ends the waiting if there is a key frame to go on with. Else it asks
// for one.
func (d *DownTrack) resume(t turn) bool {
	g := d.track.cache.Newest()
	switch {
	case g != nil && g.Start >= d.waitFrom:
		d.startOn(t, g)
	case d.overdue != 0 && t.mono >= d.overdue:
		d.join(t, 0)
	case d.overdue == 0:
		d.track.askKeyFrame(t.mono, keyFrameGap)
	}
	return !d.waiting
}

// heedKeyFrame acts on what RequestKeyFrame noted. A key frame that is on its
// way answers it, or the cache, at a rate halved each time; beyond three in 10 s
// the request stays noted until one of these is true again.
func (d *DownTrack) heedKeyFrame(t turn) {
	if !d.keyFrame.Load() {
		return
	}
	rest := max(int64(keyFrameRest), d.rtt.Load()*3/2)
	if d.waiting || t.mono < d.heldTo || !d.line.Begun() || t.mono-d.keyAt < rest {
		d.keyFrame.Store(false)
		return
	}
	if halvings, ok := d.requests.Answer(t.mono); ok {
		d.keyFrame.Store(false)
		d.join(t, halvings)
	}
}

// join starts the viewer on what the cache holds, or makes it wait for the next
// key frame. The source is asked for one as well, unless the last has just come.
// halvings lower the rate of a replay.
func (d *DownTrack) join(t turn, halvings int) {
	g := d.track.cache.Newest()
	c := d.track.cache
	head := c.Head()
	newest := c.Get(head - 1)
	if g == nil || newest == nil || t.mono-newest.Arrived > int64(silent) {
		d.wait(head)
		d.track.askKeyFrame(t.mono, keyFrameGap)
		return
	}
	if cache.Duration(int64(int32(newest.Timestamp-g.Timestamp)), c.ClockRate()) <= nearlyEmpty {
		d.startOn(t, g)
		return
	}
	d.track.askKeyFrame(t.mono, besideGap)
	if left := g.Due - t.mono; halvings == 0 && g.Due != 0 && left <= int64(dueSoonEnough) && left > -int64(keyFrameLate) {
		d.wait(g.Start + 1)
		d.overdue = g.Due + int64(keyFrameLate)
		return
	}
	if g.Over() || !d.startReplay(t, g, halvings) {
		d.startLone(t, g, halvings)
	}
}

// startOn goes on with a key frame that has just come, under true timestamps
// unless something later was sent already.
func (d *DownTrack) startOn(t turn, g *cache.Group) {
	d.endReplay()
	d.waiting, d.overdue = false, 0
	if d.sent && int32(g.Timestamp+d.base-d.newest) <= 0 {
		switch {
		case g.Start >= d.track.cache.Head(): // not quite there yet
			d.wait(g.Start)
		case !d.startReplay(t, g, 0):
			d.startLone(t, g, 0)
		}
		return
	}
	if g.Start > d.cursor {
		d.drop(DropNoKeyFrame, g.Start-d.cursor)
	}
	d.cursor = g.Start
	d.keyIndex, d.keyAt = g.Start, t.mono
	d.sendSets(t, g, d.base)
	d.cut(t.mono)
}

// sendSets sends the parameter sets that a key frame lacks in the cache.
func (d *DownTrack) sendSets(t turn, g *cache.Group, offset uint32) {
	if g.Sets == nil {
		return
	}
	d.cutAt(sequence.Breakpoint{Track: d.track.cache, Own: g.Sets, Offset: offset}, t.mono)
	for _, p := range g.Sets {
		d.sendOwn(t, p)
	}
}

// sendOwn sends the next packet of a breakpoint that has its own.
func (d *DownTrack) sendOwn(t turn, p *cache.Packet) {
	b, n := d.line.TakeOwn()
	d.send(t.w, b, n, p)
	d.newest, d.sent = p.Timestamp+b.Offset, true
}
