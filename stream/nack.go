package stream

import (
	"sync/atomic"
	"time"

	"weir/stream/cache"
)

// A nackRing holds the numbers that a viewer asked for again until its worker
// takes them. One goroutine pushes, one pops; neither waits.
type nackRing struct {
	slots      [nackRoom]atomic.Uint32
	head, tail atomic.Uint32 // pushed, popped
}

// push says whether there was room.
func (r *nackRing) push(n uint16) bool {
	h := r.head.Load()
	if h-r.tail.Load() == nackRoom {
		return false
	}
	r.slots[h%nackRoom].Store(uint32(n))
	r.head.Store(h + 1)
	return true
}

func (r *nackRing) pop() (n uint16, ok bool) {
	t := r.tail.Load()
	if t == r.head.Load() {
		return 0, false
	}
	n = uint16(r.slots[t%nackRoom].Load())
	r.tail.Store(t + 1)
	return n, true
}

// repeats remembers which numbers were sent again, and when.
type repeats [nackRoom]struct {
	number uint64
	at     int64
}

// repeatRest is the least time between two repetitions of a packet while the
// round trip time is not known.
const repeatRest = 30 * time.Millisecond

// again says whether a number was sent again within the round trip time, and
// notes it if not.
func (d *DownTrack) again(n uint64, mono int64) bool {
	if d.repeats == nil {
		d.repeats = &repeats{}
	}
	rest := d.rtt.Load()
	if rest == 0 {
		rest = int64(repeatRest)
	}
	slot := &d.repeats[n%nackRoom]
	if slot.number == n && mono-slot.at < rest {
		return true
	}
	slot.number, slot.at = n, mono
	return false
}

// answerNACKs sends again what was asked for, as far as allow lets it; what goes
// beyond is counted, and the viewer asks again. What is noted while it runs may
// wait for the next pass: NACK wakes the worker behind it.
func (d *DownTrack) answerNACKs(t turn) {
	for range nackRoom {
		n16, ok := d.nacks.pop()
		if !ok {
			return
		}
		n := d.line.extend(n16)
		b := d.line.find(n)
		if b == nil {
			d.unanswered.Add(1)
			continue
		}
		d.replay.Lost()
		p := b.packet(n)
		switch {
		case p == nil:
			d.unanswered.Add(1)
		case !d.affords(t.mono, p.Cost()):
			d.limited.Add(1)
		case d.again(n, t.mono):
			d.repeated.Add(1)
		default:
			d.allowance -= p.Cost()
			d.resend(t.w, b, n, p)
		}
	}
}

// affords says whether so many bytes may be sent again: the track's own rate or
// resendFloor, whichever is more, and half a second of it, or resendFloor, at
// once.
func (d *DownTrack) affords(mono, bytes int64) bool {
	rate := int64(d.track.cache.ByteRate())
	most := max(resendFloor, rate/2)
	earned := int64(float64(mono-d.allowedAt) / 1e9 * float64(max(rate, resendFloor)))
	if earned > 0 {
		d.allowance, d.allowedAt = min(d.allowance+earned, most), mono
	}
	return d.allowance >= bytes
}

// resend repeats a packet: as the payload of a retransmission packet with a
// number of its own (RFC 4588 4), or, where that was not negotiated, byte for
// byte as it was.
func (d *DownTrack) resend(w *worker, b *breakpoint, n uint64, p *cache.Packet) {
	d.header(&w.header, b, n, p)
	payload := p.Payload
	if d.names.RTXSSRC != 0 && b.rtxPayloadType != 0 {
		w.header.SSRC, w.header.PayloadType = d.names.RTXSSRC, b.rtxPayloadType
		w.header.SequenceNumber = uint16(d.rtxNext)
		d.rtxNext++
		w.scratch = append(append(w.scratch[:0], byte(n>>8), byte(n)), payload...)
		payload = w.scratch
	}
	if d.outlet.Append(&w.header, payload) == DropNone {
		d.resent.Add(1)
	}
}
