package session

import (
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"weir/session/admission"
	"weir/session/negotiate"
	"weir/session/peer"
)

// The reasons for which a session ends.
const (
	ReasonDeleted  = "deleted"               // by the player's DELETE
	ReasonSetup    = "setup_timeout"         // not connected in time
	ReasonICE      = "ice_failed"            // no way to the player was found
	ReasonDTLS     = "dtls_failed"           // the handshake failed
	ReasonConsent  = "consent_expired"       // no answer of the player any more, or no sign of the publisher (RFC 7675)
	ReasonPeer     = "peer_closed"           // the player closed DTLS
	ReasonShutdown = "shutdown"              // the server ends
	ReasonFailed   = "failed"                // an error of ours, which was logged
	ReasonOperator = "ended_by_operator"     // by the control API
	ReasonPrivate  = "stream_became_private" // its player may have no right to see what follows
	ReasonCodec    = "codec_changed"         // the publisher sends what the player's answer does not hold
	ReasonRevoked  = "token_revoked"         // the token by which it was let in is gone, has another secret, or lacks the right
	ReasonClosed   = "playing_closed"        // its player has no token, and playing needs one now
	ReasonTaken    = "taken_over"            // the same publisher has published again
	ReasonStreams  = "too_many_streams"      // the other end sent or named more RTP streams than can belong to one session
)

// Session is one WebRTC session, of a player or of a publisher. Its methods may
// be called from any goroutine.
//
// One goroutine owns its life. pion's callbacks only post to it, because
// closing a PeerConnection inside one of them would wait for itself.
type Session struct {
	// static after Manager.Egress or Manager.Ingest
	manager  *Manager
	id       string
	secret   string
	stream   string
	remote   netip.AddrPort
	token    string
	barred   func() string // see Request.Barred; may be nil
	created  time.Time
	logger   *slog.Logger
	place    *admission.Place
	protocol string
	plan     *negotiate.Plan
	offers   bool            // this end made the offer, see Offering
	standIn  *negotiate.Plan // then what pion is told of the sections
	servers  []peer.Server   // of STUN and TURN, that are asked for candidates
	patience time.Duration   // with them
	// publisher names who publishes, "" in a player's session.
	publisher string
	conn      *peer.Conn
	filter    negotiate.CandidateFilter
	flow      flow // nil before the offer was negotiated

	wake     chan struct{} // something changed: look at the PeerConnection
	stop     chan struct{} // closed by the first end
	done     chan struct{} // closed when everything is given back
	patching chan struct{} // one token: held by the PATCH at work

	connected atomic.Bool

	// owned by run
	consent consent

	mu sync.Mutex
	// guarded by mu
	reason string
	ice    generation
}

// ID names the session in logs, metrics and the API.
func (s *Session) ID() string { return s.id }

// Secret is the last part of the session's URL, 32 hex digits. Whoever knows it
// may end the session: never log it.
func (s *Session) Secret() string { return s.secret }

// Stream is the name of the stream that is played or published.
func (s *Session) Stream() string { return s.stream }

// Protocol is the protocol that the session was made by: "whip" or "whep".
func (s *Session) Protocol() string { return s.protocol }

// Publishes says whether it is a publisher's, who came with an offer.
func (s *Session) Publishes() bool { return s.publisher != "" }

// ETag is the entity-tag of the current ICE session, with its quotes.
func (s *Session) ETag() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ice.etag
}

// Done is closed when the session has ended and given everything back.
func (s *Session) Done() <-chan struct{} { return s.done }

// Reason is why the session has ended, "" while it lives.
func (s *Session) Reason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Close ends the session with a DTLS close and waits until it has ended. The
// first reason counts.
func (s *Session) Close(reason string) {
	s.end(reason)
	<-s.done
}

// end asks the session's goroutine to end it, and does not wait.
func (s *Session) end(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason == "" {
		s.reason = reason
		close(s.stop)
	}
}

