package session

import (
	"io"

	"github.com/pion/transport/v4/packetio"

	"weir/session/ingress"
	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// pull is the flow from a server that a stream is played from: an ingest whose
// publication is not its own.
type pull struct {
	// static after newPull
	session     *Session
	publication *stream.Publication

	// static after accept
	receiver *ingress.Receiver
}

func (p *pull) prepare(s *peer.Setup) {
	s.Receives = true
	s.Buffer = func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
		return p.receiver.Buffer(kind, ssrc) // nothing comes before the answer
	}
}

func (p *pull) connect() error { return p.session.conn.Receive() }

func (p *pull) accept(plan *negotiate.Plan) error {
	p.session.plan = plan // newReceiver reads it
	p.receiver = newReceiver(p.session)
	return nil
}

func (p *pull) describe(*negotiate.Local) {}

// open lets packets into the tracks of the publication.
func (p *pull) open() error {
	p.receiver.Start(p.publication)
	return nil
}

func (p *pull) begin() {}

func (p *pull) over() <-chan struct{} { return p.publication.Done() }

func (p *pull) why() string { return ReasonTaken }

// halt lets nothing more into the publication, which is its owner's.
func (p *pull) halt(string) {
	if p.receiver != nil {
		p.receiver.Stop()
	}
}

func (p *pull) wait() {
	if p.receiver != nil {
		p.receiver.Wait()
	}
}

func (p *pull) counted() (packets, bytes uint64) { return p.receiver.Counted() }

func (p *pull) sections() []MediaStats { return p.session.received(p.receiver) }
