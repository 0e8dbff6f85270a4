package stream

import (
	"time"

	"weir/stream/cache"
	"weir/stream/joining"
	"weir/stream/sequence"
)

// The states of a replay.
const (
	replayOff   uint8 = iota
	replayGroup       // a group of pictures
	replayLone        // a key frame alone, twice
)

// fillTime is how long a replay waits for a missing packet.
const fillTime = 100 * time.Millisecond

// starting is a replay that begins now with a group.
func (d *DownTrack) starting(t turn, g *cache.Group, halvings int) joining.Start {
	reg := d.viewer.stream.reg
	return joining.Start{
		Track: d.track.cache, Group: g, Mono: t.mono, Budget: reg.replays, Halvings: halvings, Lossy: d.lossy.Load(),
		Rates: joining.Rates{Min: reg.opts.Join.MinRate, Max: reg.opts.Join.MaxRate},
	}
}

// startReplay begins with a group. It says whether the group is there, and whether
// the viewer's rate, and the server's, allow it.
func (d *DownTrack) startReplay(t turn, g *cache.Group, halvings int) bool {
	d.replaying = replayOff
	if !d.replay.Start(d.starting(t, g, halvings)) {
		return false
	}
	d.replaying = replayGroup
	d.waiting, d.overdue = false, 0
	d.cursor = g.Start
	d.keyIndex, d.keyAt = g.Start, t.mono
	d.replayed.Add(1)
	return true
}

// endReplay gives the server's rate back.
func (d *DownTrack) endReplay() {
	d.replay.End()
	d.replaying = replayOff
}

// sendReplay sends cached frames until the pace is used up, or the viewer has
// reached the live line.
func (d *DownTrack) sendReplay(t turn) due {
	r, c := &d.replay, d.track.cache
	r.Earn(t.mono, d.lossy.Swap(false))
	until := r.Until()
	for sent := 0; d.cursor < until; d.cursor++ {
		p := c.Get(d.cursor)
		if r.Between(p) && d.jump(t) {
			p, until = c.Get(d.cursor), r.Until()
		}
		switch {
		case p == nil && d.cursor < c.Tail():
			d.overrun(t, c.Head())
			return dueSoon
		case p == nil || p.Late > d.lateCursor:
			if next := r.Behind(d.cursor); next != nil && t.mono-next.Arrived < int64(fillTime) {
				return dueTick
			}
			if r.InFrame() {
				d.line.Take(d.cursor) // a hole keeps its number
			}
			continue
		case sent == passPackets:
			return dueNow
		case !r.Spend(t.now, p):
			return dueTick
		}
		if r.Between(p) && d.stamp(t, p) {
			return d.sendNew(t)
		}
		sent++
		r.Sent(p)
		b, n := d.line.Take(d.cursor)
		d.send(t.w, b, n, p)
	}
	return dueLater
}

// jump goes on with a newer key frame, if there is one: what lies before it is
// given up.
func (d *DownTrack) jump(t turn) bool {
	if !d.replay.Jump(d.cursor, t.mono) {
		return false
	}
	start := d.replay.Group().Start
	d.drop(DropNoKeyFrame, start-d.cursor)
	d.cursor = start
	d.keyIndex, d.keyAt = start, t.mono
	return true
}

// stamp begins a frame, under a timestamp of the replay's. At the live line the
// replay is over, and stamp says so.
func (d *DownTrack) stamp(t turn, p *cache.Packet) (live bool) {
	s := d.replay.Stamp(t.now, p, d.newest-d.base, d.sent)
	if s.Key {
		d.sendSets(t, d.replay.Group(), d.base+s.Later)
	}
	if s.Live {
		d.endReplay()
		d.cut(t.mono)
		return true
	}
	offset := d.base + s.Later
	d.cutAt(sequence.Breakpoint{
		Track: d.track.cache, Index: d.cursor, Offset: offset, Replayed: true, Frame: p.Timestamp,
	}, t.mono)
	d.newest, d.sent = p.Timestamp+offset, true
	return false
}

// startLone sends the key frame alone, twice, where its group cannot be
// replayed, and then waits for the next one.
func (d *DownTrack) startLone(t turn, g *cache.Group, halvings int) {
	d.wait(g.Start + 1)
	if !d.replay.StartLone(d.starting(t, g, halvings)) {
		return
	}
	d.replaying, d.waiting = replayLone, false
	d.keyIndex, d.keyAt = g.Start, t.mono
	d.lone.Add(1)
}

// sendLone sends what is due of a lone key frame. A newer one takes its place.
func (d *DownTrack) sendLone(t turn) due {
	r := &d.replay
	d.skip()
	if g := d.track.cache.Newest(); g != nil && g.Start > r.Group().Start && r.Whole() {
		d.wait(g.Start)
		if d.resume(t) && d.replaying == replayOff {
			return d.sendNew(t)
		}
		return dueTick
	}
	r.Earn(t.mono, d.lossy.Swap(false))
	for sent := 0; ; sent++ {
		p, number := r.Due(t.mono)
		if p == nil || sent == passPackets || !r.Spend(t.now, p) {
			return dueTick
		}
		if r.Whole() {
			offset := d.base + r.StampLone(t.now, d.newest-d.base, d.sent)
			d.cutAt(sequence.Breakpoint{Track: d.track.cache, Own: r.Frame(), Offset: offset}, t.mono)
		}
		if r.Whole() && number == 0 {
			d.keyAt = t.mono
		}
		d.sendOwn(t, p)
		if r.SentLone(t.mono) {
			d.wait(r.Group().Start + 1)
			return dueSoon
		}
	}
}
