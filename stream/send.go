package stream

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/internal/codec"
	"weir/stream/cache"
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
	if len(d.line.breaks) > 0 {
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
	d.line.next = 1 + uint64(unforeseeable()>>17) // 15 bits: the first roll-over stays far
	d.rtxNext = 1 + uint64(unforeseeable()>>17)
	d.base = unforeseeable()
	d.allowance, d.allowedAt = resendFloor, t.mono
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

// unforeseeable is where a line's numbers or timestamps begin (RFC 3550 5.1).
func unforeseeable() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return binary.BigEndian.Uint32(b[:])
}

// cut begins a breakpoint at the cursor, for packets under their true
// timestamps.
func (d *DownTrack) cut(mono int64) {
	d.cutAt(breakpoint{track: d.track, index: d.cursor, offset: d.base}, mono)
}

func (d *DownTrack) cutAt(b breakpoint, mono int64) {
	d.choose()
	b.payloadType, b.rtxPayloadType = d.payload.PayloadType, d.payload.RTXPayloadType
	if d.line.cut(b, mono) {
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
		b := d.line.current()
		n := b.first + (d.cursor - b.index)
		d.line.next = n + 1 // a hole keeps its number
		if p != nil {
			sent++
			d.send(t.w, b, n, p)
			d.newest, d.sent = p.Timestamp+b.offset, true
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

// send makes the header of number n, a pure function of its breakpoint, and
// hands the packet out. The number is used up whatever becomes of it.
func (d *DownTrack) send(w *worker, b *breakpoint, n uint64, p *cache.Packet) {
	d.header(&w.header, b, n, p)
	d.offered.Add(1)
	if reason := d.outlet.Append(&w.header, p.Payload); reason != DropNone {
		d.drops[reason].Add(1)
		return
	}
	d.delivered.Add(1)
	d.octets.Add(uint64(len(p.Payload)))
}

// header makes the header of number n in h, which is a worker's: nothing else in
// it is ever set.
func (d *DownTrack) header(h *rtp.Header, b *breakpoint, n uint64, p *cache.Packet) {
	h.Version, h.Marker, h.PayloadType, h.SequenceNumber = 2, p.Marker, b.payloadType, uint16(n)
	h.Timestamp, h.SSRC = p.Timestamp+b.offset, d.ssrc
	if h.Extension {
		h.ClearExtensions()
	}
	if p.Extensions != nil {
		d.ids.Write(h, p.Extensions, d.names.Mixed)
	}
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
		b, n := d.line.place(d.track, index)
		if b == nil {
			continue // before the start
		}
		if p := b.packet(n); p != nil && p.Index == index {
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
	d.line.prune(t.mono)
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
