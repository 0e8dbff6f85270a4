package stream

import (
	"slices"
	"sync/atomic"
	"time"
)

// A Viewer is the receiving end of a Stream: its DownTracks, which all live on
// one worker. Its methods may be called from any goroutine.
type Viewer struct {
	// static after newViewer
	stream *Stream
	shard  *shard
	down   []*DownTrack
	gone   chan struct{} // closed when no Outlet is used any more

	hold    atomic.Int64 // how long after the start video begins, nanoseconds
	lost    atomic.Pointer[func(string)]
	started atomic.Bool
	state   atomic.Uint32 // viewerIdle, …
}

// The states of a viewer. Only the worker makes it busy; closing is what Close
// makes of busy, and the worker then ends it.
const (
	viewerIdle uint32 = iota
	viewerBusy
	viewerClosing
	viewerClosed
)

func newViewer(s *Stream, sh *shard, tracks []*Track) *Viewer {
	v := &Viewer{stream: s, shard: sh, gone: make(chan struct{})}
	for _, t := range tracks {
		v.down = append(v.down, newDownTrack(v, t))
	}
	return v
}

// DownTracks are in the order of the tracks given to AddViewer.
func (v *Viewer) DownTracks() []*DownTrack { return slices.Clone(v.down) }

// Hold makes video begin so much later than Start: for players that drop what
// comes first. It comes before Start.
func (v *Viewer) Hold(d time.Duration) { v.hold.Store(int64(d)) }

// OnLost names what is called, once, when the viewer cannot follow the stream
// any more: with "codec_changed" when what is sent now is no codec of its
// answer. It must not block and not use the viewer but from another goroutine.
// It comes before Start.
func (v *Viewer) OnLost(f func(reason string)) { v.lost.Store(&f) }

// Start lets media flow: the transport can send. A video track begins with what
// the cache holds since the last key frame, or else with the next key frame; one
// is asked for.
func (v *Viewer) Start() {
	v.stream.start(v)
	v.shard.wake()
}

// Close takes the viewer away. It is idempotent and waits: when it returns no
// method of its Outlets runs or will run.
func (v *Viewer) Close() {
	for {
		switch s := v.state.Load(); s {
		case viewerIdle:
			if v.state.CompareAndSwap(viewerIdle, viewerClosed) {
				close(v.gone)
				v.stream.removeViewer(v)
				return
			}
		case viewerBusy:
			if v.state.CompareAndSwap(viewerBusy, viewerClosing) {
				<-v.gone
				v.stream.removeViewer(v)
				return
			}
		default:
			<-v.gone
			return
		}
	}
}

// pass sends what waits, as its worker, and says when the next one is due.
func (v *Viewer) pass(w *worker, now time.Time) due {
	if !v.started.Load() || !v.state.CompareAndSwap(viewerIdle, viewerBusy) {
		return dueLater
	}
	next := dueLater
	for _, d := range v.down {
		next = max(next, d.pass(w, now))
	}
	if !v.state.CompareAndSwap(viewerBusy, viewerIdle) {
		v.state.Store(viewerClosed)
		close(v.gone)
		return dueLater
	}
	return next
}

// ViewerStats are a viewer's counters, one element a DownTrack.
type ViewerStats struct {
	DownTracks []DownTrackStats
}

// Stats reads the counters.
func (v *Viewer) Stats() ViewerStats {
	var st ViewerStats
	for _, d := range v.down {
		st.DownTracks = append(st.DownTracks, d.stats())
	}
	return st
}
