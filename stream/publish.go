package stream

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// TakeOver says what becomes of a stream that is live when the publisher who
// feeds it publishes again. Another publisher is refused whatever it says.
type TakeOver uint8

const (
	// TakeOverSame lets the new publication take the stream over at once.
	TakeOverSame TakeOver = iota
	// TakeOverRefuse gives ErrPublished, as to any other publisher. One that would
	// rather wait asks Stream.Publication for Done and tries again.
	TakeOverRefuse
)

// PublishOptions say who publishes, and what.
type PublishOptions struct {
	// By names the publisher: the same one may take its stream over.
	By string
	// Specs are the tracks, the preferred codec of each kind first.
	Specs []Spec
	// Alternatives says that the tracks of one kind are codecs of which the
	// publisher sends one at a time: the first packet decides, and viewers
	// follow when it changes. Else every track is fed, or would be on demand,
	// and a viewer stays where it is.
	Alternatives bool
	// Policy is for the publisher that feeds the stream already.
	Policy TakeOver
	// StandIn says that this only stands in for a publisher: while it feeds the
	// stream that is not live, and any other publication takes it over at once. It
	// loses no viewer, whose codec it may not have, and all others get the first of
	// its codecs that they take.
	StandIn bool
	// Silent are codecs that nothing is sent in, behind those of Specs: a viewer
	// that has no other can be answered, and waits.
	Silent []Spec
	// Report says what is known of the publisher's transport; nil: nothing. It
	// must not block and may be called from any goroutine.
	Report func() PublisherReport
}

// A PublisherReport is what a session knows of its publisher. Counters are
// since the publication began.
type PublisherReport struct {
	Packets, Lost                     uint64 // received, and not received in the end
	Recovered                         uint64 // of those that were missing, by retransmission
	NACKs                             uint64 // packets asked for again
	KeyFramesAsked, KeyFramesAnswered uint64 // PLI and FIR sent, and those that a key frame followed
	KeyFrameFeedback                  bool   // PLI or FIR was negotiated
	Jitter, RTT                       time.Duration
	Clocked                           bool // a sender report has come
}

// Publish is PublishWith for a source that feeds all of its tracks.
func (r *Registry) Publish(name, by string, specs []Spec) (*Publication, error) {
	return r.PublishWith(name, PublishOptions{By: by, Specs: specs})
}

// PublishWith takes the right to feed a stream. The publisher that feeds it
// already takes it over at once, unless the policy says otherwise: the older
// publication's Done closes. It fails with ErrName, ErrPublished or ErrClosed,
// and where two specs would be one track or one is of no known kind.
func (r *Registry) PublishWith(name string, o PublishOptions) (*Publication, error) {
	if !r.ValidName(name) {
		return nil, fmt.Errorf("publish: %w", ErrName)
	}
	if err := checkSpecs(slices.Concat(o.Specs, o.Silent)); err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil, fmt.Errorf("publish: %w", ErrClosed)
	}
	s, ok := r.streams[name]
	if !ok {
		s = newStream(r, name)
	}
	p, old, lost, err := s.publish(o)
	if err == nil && !ok {
		r.streams[name] = s
		for i, w := range r.workers {
			w.addShard(s.shards[i])
		}
	}
	if err == nil && !o.StandIn {
		r.arrivedLocked(name)
	}
	r.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	tellLost(lost)
	if old != nil {
		if old.end("taken_over") {
			close(old.done)
		}
	}
	if o.StandIn {
		r.opts.Logger.Debug("stream has a stand-in", "stream", name)
		return p, nil
	}
	if old != nil && !old.options.StandIn {
		r.opts.Logger.Info("stream is taken over", "stream", name)
		r.opts.Event("stream_live", slog.String("stream", name), slog.String("reason", "taken_over"))
		return p, nil
	}
	r.opts.Logger.Info("stream is live", "stream", name)
	r.opts.Event("stream_live", slog.String("stream", name))
	return p, nil
}

// checkSpecs returns an error unless each spec is a track of its own.
func checkSpecs(specs []Spec) error {
	if len(specs) == 0 {
		return errors.New("no tracks")
	}
	seen := map[key]bool{}
	for _, s := range specs {
		if s.Format.Kind() == 0 {
			return fmt.Errorf("%q is no format of audio or video", s.Format.Name)
		}
		if seen[s.key()] {
			return fmt.Errorf("two tracks of %s", s.Format)
		}
		seen[s.key()] = true
	}
	return nil
}
