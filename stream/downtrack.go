package stream

import (
	"crypto/rand"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/internal/codec"
)

const (
	// passPackets is how many packets one viewer gets in a pass before the
	// next one has its turn.
	passPackets = 32
	// nackRoom is how many numbers asked for again wait for the worker.
	nackRoom = 256
	// resendFloor is how many bytes may always be sent again in a second.
	resendFloor = 64 << 10
	// packetOverhead is what a packet costs besides its payload, in bytes: the
	// headers of IPv4, UDP and RTP, and SRTP's tag.
	packetOverhead = 56
	// keyFrameShare is how many key frames one viewer may ask for in a row, and
	// keyFrameSpan in which time it has earned another: a key frame costs all
	// viewers of the track.
	keyFrameShare = 3
	keyFrameSpan  = 10 * time.Second / keyFrameShare
	// reportEvery is the least time between two sender reports.
	reportEvery = time.Second
)

// A Line names what a viewer's transport was negotiated to carry for one
// DownTrack. RTXSSRC and RTXPayloadType are 0 where retransmission (RFC 4588)
// was not negotiated: packets are then sent again as they were.
type Line struct {
	SSRC, RTXSSRC               uint32
	PayloadType, RTXPayloadType uint8
	// Extensions are the header extensions that the viewer takes, URI to id.
	// Mixed says that it takes the form of two bytes too (RFC 8285 4.1.2).
	Extensions map[string]uint8
	Mixed      bool
}

// A DownTrack is one viewer's end of one kind of media: a cursor into a Track's
// cache, and the line of numbers that the viewer sees. Attach comes before
// Viewer.Start; NACK is for one goroutine at a time; RequestKeyFrame and the
// counters are for any.
type DownTrack struct {
	// static after Attach
	viewer *Viewer
	track  *Track
	names  Line
	ids    extensionIDs
	open   func(Flusher) Outlet

	// owned by the worker
	outlet     Outlet
	line       line
	cursor     uint64 // the next index to send
	lateCursor uint64 // how many late packets of the track are dealt with
	waiting    bool   // for a key frame that begins at waitFrom or later
	waitFrom   uint64
	rtxNext    uint64 // 48 bits, only ever goes up
	allowance  int64  // bytes that may be sent again now
	allowedAt  int64
	reportAt   int64
	share      int64 // of key frame requests, in nanoseconds: see keyFrameShare
	sharedAt   int64

	keyFrame atomic.Bool // the viewer asked for a key frame
	nacks    nackRing

	// written by the worker, read by anyone
	offered, delivered, octets           atomic.Uint64
	drops                                [dropReasons]atomic.Uint64
	resent, unanswered, limited, flooded atomic.Uint64
	keyFramesAsked, forgotten            atomic.Uint64
}

func newDownTrack(v *Viewer, t *Track) *DownTrack {
	return &DownTrack{viewer: v, track: t}
}

// Track is the shared track that feeds this end at present.
func (d *DownTrack) Track() *Track { return d.track }

// Attach names the numbers that the transport carries and how the worker opens
// the way out. The worker calls open once, in its first pass after
// Viewer.Start; DownTracks of one viewer may be given the same Outlet.
func (d *DownTrack) Attach(l Line, open func(Flusher) Outlet) {
	d.names, d.open, d.ids = l, open, extensionIDs{}
	for uri, id := range l.Extensions {
		if kind := extensionKind(uri); kind >= 0 {
			d.ids[kind] = id
		}
	}
}

// NACK notes that the viewer misses packets (RFC 4585 6.2.1). It never blocks:
// beyond 256 numbers that wait, more are dropped and counted.
func (d *DownTrack) NACK(pairs []rtcp.NackPair) {
	for i := range pairs {
		pairs[i].Range(func(n uint16) bool {
			if !d.nacks.push(n) {
				d.flooded.Add(1)
			}
			return true
		})
	}
	d.viewer.shard.wake()
}

// RequestKeyFrame notes that the viewer cannot go on without a key frame (PLI
// or FIR, RFC 4585 6.3.1, RFC 5104 4.3.1). The source is asked again until one
// has begun. A viewer that asks more than three times in 10 s has to wait.
func (d *DownTrack) RequestKeyFrame() {
	if d.track.kind != codec.Video {
		return
	}
	d.keyFramesAsked.Add(1)
	d.keyFrame.Store(true)
	d.viewer.shard.wake()
}

