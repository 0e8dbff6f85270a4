package session

import (
	"fmt"

	"weir/session/negotiate"
	"weir/stream"
)

// push is the flow to a server that a stream is published on: a playback whose
// viewer is there when the answer says what may be sent.
type push struct {
	*playback

	// static after Manager.Push
	stream *stream.Stream
	tracks []*stream.Track // that were offered
}

// connect adds a sender for each section, with a codec that stands in for those
// that the other server chooses from.
func (p *push) connect() error { return p.sender.Add(p.session.plan.Accepted()) }

// describe says what the offer does.
func (p *push) describe(l *negotiate.Local) { l.Streams = p.sender.Streams() }

// accept adds a viewer to the stream for the sections that the answer takes.
func (p *push) accept(plan *negotiate.Plan) error {
	var chosen []*stream.Track
	for i := range plan.Sections {
		if section := &plan.Sections[i]; section.Accepted {
			chosen = append(chosen, p.tracks[section.Track])
		}
	}
	viewer, err := addViewer(p.stream, chosen)
	if err != nil {
		return fmt.Errorf("push: %w", stream.ErrNotLive)
	}
	p.viewer = viewer
	p.sender.Join(plan.Sections, viewer.DownTracks())
	return nil
}

func (p *push) halt(string) {
	if p.viewer != nil {
		p.viewer.Close()
	}
}
