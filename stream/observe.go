package stream

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// An Observer is told of each packet that a track takes: by which publication it
// was written, when, and as it was written, in the source's own numbers. It is
// called on the path of the packet, by one goroutine at a time, with the track's
// writing end locked: it neither blocks, nor calls the track, nor keeps the
// packet.
type Observer func(p *Publication, at time.Time, pkt *rtp.Packet)

// observers are those of one track. The writing end reads a copied slice.
type observers struct {
	list atomic.Pointer[[]*Observer] // nil: nobody

	mu sync.Mutex // held by those who change the list
}

// tell calls every observer.
func (o *observers) tell(p *Publication, at time.Time, pkt *rtp.Packet) {
	if list := o.list.Load(); list != nil {
		for _, observe := range *list {
			(*observe)(p, at, pkt)
		}
	}
}

// Observe lets o see the packets from now on, of this publication and of later
// ones, until stop is called; one packet may still be on its way to o then. It
// makes no viewer and no demand. Both may be called from any goroutine.
func (t *Track) Observe(o Observer) (stop func()) {
	t.observers.change(func(list []*Observer) []*Observer { return append(list, &o) })
	return func() {
		t.observers.change(func(list []*Observer) []*Observer {
			return slices.DeleteFunc(list, func(one *Observer) bool { return one == &o })
		})
	}
}

// change replaces the list by a changed copy.
func (o *observers) change(with func(list []*Observer) []*Observer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []*Observer
	if old := o.list.Load(); old != nil {
		list = slices.Clone(*old)
	}
	if list = with(list); len(list) == 0 {
		o.list.Store(nil)
		return
	}
	o.list.Store(&list)
}
