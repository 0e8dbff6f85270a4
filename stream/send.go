package stream

import (
	"math"
	"time"

	"github.com/pion/rtcp"

	"weir/internal/codec"
	"weir/stream/cache"
	"weir/stream/sequence"
)

// A turn is what the methods of one viewer's pass share.
type turn struct {
	w    *worker
	now  time.Time
	mono int64 // nanoseconds of the registry's monotonic clock
}

// pass is one turn of this viewer on its worker: what was asked for again
// first, then what came late, then what is new.
func (d *DownTrack) pass(w *worker, now time.Time) due {
	if d.outlet == nil && d.open == nil {
		return dueLater
	}
	t := turn{w: w, now: now, mono: int64(now.Sub(d.track.epoch))}
	if target := d.target.Load(); target != d.track {
		d.move(t, target)
	}
	if d.outlet == nil {
		d.begin(t)
	}
	if d.line.Begun() {
		d.answerNACKs(t)
		d.sendLate(t)
	}
	var next due
	if d.kind == codec.Video {
		d.heedKeyFrame(t)
		next = d.sendVideo(t)
	} else {
		next = d.sendNew(t)
	}
	if t.mono >= d.reportAt {
		d.report(t)
	}
	return next
}

// begin opens the way out. Audio starts at the newest packet, video as join
// says, after the time that the viewer is held.
func (d *DownTrack) begin(t turn) {
	d.outlet = d.open(t.w.flusher)
	d.repeats.Begin(t.mono)
	d.reportAt = t.mono
	d.requests.Forget(t.mono)
	d.lateCursor = d.track.cache.LateHead()
	d.cursor = d.track.cache.Head()
	d.heldTo = t.mono + d.viewer.hold.Load()
	switch {
	case d.kind != codec.Video:
		d.cut(t.mono)
	case t.mono >= d.heldTo:
		d.join(t, 0)
	}
}

// cut begins a breakpoint at the cursor, for packets under their true
// timestamps.
func (d *DownTrack) cut(mono int64) {
	d.cutAt(sequence.Breakpoint{Track: d.track.cache, Index: d.cursor, Offset: d.base}, mono)
}

func (d *DownTrack) cutAt(b sequence.Breakpoint, mono int64) {
	d.choose()
	b.PayloadType, b.RTXPayloadType = d.payload.PayloadType, d.payload.RTXPayloadType
	if d.line.Cut(b, mono) {
		d.forgotten.Add(1)
	}
}

// sendNew sends what is new, see sendUntil.
func (d *DownTrack) sendNew(t turn) due { return d.sendUntil(t, math.MaxUint64) }

// sendUntil sends from the cursor to the cache's head, or to an index, at most
// passPackets, under true timestamps.
func (d *DownTrack) sendUntil(t turn, until uint64) due {
	c := d.track.cache
	head := min(c.Head(), until)
	if d.cursor < c.Tail() {
		d.overrun(t, c.Head())
	}
	if d.waiting {
		return dueSoon
	}
	for sent := 0; d.cursor < head; d.cursor++ {
		p := c.Get(d.cursor)
		if p == nil && d.cursor < c.Tail() { // gone since the turn began
			d.overrun(t, c.Head())
			return dueSoon
		}
		if p != nil && p.Late > d.lateCursor {
			p = nil // a hole as yet: sendLate comes to it in the next pass
		}
		if p != nil && sent == passPackets {
			return dueNow
		}
		b, n := d.line.Take(d.cursor) // a hole keeps its number
		if p != nil {
			sent++
			d.send(t.w, b, n, p)
			d.newest, d.sent = p.Timestamp+b.Offset, true
		}
	}
	return dueLater
}

// overrun gives up all that waits, since the cache no longer holds a part of it.
func (d *DownTrack) overrun(t turn, head uint64) {
	d.drop(DropOverrun, head-d.cursor)
	d.cursor = head
	if d.kind == codec.Video {
		d.wait(head)
		return
	}
	d.cut(t.mono)
}

func (d *DownTrack) drop(reason DropReason, n uint64) {
	d.offered.Add(n)
	d.drops[reason].Add(n)
}

// send hands the packet out under its number, which is used up whatever becomes
// of it.
func (d *DownTrack) send(w *worker, b *sequence.Breakpoint, n uint64, p *cache.Packet) {
	d.line.Header(&w.header, b, n, p)
	d.offered.Add(1)
	if reason := d.outlet.Append(&w.header, p.Payload); reason != DropNone {
		d.drops[reason].Add(1)
		return
	}
	d.delivered.Add(1)
	d.octets.Add(uint64(len(p.Payload)))
}

// sendLate sends packets that came after the cursor had passed their index.
func (d *DownTrack) sendLate(t turn) {
	head := d.track.cache.LateHead()
	if head-d.lateCursor > cache.LateKept {
		d.unanswered.Add(head - d.lateCursor - cache.LateKept)
		d.lateCursor = head - cache.LateKept
	}
	for ; d.lateCursor < head; d.lateCursor++ {
		index := d.track.cache.Late(d.lateCursor)
		if d.waiting || index >= d.cursor {
			continue // it comes in order, or not at all
		}
		b, n := d.line.Place(d.track.cache, index)
		if b == nil {
			continue // before the start
		}
		if p := b.Packet(n); p != nil && p.Index == index {
			d.send(t.w, b, n, p)
		}
	}
}

// report sends a sender report, which is due, if something was sent. It tells the
// live line, whatever is replayed.
func (d *DownTrack) report(t turn) {
	c := d.track.cache.Clock()
	if c == nil || d.delivered.Load() == 0 {
		return
	}
	d.reportAt = t.mono + int64(reportEvery)
	d.line.Prune(t.mono)
	t.w.report = rtcp.SenderReport{
		SSRC: d.names.SSRC, NTPTime: ntp(t.now), RTPTime: c.At(t.now) + d.base,
		PacketCount: uint32(d.delivered.Load()), OctetCount: uint32(d.octets.Load()),
	}
	d.outlet.Report(&t.w.report)
}

// ntp is a wall time as NTP counts it: seconds since 1900, 32 bits of fraction
// (RFC 3550 4).
func ntp(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
