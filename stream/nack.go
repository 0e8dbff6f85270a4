package stream

import "weir/stream/sequence"

// answerNACKs sends again what was asked for, as far as is allowed; what goes
// beyond is counted, and the viewer asks again. What is noted while it runs may
// wait for the next pass: NACK wakes the worker behind it.
func (d *DownTrack) answerNACKs(t turn) {
	for range sequence.Room {
		n16, ok := d.repeats.Next()
		if !ok {
			return
		}
		b, n := d.line.Find(n16)
		if b == nil {
			d.unanswered.Add(1)
			continue
		}
		d.replay.Lost()
		p := b.Packet(n)
		switch {
		case p == nil:
			d.unanswered.Add(1)
		case !d.repeats.Affords(t.mono, p.Cost(), int64(d.track.cache.ByteRate())):
			d.limited.Add(1)
		case d.repeats.Again(n, t.mono, d.rtt.Load()):
			d.repeated.Add(1)
		default:
			d.repeats.Spend(p.Cost())
			payload := d.line.Repeat(&t.w.header, &t.w.scratch, b, n, p)
			if d.outlet.Append(&t.w.header, payload) == DropNone {
				d.resent.Add(1)
			}
		}
	}
}