// pass is one turn of this viewer on its worker: what was asked for again
// first, then what came late, then what is new.
func (d *DownTrack) pass(w *worker, now time.Time) due {
	if d.open == nil {
		return dueLater
	}
	mono := int64(now.Sub(d.track.epoch))
	if d.outlet == nil {
		d.begin(w, mono)
	}
	if len(d.line.breaks) > 0 {
		d.answerNACKs(w, mono)
		d.sendLate(w)
	}
	more := d.sendNew(w, mono)
	d.heedKeyFrame(mono)
	d.report(w, now, mono)
	switch {
	case more:
		return dueNow
	case d.track.kind == codec.Video && d.track.newestKey.Load() < d.waitFrom:
		d.track.RequestKeyFrame()
		return dueSoon
	default:
		return dueLater
	}
}

// heedKeyFrame acts on what RequestKeyFrame noted, unless the viewer has used up
// its share: then the request stays noted until a part of the share is back.
func (d *DownTrack) heedKeyFrame(mono int64) {
	if !d.keyFrame.Load() {
		return
	}
	if d.track.newestKey.Load() >= d.waitFrom { // else the one asked for is still to come
		d.share = min(d.share+mono-d.sharedAt, int64(keyFrameShare)*int64(keyFrameSpan))
		d.sharedAt = mono
		if d.share < int64(keyFrameSpan) {
			return
		}
		d.share -= int64(keyFrameSpan)
		d.waitFrom = max(d.waitFrom, d.track.cache.head.Load())
	}
	d.keyFrame.Store(false)
}

// begin opens the way out and puts the cursor where the viewer can start: audio
// at the newest packet, video at a key frame fresh enough, or else at the next.
func (d *DownTrack) begin(w *worker, mono int64) {
	d.outlet = d.open(w.flusher)
	d.line.next = 1 + uint64(unforeseeable()>>17) // 15 bits: the first roll-over stays far
	d.rtxNext = 1 + uint64(unforeseeable()>>17)
	d.allowance, d.allowedAt = resendFloor, mono
	d.share, d.sharedAt = int64(keyFrameShare)*int64(keyFrameSpan), mono
	d.reportAt = mono
	d.lateCursor = d.track.lateHead.Load()
	d.cursor = d.track.cache.head.Load()
	if d.track.kind != codec.Video {
		d.cut(mono)
		return
	}
	d.waiting, d.waitFrom = true, d.cursor
	newest := d.track.newestKey.Load()
	if p := d.track.cache.get(newest); p != nil && mono-p.arrived < int64(keyFrameGap) {
		d.waitFrom = newest
	}
}

// cut begins a breakpoint at the cursor.
func (d *DownTrack) cut(mono int64) {
	var offset uint32
	if len(d.line.breaks) > 0 {
		offset = d.line.current().offset
	} else {
		offset = unforeseeable()
	}
	if d.line.cut(breakpoint{
		track: d.track, index: d.cursor, offset: offset, payloadType: d.names.PayloadType,
	}, mono) {
		d.forgotten.Add(1)
	}
}

// unforeseeable is where a line's numbers or timestamps begin (RFC 3550 5.1).
func unforeseeable() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	return binary.BigEndian.Uint32(b[:])
}

// sendNew sends from the cursor to the cache's head, at most passPackets. It
// says whether more is there.
func (d *DownTrack) sendNew(w *worker, mono int64) (more bool) {
	head := d.track.cache.head.Load()
	if d.cursor < d.track.cache.tail() {
		d.overrun(head, mono)
	}
	if d.waiting && !d.findKeyFrame(head, mono) {
		return false
	}
	for sent := 0; d.cursor < head; d.cursor++ {
		p := d.track.cache.get(d.cursor)
		if p == nil && d.cursor < d.track.cache.tail() { // gone since the turn began
			d.overrun(d.track.cache.head.Load(), mono)
			return false
		}
		if p != nil && p.late > d.lateCursor {
			p = nil // a hole as yet: sendLate comes to it in the next pass
		}
		if p != nil && sent == passPackets {
			return true
		}
		b := d.line.current()
		n := b.first + (d.cursor - b.index)
		d.line.next = n + 1 // a hole keeps its number
		if p != nil {
			sent++
			d.send(w, b, n, p)
		}
	}
	return false
}

// overrun gives up all that waits, since the cache no longer holds a part of it.
func (d *DownTrack) overrun(head uint64, mono int64) {
	d.drop(DropOverrun, head-d.cursor)
	d.cursor = head
	if d.track.kind == codec.Video {
		d.waiting, d.waitFrom = true, head
		return
	}
	d.cut(mono)
}

