package session

import (
	"crypto/rand"
	"fmt"

	"github.com/pion/webrtc/v4"

	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// push is the flow to a server that a stream is published on: an egress whose
// viewer is there when the answer says what may be sent.
type push struct {
	*egress

	// static after Manager.Push
	stream *stream.Stream
	tracks []*stream.Track // that were offered

	// static after connect
	locals  []*trackLocal // one for each section of the offer
	senders []*webrtc.RTPSender
}

// connect adds a sender for each section, with a codec that stands in for those
// that the other server chooses from: pion writes what it is given.
func (p *push) connect(c *peer.Conn) error {
	s := p.session
	p.outlet = &outlet{conn: c, cname: rand.Text()[:16]}
	for _, section := range s.plan.Accepted() {
		local := &trackLocal{section: section, streamID: s.stream, outlet: p.outlet, standIn: section.PayloadType}
		sender, err := c.Send(local)
		if err != nil {
			return err
		}
		p.locals, p.senders = append(p.locals, local), append(p.senders, sender)
	}
	return nil
}

// describe says what the offer does.
func (p *push) describe(l *negotiate.Local) {
	for i, sender := range p.senders {
		encoding := sender.GetParameters().Encodings[0]
		l.Streams = append(l.Streams, negotiate.LocalStream{
			SSRC: uint32(encoding.SSRC), RTXSSRC: uint32(encoding.RTX.SSRC), CNAME: p.outlet.cname, TrackID: p.locals[i].ID(),
		})
	}
}

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
	down := viewer.DownTracks()
	for i, local := range p.locals {
		if !plan.Sections[i].Accepted {
			continue
		}
		local.section, local.down = plan.Sections[i], down[0]
		down = down[1:]
		p.feedback = append(p.feedback, &feedback{track: local, sender: p.senders[i]})
	}
	return nil
}

func (p *push) halt(string) {
	if p.viewer != nil {
		p.viewer.Close()
	}
}
