package session

import (
	"time"

	"weir/session/egress"
	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// NewFlusher makes a worker's Flusher for the streams that sessions play.
func NewFlusher() stream.Flusher { return egress.Flusher{} }

// playback is the flow to a player.
type playback struct {
	// static after newPlayback
	session *Session
	sender  *egress.Sender
	specs   []stream.Spec // of the stream's tracks

	// static after play
	viewer *stream.Viewer
}

func newPlayback(s *Session, specs []stream.Spec) *playback {
	return &playback{session: s, sender: egress.New(s.conn, s.stream, func() { s.end(ReasonStreams) }), specs: specs}
}

func (p *playback) prepare(s *peer.Setup) { s.Buffer = p.sender.Buffer }

func (p *playback) connect() error {
	accepted := p.session.plan.Accepted()
	if err := p.sender.Add(accepted); err != nil {
		return err
	}
	p.sender.Join(accepted, p.viewer.DownTracks())
	return nil
}

func (p *playback) describe(l *negotiate.Local) {
	l.Streams = p.sender.Streams()
	for i, section := range p.session.plan.Accepted() {
		l.Streams[i].Title = p.specs[section.Track].Title
	}
}

func (p *playback) open() error {
	p.viewer.OnLost(p.session.end)
	if p.session.plan.Mozilla() {
		p.viewer.Hold(mozillaDelay)
	}
	p.sender.Start()
	return nil
}

// mozillaDelay is how long Firefox gets no picture after it has connected: it
// drops what comes right behind the DTLS handshake.
const mozillaDelay = 100 * time.Millisecond

func (p *playback) begin() { p.viewer.Start() }

func (p *playback) over() <-chan struct{} { return nil }

func (p *playback) why() string { return "" }

func (p *playback) halt(string) { p.viewer.Close() }

func (p *playback) wait() { p.sender.Wait() }

func (p *playback) counted() (packets, bytes uint64) { return p.sender.Counted() }

func (p *playback) sections() []MediaStats { return p.session.sent(p.sender, p.viewer) }