// findKeyFrame moves the cursor to the key frame that the viewer waits for, if
// it is there; the packets before it are dropped.
func (d *DownTrack) findKeyFrame(head uint64, mono int64) bool {
	newest := d.track.newestKey.Load()
	if newest < d.track.cache.tail() { // gone: the next one then, which has to be asked for
		d.waitFrom = max(d.waitFrom, newest+1)
	}
	if newest < d.waitFrom || newest >= head {
		d.drop(DropNoKeyFrame, head-d.cursor)
		d.cursor = head
		return false
	}
	if newest > d.cursor {
		d.drop(DropNoKeyFrame, newest-d.cursor)
	}
	d.waiting, d.cursor = false, newest
	d.cut(mono)
	return true
}

func (d *DownTrack) drop(reason DropReason, n uint64) {
	d.offered.Add(n)
	d.drops[reason].Add(n)
}

// send makes the header of number n, a pure function of its breakpoint, and
// hands the packet out. The number is used up whatever becomes of it.
func (d *DownTrack) send(w *worker, b *breakpoint, n uint64, p *packet) {
	d.header(&w.header, b, n, p)
	d.offered.Add(1)
	if reason := d.outlet.Append(&w.header, p.payload); reason != DropNone {
		d.drops[reason].Add(1)
		return
	}
	d.delivered.Add(1)
	d.octets.Add(uint64(len(p.payload)))
}

// header makes the header of number n in h, whose room for extensions it uses
// again.
func (d *DownTrack) header(h *rtp.Header, b *breakpoint, n uint64, p *packet) {
	*h = rtp.Header{
		Version: 2, Marker: p.marker, PayloadType: b.payloadType, SequenceNumber: uint16(n),
		Timestamp: p.timestamp + b.offset, SSRC: d.names.SSRC, Extensions: h.Extensions[:0],
	}
	if p.extensions != nil {
		d.ids.write(h, p.extensions, d.names.Mixed)
	}
}

// sendLate sends packets that came after the cursor had passed their index.
func (d *DownTrack) sendLate(w *worker) {
	head := d.track.lateHead.Load()
	if head-d.lateCursor > lateKept {
		d.unanswered.Add(head - d.lateCursor - lateKept)
		d.lateCursor = head - lateKept
	}
	for ; d.lateCursor < head; d.lateCursor++ {
		index := d.track.late[d.lateCursor%lateKept].Load()
		b := d.line.current()
		if d.waiting || index >= d.cursor || index < b.index {
			continue // it comes in order, or lies before the start
		}
		if p := d.track.cache.get(index); p != nil {
			d.send(w, b, b.first+(index-b.index), p)
		}
	}
}

// report sends a sender report if one is due and something was sent.
func (d *DownTrack) report(w *worker, now time.Time, mono int64) {
	c := d.track.clock.Load()
	if mono < d.reportAt || c == nil || d.delivered.Load() == 0 {
		return
	}
	d.reportAt = mono + int64(reportEvery)
	at := c.at.Add(now.Sub(c.at)) // the wall clock of the pair, by the monotonic one
	w.report = rtcp.SenderReport{
		SSRC: d.names.SSRC, NTPTime: ntp(at), RTPTime: d.track.timestampAt(c, now) + d.line.current().offset,
		PacketCount: uint32(d.delivered.Load()), OctetCount: uint32(d.octets.Load()),
	}
	d.outlet.Report(&w.report)
}

// ntp is a wall time as NTP counts it: seconds since 1900, 32 bits of fraction
// (RFC 3550 4).
func ntp(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// DownTrackStats are a DownTrack's counters. Offered is Delivered plus the sum
// of Drops.
type DownTrackStats struct {
	Offered, Delivered uint64            // packets, without those sent again
	Bytes              uint64            // of payload, delivered
	Drops              map[string]uint64 // by reason
	Resent             uint64            // packets sent again
	Unanswered         uint64            // asked for again, no longer there
	Limited            uint64            // asked for again, over the allowance
	Flooded            uint64            // asked for again, no room to note it
	KeyFramesAsked     uint64            // PLI and FIR of the viewer
}

func (d *DownTrack) stats() DownTrackStats {
	st := DownTrackStats{
		Offered: d.offered.Load(), Delivered: d.delivered.Load(), Bytes: d.octets.Load(), Drops: map[string]uint64{},
		Resent: d.resent.Load(), Unanswered: d.unanswered.Load() + d.forgotten.Load(),
		Limited: d.limited.Load(), Flooded: d.flooded.Load(), KeyFramesAsked: d.keyFramesAsked.Load(),
	}
	countDrops(st.Drops, &d.drops)
	return st
}
