package joining

import (
	"time"

	"weir/stream/cache"
)

const (
	// loneGap is the time between the two copies of a lone key frame.
	loneGap = 33 * time.Millisecond
	// loneStep is what the second copy's timestamp is more than the first's.
	loneStep = 3000
)

// lone is the sending of a key frame alone, twice: decoders show a frame when the
// next one comes.
type lone struct {
	frame  []*cache.Packet
	next   int
	copies int   // sent
	began  int64 // when the first copy did
	wakeAt int64 // when the next copy is due
}

// StartLone begins with the group's key frame, where the group cannot be
// replayed, and ends what was replayed before. It says whether the frame is there
// and the server lets one more in; if not nothing is replayed.
func (r *Replay) StartLone(s Start) bool {
	frame := s.Group.KeyFrame(s.Track)
	r.End()
	if frame == nil || !s.Budget.admit(0) {
		return false
	}
	var bytes int64
	for _, p := range frame {
		bytes += p.Cost()
	}
	r.track, r.group = s.Track, s.Group
	r.begin(s, s.Rates.of(bytes, 0, s.Halvings), 0)
	r.lone = lone{frame: frame, wakeAt: s.Mono}
	return true
}

// Frame is the key frame that is sent alone.
func (l *lone) Frame() []*cache.Packet { return l.frame }

// Whole says whether no copy of the frame has gone out in part.
func (l *lone) Whole() bool { return l.next == 0 }

// Due is the packet that is to be sent now, nil if none is before the next copy
// is due, and which copy it is of: 0 or 1.
func (l *lone) Due(mono int64) (p *cache.Packet, number int) {
	if mono < l.wakeAt {
		return nil, l.copies
	}
	return l.frame[l.next], l.copies
}

// SentLone goes on behind the packet that was due. It says whether that was the
// last one.
func (l *lone) SentLone(mono int64) (done bool) {
	if l.next == 0 && l.copies == 0 {
		l.began = mono
	}
	if l.next++; l.next == len(l.frame) {
		l.next, l.copies = 0, l.copies+1
		l.wakeAt = l.began + int64(loneGap)
	}
	return l.copies == 2
}

// StampLone says by how much later than its true timestamp a copy is that begins
// now: the first has the live clock's, the second loneStep more; neither is earlier
// than its true one, and each is later than last, the newest one that the viewer
// had on the track's line, if it had one.
func (r *Replay) StampLone(now time.Time, last uint32, had bool) (later uint32) {
	own := r.frame[0].Timestamp
	stamp := own
	if c := r.track.Arriving(); c != nil {
		stamp = c.At(now)
	}
	if r.copies == 1 {
		stamp = last + loneStep
	}
	if int32(stamp-own) < 0 {
		stamp = own
	}
	if had && int32(stamp-last) <= 0 {
		stamp = last + 1
	}
	return stamp - own
}
