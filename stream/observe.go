package stream

import (
	"time"

	"github.com/pion/rtp"
)

// An Observer is told of each packet that a track takes: by which publication it
// was written, when, and as it was written, in the source's own numbers. It is
// called on the path of the packet, by one goroutine at a time, with the track's
// writing end locked: it neither blocks, nor calls the track, nor keeps the
// packet.
type Observer func(p *Publication, at time.Time, pkt *rtp.Packet)

// Observe lets o see the packets from now on, of this publication and of later
// ones; nil ends it. A track has one observer: the newest. It makes no viewer and
// no demand.
func (t *Track) Observe(o Observer) {
	if o == nil {
		t.observer.Store(nil)
		return
	}
	t.observer.Store(&o)
}
