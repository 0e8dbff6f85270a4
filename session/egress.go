package session

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"weir/session/negotiate"
	"weir/session/peer"
	"weir/stream"
)

// Egress answers a WHEP player's offer with a session and the SDP answer, which
// holds all candidates. The tracks of the stream are in demand from then on.
// Where nobody publishes the stream, its policy may have the call wait for
// somebody, or the player see a slate. What the player is to be told is a
// *wish.Refusal. When ctx ends before the answer is ready nothing remains of the
// session.
func (m *Manager) Egress(ctx context.Context, r Request) (*Session, string, error) {
	s, answer, err := m.egress(ctx, r)
	if refusalCode(err) != codeNotLive {
		return s, answer, err
	}
	early := m.options.Policy(r.Stream).Early
	if early == EarlyRefuse {
		return nil, "", err
	}
	if err := m.worthWhile(r); err != nil {
		return nil, "", err
	}
	if early == EarlyHold {
		return m.hold(ctx, r, err, m.awaitLive, m.egress)
	}
	return m.egressSlate(ctx, r)
}

// worthWhile refuses what would be refused in the end, before anything is made
// or kept for it.
func (m *Manager) worthWhile(r Request) error {
	if err := m.limits.Check(r.Remote.Addr()); err != nil {
		return err
	}
	return negotiate.WellFormed(r.Offer)
}

// egress is Egress where nobody waits.
func (m *Manager) egress(ctx context.Context, r Request) (*Session, string, error) {
	s, answer, err := m.egressFrom(ctx, r, func() *stream.Stream { return m.visible(r) })
	if err == nil && r.hidden() {
		s.Close(ReasonPrivate)
		return nil, "", refuseNotLive()
	}
	return s, answer, err
}

// egressSlate is Egress where a slate is played. Who may not know of the stream
// gets one that goes on whatever becomes of the stream.
func (m *Manager) egressSlate(ctx context.Context, r Request) (*Session, string, error) {
	hidden := r.hidden()
	shown := func() *stream.Stream {
		st, err := m.options.Slate(r.Stream, hidden)
		if err != nil {
			m.options.Logger.DebugContext(ctx, "no slate", "stream", r.Stream, "err", err)
		}
		return st
	}
	s, answer, err := m.egressFrom(ctx, r, shown)
	if err == nil && !hidden && r.hidden() {
		s.Close(ReasonPrivate)
		hidden = true
		return m.egressFrom(ctx, r, shown)
	}
	return s, answer, err
}

// egressFrom makes a session that plays the stream that find returns, nil for
// none.
func (m *Manager) egressFrom(ctx context.Context, r Request, find func() *stream.Stream) (*Session, string, error) {
	var st *stream.Stream
	return m.open(ctx, r, protocolWHEP, func() error {
		if st = find(); st == nil || len(st.Offered()) == 0 {
			return refuseNotLive()
		}
		return nil
	}, func(s *Session) error { return s.play(r, st) })
}

// visible is the stream, if the caller may know of it.
func (m *Manager) visible(r Request) *stream.Stream {
	st, ok := m.options.Registry.Find(r.Stream)
	if !ok || r.hidden() {
		return nil
	}
	return st
}

// play negotiates a player's offer and adds a viewer to the stream.
func (s *Session) play(r Request, st *stream.Stream) error {
	tracks := st.Offered()
	if len(tracks) == 0 {
		return refuseNotLive()
	}
	var err error
	e := &egress{session: s, specs: specsOf(tracks)}
	if s.plan, err = negotiate.Egress(r.Offer, e.specs); err != nil {
		return err
	}
	if err := s.checkAddresses(); err != nil {
		return err
	}
	accepted := s.plan.Accepted()
	chosen := make([]*stream.Track, len(accepted))
	for i, section := range accepted {
		chosen[i] = tracks[section.Track]
	}
	if e.viewer, err = addViewer(st, chosen); err != nil {
		return err
	}
	s.flow = e
	return nil
}

func specsOf(tracks []*stream.Track) []stream.Spec {
	specs := make([]stream.Spec, len(tracks))
	for i, t := range tracks {
		specs[i] = t.Spec()
		specs[i].Format = t.Format() // what is really sent, once that is known
	}
	return specs
}

func addViewer(st *stream.Stream, tracks []*stream.Track) (*stream.Viewer, error) {
	v, err := st.AddViewer(tracks)
	if errors.Is(err, stream.ErrNotLive) {
		return nil, refuseNotLive()
	}
	if err != nil {
		return nil, fmt.Errorf("add viewer: %w", err)
	}
	return v, nil
}

// egress is the flow to a player.
type egress struct {
	// static after connect
	session  *Session
	specs    []stream.Spec // of the stream's tracks
	viewer   *stream.Viewer
	outlet   *outlet
	feedback []*feedback

	reading sync.WaitGroup // the feedback's goroutines
}

func (e *egress) prepare(*peer.Setup) {}

func (e *egress) connect(c *peer.Conn) error {
	s := e.session
	e.outlet = &outlet{conn: c, cname: rand.Text()[:16]}
	accepted := s.plan.Accepted()
	for i, down := range e.viewer.DownTracks() {
		track := &trackLocal{section: accepted[i], streamID: s.stream, down: down, outlet: e.outlet}
		sender, err := c.Send(track)
		if err != nil {
			return err
		}
		e.feedback = append(e.feedback, &feedback{track: track, sender: sender})
	}
	return nil
}

func (e *egress) describe(l *negotiate.Local) {
	accepted := e.session.plan.Accepted()
	for i, f := range e.feedback {
		l.Streams = append(l.Streams, negotiate.LocalStream{
			SSRC:    f.track.ssrc,
			RTXSSRC: f.track.rtxSSRC,
			CNAME:   e.outlet.cname,
			TrackID: f.track.ID(),
			Title:   e.specs[accepted[i].Track].Title,
		})
	}
}

func (e *egress) open() error {
	e.viewer.OnLost(e.session.end)
	if e.session.plan.Mozilla() {
		e.viewer.Hold(mozillaDelay)
	}
	for _, f := range e.feedback {
		e.reading.Go(f.read)
	}
	return nil
}

// mozillaDelay is how long Firefox gets no picture after it has connected: it
// drops what comes right behind the DTLS handshake.
const mozillaDelay = 100 * time.Millisecond

func (e *egress) begin() { e.viewer.Start() }

func (e *egress) over() <-chan struct{} { return nil }

func (e *egress) why() string { return "" }

func (e *egress) halt(string) { e.viewer.Close() }

func (e *egress) wait() { e.reading.Wait() }

func (e *egress) counted() (packets, bytes uint64) {
	if e.outlet == nil {
		return 0, 0
	}
	return e.outlet.packets.Load(), e.outlet.bytes.Load()
}

func (e *egress) sections() []MediaStats {
	down := e.viewer.Stats().DownTracks
	all := make([]MediaStats, len(e.feedback))
	for i, f := range e.feedback {
		all[i] = f.snapshot()
		all[i].Sent = down[i]
	}
	return all
}
