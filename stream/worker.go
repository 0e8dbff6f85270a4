package stream

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"weir/stream/joining"
)

const (
	// waitTick is the time between passes while a viewer waits for a key frame:
	// the source is asked again in them.
	waitTick = 20 * time.Millisecond
	// reportTick is the time between passes that look for due reports.
	reportTick = 200 * time.Millisecond
)

// A worker sends to the viewers of its shards, in passes, viewer by viewer. One
// goroutine runs it; wake, addShard and removeShard are for any.
type worker struct {
	// static after newWorker
	flusher Flusher
	wakeup  chan struct{}

	shards atomic.Pointer[[]*shard] // copied on change, under Registry.mu
	load   atomic.Int64             // viewers

	// owned by run
	header  rtp.Header
	report  rtcp.SenderReport
	scratch []byte
}

func newWorker(f Flusher) *worker {
	w := &worker{flusher: f, wakeup: make(chan struct{}, 1)}
	w.shards.Store(&[]*shard{})
	return w
}

func (w *worker) wake() {
	select {
	case w.wakeup <- struct{}{}:
	default:
	}
}

func (w *worker) addShard(s *shard) {
	l := append(slices.Clone(*w.shards.Load()), s)
	w.shards.Store(&l)
}

func (w *worker) removeShard(s *shard) {
	l := slices.DeleteFunc(slices.Clone(*w.shards.Load()), func(o *shard) bool { return o == s })
	w.shards.Store(&l)
}

// run makes passes until ctx ends. A worker without viewers sleeps.
func (w *worker) run(ctx context.Context) {
	tick := time.NewTimer(reportTick)
	defer tick.Stop()
	looked := time.Now() // when all viewers last had a turn
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wakeup:
		case <-tick.C:
		}
		now := time.Now()
		all := now.Sub(looked) >= reportTick
		if all {
			looked = now
		}
		switch due := w.pass(now, all); {
		case due == dueNow:
			w.wake()
		case due == dueTick:
			tick.Reset(joining.Tick)
		case due == dueSoon:
			tick.Reset(waitTick)
		case w.load.Load() > 0:
			tick.Reset(reportTick)
		default:
			tick.Stop()
		}
	}
}

// due says when a viewer's next turn is due if nothing new happens.
type due uint8

const (
	dueLater due = iota // when there is something new
	dueSoon             // after waitTick
	dueTick             // after joining.Tick
	dueNow              // there is more to send
)

// pass gives every viewer of the shards that have something to send its turn,
// or every viewer, then flushes. It says when the next pass is due.
func (w *worker) pass(now time.Time, all bool) due {
	next := dueLater
	for _, s := range *w.shards.Load() {
		if !s.dirty.Swap(false) && !all {
			continue
		}
		mine := dueLater
		for _, v := range s.list() {
			mine = max(mine, v.pass(w, now))
		}
		w.flusher.Flush()
		if mine > dueLater {
			s.dirty.Store(true)
		}
		next = max(next, mine)
	}
	return next
}