// post makes the session's goroutine look at the PeerConnection. It is what
// pion's callbacks do.
func (s *Session) post() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// A flow is what a session is made for: the way of media that players and
// publishers do not share. Its methods are called by the session, in this order.
type flow interface {
	// prepare says what the PeerConnection is made with.
	prepare(s *peer.Setup)
	// connect adds to the PeerConnection what has to be there before it
	// negotiates.
	connect() error
	// describe says in the answer what this end sends. All is negotiated then.
	describe(l *negotiate.Local)
	// open is the last step of the set-up: from here on the flow may run
	// goroutines, and media can come.
	open() error
	// begin lets media flow: the other end has connected.
	begin()
	// over closes when the flow ends by itself, for the reason that why says.
	over() <-chan struct{}
	why() string
	// halt stops media. wait returns when no goroutine of the flow runs any
	// more; the PeerConnection is closed between them. Both are called also
	// where open was not, or has failed.
	halt(reason string)
	wait()
	// counted is how many packets of media went through, and their payloads'
	// bytes; sections are the counters of each section that is served.
	counted() (packets, bytes uint64)
	sections() []MediaStats
}

// run owns the session from the moment it is answered until everything is given
// back.
func (s *Session) run() {
	deadline := time.NewTimer(time.Until(s.created.Add(s.manager.options.SetupTimeout)))
	defer deadline.Stop()
	var settled <-chan time.Time
	look := time.NewTicker(s.manager.options.Consent / looks)
	defer look.Stop()
	for {
		select {
		case <-s.stop:
			s.finish()
			return
		case <-deadline.C:
			if !s.connected.Load() {
				s.end(ReasonSetup)
			}
		case <-s.flow.over():
			s.end(s.flow.why())
		case <-settled:
			s.settle()
		case <-look.C:
			s.checkConsent()
		case <-s.wake:
			if s.observe() {
				s.begin()
			}
			settled = time.After(s.manager.options.settle)
		}
	}
}

// settle gives back what a player does not need once it plays. A publisher may
// send by another address than pion thinks.
func (s *Session) settle() {
	if !s.plan.Ingest {
		s.conn.Settle()
	}
}

// observe acts on the PeerConnection's state, and says whether it has just
// connected for the first time.
func (s *Session) observe() bool {
	switch s.conn.State() {
	case webrtc.PeerConnectionStateConnected:
		s.conn.Refresh()
		return s.connected.CompareAndSwap(false, true)
	case webrtc.PeerConnectionStateFailed:
		switch {
		case s.connected.Load():
			s.end(ReasonConsent)
		case s.conn.ICEState() == webrtc.ICEConnectionStateFailed:
			s.end(ReasonICE)
		default:
			s.end(ReasonDTLS)
		}
	case webrtc.PeerConnectionStateClosed: // pion does that by itself when DTLS is closed
		if s.connected.Load() {
			s.end(ReasonPeer)
		} else {
			s.end(ReasonDTLS)
		}
	default:
	}
	return false
}

// begin lets media flow.
func (s *Session) begin() {
	s.place.Connected()
	took := time.Since(s.created)
	s.logger.Info("session connected", "duration", took)
	s.event("session_connected", slog.Duration("duration", took))
	s.flow.begin()
}

// event tells of the session.
func (s *Session) event(name string, attrs ...slog.Attr) {
	s.manager.options.Event(name, append([]slog.Attr{
		slog.String("session", s.id), slog.String("stream", s.stream), slog.String("protocol", s.protocol),
	}, attrs...)...)
}

// finish gives everything back. Media stops first.
func (s *Session) finish() {
	defer close(s.done)
	reason := s.Reason()
	s.manager.forget(s)
	if reason != ReasonDeleted {
		s.manager.tombstones.Add(s.secret, reason)
	}
	s.release(reason)
	packets, bytes := s.flow.counted()
	s.logger.Info("session ended", "reason", reason, "duration", time.Since(s.created), "packets", packets, "bytes", bytes)
	s.event("session_ended", slog.String("reason", reason), slog.Duration("duration", time.Since(s.created)),
		slog.Uint64("packets", packets), slog.Uint64("bytes", bytes))
}

// release closes what the session has, as far as it came into being, and waits.
// It must not run inside a callback of pion's.
func (s *Session) release(reason string) {
	if s.flow != nil {
		s.flow.halt(reason)
	}
	if err := s.conn.Close(); err != nil {
		s.logger.Debug("peer connection closed badly", "err", err)
	}
	if s.flow != nil {
		s.flow.wait()
	}
	s.place.Release()
}
