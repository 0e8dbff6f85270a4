package session

import (
	"fmt"
	"io"
	"strings"

	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"

	"weir/session/negotiate"
	"weir/stream"
)

// pull is the flow from a server that a stream is played from: an ingress whose
// publication is not its own.
type pull struct {
	// static after newPull
	session     *Session
	publication *stream.Publication

	// static after accept
	ingress *ingress
}

func (p *pull) prepare(e *webrtc.SettingEngine) {
	e.SetSRTPReplayProtectionWindow(replayWindow)
	e.BufferFactory = func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
		return p.ingress.buffer(kind, ssrc) // nothing comes before the answer
	}
}

// connect adds what pion needs to offer anything: it takes no part in receiving,
// as in Plan.Offer.
func (p *pull) connect(pc *webrtc.PeerConnection) error {
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionRecvonly,
	}); err != nil {
		return fmt.Errorf("add transceiver: %w", err)
	}
	return nil
}

func (p *pull) accept(plan *negotiate.Plan) error {
	p.session.plan = plan // newIngress reads it
	p.ingress = newIngress(p.session)
	return nil
}

func (p *pull) describe(*negotiate.Local) {}

// open lets packets into the tracks of the publication.
func (p *pull) open() error {
	g := p.ingress
	tracks := map[string]*stream.Track{}
	for _, t := range p.publication.Tracks() {
		tracks[strings.ToLower(t.Spec().Format.Name)] = t
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.publication, g.tracks = p.publication, tracks
	g.running.Go(g.report)
	return nil
}

func (p *pull) begin() {}

func (p *pull) over() <-chan struct{} { return p.publication.Done() }

func (p *pull) why() string { return ReasonTaken }

// halt lets nothing more into the publication, which is its owner's.
func (p *pull) halt(string) {
	g := p.ingress
	if g == nil {
		return
	}
	g.stopped.Do(func() { close(g.stop) })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.publication = nil
}

func (p *pull) wait() {
	if p.ingress != nil {
		p.ingress.wait()
	}
}

func (p *pull) counted() (packets, bytes uint64) { return p.ingress.counted() }

func (p *pull) sections() []MediaStats { return p.ingress.sections() }
