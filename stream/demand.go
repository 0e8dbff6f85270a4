package stream

import (
	"sync"
	"time"
)

// demand says whether a track is watched. It lasts some grace time longer than
// the last viewer, so that a reload does not restart an encoder.
type demand struct {
	mu sync.Mutex
	// guarded by mu
	viewers int
	on      bool
	out     chan bool   // room for the newest value; nil: nobody feeds the track
	timer   *time.Timer // runs while the last viewer has left and on still holds
}

// open starts a new reader with the value that holds now. The older reader is
// told false and hears no more.
func (d *demand) open(feeding bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tellLocked(false)
	d.out = nil
	if feeding {
		d.out = make(chan bool, 1)
		d.tellLocked(d.on)
	}
}

// reopen starts a new reader and returns it.
func (d *demand) reopen() <-chan bool {
	d.open(true)
	return d.reader()
}

func (d *demand) reader() <-chan bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.out
}

// watched says whether there are viewers, whatever the grace time says.
func (d *demand) watched() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.viewers > 0
}

func (d *demand) add() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.viewers++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if !d.on {
		d.on = true
		d.tellLocked(true)
	}
}

func (d *demand) drop(grace time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.viewers--
	if d.viewers > 0 {
		return
	}
	var timer *time.Timer
	timer = time.AfterFunc(grace, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.timer != timer {
			return // somebody came back
		}
		d.timer, d.on = nil, false
		d.tellLocked(false)
	})
	d.timer = timer
}

// tellLocked replaces what the reader has not read yet. It never blocks: only
// callers that hold mu send.
func (d *demand) tellLocked(on bool) {
	if d.out == nil {
		return
	}
	select {
	case <-d.out:
	default:
	}
	d.out <- on
}
