package stream

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"weir/internal/codec"
)

// A Publication is the exclusive right to feed a stream. It ends by Close, or
// when the same publisher takes it over by publishing again. Its methods may be
// called from any goroutine.
type Publication struct {
	// static after publish
	stream  *Stream
	options PublishOptions
	tracks  []*Track
	silent  []*Track // see PublishOptions
	wanted  chan *Track
	done    chan struct{}

	active [codec.Video + 1]atomic.Pointer[Track] // by kind, of alternatives: that which is fed
	away   atomic.Bool                            // changed under Registry.mu

	mu sync.Mutex
	// guarded by mu
	ended  bool
	reason string
}

// Stream is the stream that is fed.
func (p *Publication) Stream() *Stream { return p.stream }

// By names the publisher, as it was given to PublishWith.
func (p *Publication) By() string { return p.options.By }

// Report is what is known of the publisher's transport; false if nothing is.
func (p *Publication) Report() (PublisherReport, bool) {
	if p.options.Report == nil {
		return PublisherReport{}, false
	}
	return p.options.Report(), true
}

// Tracks are the shared tracks to write to, one for each Spec given to Publish
// and in that order.
func (p *Publication) Tracks() []*Track { return slices.Clone(p.tracks) }

// all are the tracks with those that nothing is sent in.
func (p *Publication) all() []*Track { return slices.Concat(p.tracks, p.silent) }

// yields says whether the publication, nil for none, can be taken over.
func (p *Publication) yields(to PublishOptions) bool {
	switch {
	case p == nil:
		return true
	case p.options.StandIn || to.StandIn:
		return p.options.StandIn && !to.StandIn
	default:
		return p.options.By == to.By && to.Policy == TakeOverSame
	}
}

// Anew says that what follows comes of a source that has begun anew, with
// numbers and timestamps of its own, as after a take-over: viewers see one line
// that goes on. Nothing may be written meanwhile.
func (p *Publication) Anew() {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	if p.stream.current != p {
		return
	}
	for _, t := range p.all() {
		t.begin(p, t.Spec())
		t.unanswered.Store(0)
	}
}

// Away says whether the publisher, who keeps the stream, has nothing for it at
// present: the stream is not live then, and those who come are turned away or
// wait, as where nobody publishes. Those who are there stay.
func (p *Publication) Away(away bool) {
	r := p.stream.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.away.Swap(away) != away && p.stream.Live() {
		r.arrivedLocked(p.stream.name)
	}
}

// KeyFrameWanted yields a track when somebody needs a key frame of it: at most
// one request per 300 ms and track, however many viewers ask. A request that is
// not answered comes again.
func (p *Publication) KeyFrameWanted() <-chan *Track { return p.wanted }

// Done closes when the publication has ended.
func (p *Publication) Done() <-chan struct{} { return p.done }

// Reason is why the publication ended, "" while it has not.
func (p *Publication) Reason() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// Close gives the right back. Packets written later are dropped and counted.
// The stream's viewers stay. Only the first call counts.
func (p *Publication) Close(reason string) {
	if !p.end(reason) {
		return
	}
	p.stream.unpublish(p)
	close(p.done) // who waits for it finds the stream free
	if p.options.StandIn {
		return
	}
	p.stream.reg.opts.Logger.Info("stream has ended", "stream", p.stream.name, "reason", reason)
	p.stream.reg.opts.Event("stream_ended", slog.String("stream", p.stream.name), slog.String("reason", reason))
	p.stream.reg.opts.Left(p.stream.name)
}

// end marks the publication as over; it says whether it was not before. Then
// the caller closes done.
func (p *Publication) end(reason string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.ended, p.reason = true, reason
	return true
}
