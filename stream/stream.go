package stream

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"weir/internal/codec"
)

// Spec says what a track carries. It is a value: copy it freely.
type Spec struct {
	// Format is the payload format as SDP names it.
	Format codec.Format
	// RID tells the layers of a simulcast apart (RFC 8852); "" for none.
	RID string
	// Title is what a player's user should know of this track, "" for
	// nothing (RFC 8866 5.4).
	Title string
	// Extensions are the RTP header extensions of the packets written, by their
	// ids: those that pass to viewers are read, see Passes.
	Extensions map[uint8]string
}

// key is what makes a track the same one in the next publication.
type key struct {
	name      string
	clockRate uint32
	channels  uint8
	rid       string
}

func (s Spec) key() key {
	return key{s.Format.Name, s.Format.ClockRate, s.Format.Channels, s.RID}
}

// A Stream is one named live stream: its tracks, at most one publication at a
// time, and any number of viewers. Its tracks and viewers outlive publications.
// Its methods may be called from any goroutine.
type Stream struct {
	// static after newStream
	reg    *Registry
	name   string
	shards []*shard // one a worker

	demand demand

	mu sync.Mutex
	// guarded by mu
	tracks  map[key]*Track
	current *Publication // nil: nobody feeds the stream
	viewers int
	retired bool // not in the registry any more
}

func newStream(r *Registry, name string) *Stream {
	s := &Stream{reg: r, name: name, tracks: map[key]*Track{}}
	for _, w := range r.workers {
		s.shards = append(s.shards, &shard{worker: w})
	}
	return s
}

// Name is the stream's name.
func (s *Stream) Name() string { return s.name }

// Tracks are those of the current publication, in its order of preference; none
// when nobody feeds the stream.
func (s *Stream) Tracks() []*Track {
	if p := s.Publication(); p != nil {
		return slices.Clone(p.tracks)
	}
	return nil
}

// all are the stream's tracks, fed or not.
func (s *Stream) all() []*Track {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.tracks))
}

// Viewers is how many viewers the stream has, connected or not yet.
func (s *Stream) Viewers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.viewers
}

// Demand yields true when the stream begins to be watched, from a viewer's POST
// on, and false when the last viewer has left: without grace, which whoever
// starts and stops a source by it adds. It holds the newest value only and is for
// one reader, whatever becomes of publications; an older reader is told false and
// hears no more.
func (s *Stream) Demand() <-chan bool { return s.demand.reopen() }

// Publication is the publisher's that feeds the stream, or nil. A stand-in is
// none.
func (s *Stream) Publication() *Publication {
	if p := s.feeder(); p != nil && !p.options.StandIn {
		return p
	}
	return nil
}

// Live says whether somebody publishes the stream who is not away.
func (s *Stream) Live() bool {
	p := s.Publication()
	return p != nil && !p.away.Load()
}

// feeder is the publication that feeds the stream, a stand-in too, or nil.
func (s *Stream) feeder() *Publication {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// publish installs a new publication and returns the one that it takes over.
// Tracks that are neither fed nor watched any more are forgotten. The viewers
// that cannot follow are to be told.
func (s *Stream) publish(o PublishOptions) (p, old *Publication, lost []*Viewer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.current.yields(o) {
		return nil, nil, nil, ErrPublished
	}
	old = s.current
	p = &Publication{stream: s, options: o, wanted: make(chan *Track, len(o.Specs)+len(o.Silent)), done: make(chan struct{})}
	p.tracks, p.silent = s.tracksLocked(o.Specs), s.tracksLocked(o.Silent)
	if old != nil {
		for _, t := range old.all() {
			t.feed(nil, t.Spec())
		}
	}
	for i, spec := range slices.Concat(o.Specs, o.Silent) {
		p.all()[i].feed(p, spec)
	}
	s.current = p
	lost = s.followLocked()
	for k, t := range s.tracks {
		if !slices.Contains(p.all(), t) && !t.demand.watched() {
			delete(s.tracks, k)
			t.release()
		}
	}
	return p, old, lost, nil
}

// tracksLocked finds or makes the tracks.
func (s *Stream) tracksLocked(specs []Spec) []*Track {
	tracks := make([]*Track, len(specs))
	for i, spec := range specs {
		t, ok := s.tracks[spec.key()]
		if !ok {
			t = newTrack(s, spec)
			s.tracks[spec.key()] = t
		}
		tracks[i] = t
	}
	return tracks
}

// unpublish ends p, if it is the current publication.
func (s *Stream) unpublish(p *Publication) {
	s.mu.Lock()
	if s.current == p {
		s.current = nil
		for _, t := range p.all() {
			t.feed(nil, t.Spec())
		}
	}
	s.mu.Unlock()
	s.reg.forget(s)
}

// AddViewer makes a viewer with one DownTrack a track, in their order, and puts
// the tracks in demand at once: their encoders start while the viewer's
// transport is still being set up. Nothing is sent before Viewer.Start. It
// fails with ErrNotLive if the stream, or one of the tracks, is not fed any
// more.
func (s *Stream) AddViewer(tracks []*Track) (*Viewer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired || s.current == nil {
		return nil, ErrNotLive
	}
	for _, t := range tracks {
		if !slices.Contains(s.current.all(), t) {
			return nil, ErrNotLive
		}
	}
	v := newViewer(s, s.shards[s.reg.quietest()], tracks)
	s.viewers++
	v.shard.add(v)
	s.demand.add()
	for _, t := range tracks {
		t.demand.add()
	}
	return v, nil
}

func (s *Stream) removeViewer(v *Viewer) {
	s.mu.Lock()
	s.viewers--
	v.shard.remove(v)
	s.mu.Unlock()
	for _, d := range v.down { // the worker is done with it
		d.endReplay()
		d.Track().demand.drop(s.reg.opts.DemandGrace)
	}
	s.demand.drop(0)
	s.reg.forget(s)
}

// retire says whether the stream may be forgotten, and if so lets no viewer in
// any more.
func (s *Stream) retire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != nil || s.viewers > 0 {
		return false
	}
	s.retired = true
	return true
}

// wake lets the workers that have viewers of this stream make a pass.
func (s *Stream) wake() {
	for _, sh := range s.shards {
		if len(sh.list()) > 0 {
			sh.wake()
		}
	}
}

// A shard is the viewers of one stream that one worker serves.
type shard struct {
	// static after newStream
	worker *worker

	viewers atomic.Pointer[[]*Viewer] // copied on change, under Stream.mu
	dirty   atomic.Bool               // something waits to be sent
}

func (sh *shard) list() []*Viewer {
	if l := sh.viewers.Load(); l != nil {
		return *l
	}
	return nil
}

func (sh *shard) wake() {
	sh.dirty.Store(true)
	sh.worker.wake()
}

func (sh *shard) add(v *Viewer) {
	l := append(slices.Clone(sh.list()), v)
	sh.viewers.Store(&l)
	sh.worker.load.Add(1)
}

func (sh *shard) remove(v *Viewer) {
	l := slices.DeleteFunc(slices.Clone(sh.list()), func(o *Viewer) bool { return o == v })
	sh.viewers.Store(&l)
	sh.worker.load.Add(-1)
}
