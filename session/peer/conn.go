package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"

	"weir/internal/udp"
	"weir/session/negotiate"
	"weir/stream"
)

// ErrEnded is returned where the session has ended while candidates were gathered.
var ErrEnded = errors.New("the session has ended")

// Setup is what a Conn's PeerConnection is made with.
type Setup struct {
	Logger *slog.Logger    // of the session: what pion says stands there at Debug
	Plan   *negotiate.Plan // names the codecs, and the role in DTLS
	Offers bool            // this end makes the offer: it has sockets of its own
	// Deadline is when the DTLS handshake is given up at the latest. It is asked
	// when that begins.
	Deadline func() time.Time
	Receives bool // media comes, and lost packets may come again as they were
	// Buffer makes what pion keeps the packets of an RTP stream in, and what it
	// keeps RTCP on that stream in, once for each that a packet of the other end
	// names. Without it pion keeps them all.
	Buffer func(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser
	// Servers of STUN and TURN are asked for candidates besides those of this
	// machine's addresses, and waited for as long as Patience by Offer and Answer.
	Servers  []Server
	Patience time.Duration
	// Changed is called in pion's goroutines when the state, or the candidate pair in
	// use, may have changed. It must only post, and not call the Conn.
	Changed func()
	// Ended closes when nothing should be waited for any more.
	Ended <-chan struct{}
}

// A Server is one of STUN or TURN.
type Server struct {
	URL                  string
	Username, Credential string // of TURN
}

// Conn is a session's PeerConnection, and before Open the addresses that it would
// have. Answer, Offer, Accept and Send are for one goroutine at a time; the other
// methods may be called from any, but for Looks and Reachable only after Open.
type Conn struct {
	// static after Factory.Conn
	factory  *Factory
	route    *route
	checking chan struct{} // closed when ICE has begun
	path     path

	// static after Open
	ended       <-chan struct{}
	patience    time.Duration // 0: without end
	pc          *webrtc.PeerConnection
	fingerprint string

	begun sync.Once // closes checking

	mu sync.Mutex
	// guarded by mu
	gathering *gathering
}

// Look looks at this machine's addresses again, at most once a second, where the
// one that the request came in on is not known.
func (c *Conn) Look() {
	if local := c.route.local; udp.Usable(local) && !c.factory.ports.Has(local) {
		c.factory.ports.Rescan(time.Second)
	}
}

// Reachable says whether there is an address that the other end could be told.
func (c *Conn) Reachable() bool { return len(c.route.addresses()) > 0 }

// Open makes the PeerConnection. It is called once; where it fails Close need not
// be called, but may.
func (c *Conn) Open(s Setup) error {
	cert, err := c.factory.certificates.forSession()
	if err != nil {
		return err
	}
	c.ended, c.fingerprint = s.Ended, cert.fingerprint
	if len(s.Servers) > 0 {
		c.patience = s.Patience
	}
	if c.pc, err = c.newPeerConnection(s, cert); err != nil {
		return err
	}
	c.pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) { s.Changed() })
	c.pc.OnICEConnectionStateChange(func(webrtc.ICEConnectionState) {
		c.begun.Do(func() { close(c.checking) })
	})
	c.transport().ICETransport().OnSelectedCandidatePairChange(func(*webrtc.ICECandidatePair) { s.Changed() })
	c.pc.OnICECandidate(c.gathered)
	c.pc.OnICEGatheringStateChange(c.gathers)
	return nil
}

// Close closes the PeerConnection with a DTLS close, as far as there is one, and
// waits for pion. It must not be called in Changed.
func (c *Conn) Close() error {
	if c.pc == nil {
		return nil
	}
	return c.pc.GracefulClose()
}

// Send adds a section that sends the track's media.
func (c *Conn) Send(track webrtc.TrackLocal) (*webrtc.RTPSender, error) {
	transceiver, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return nil, fmt.Errorf("add transceiver: %w", err)
	}
	return transceiver.Sender(), nil
}

// Receive adds what pion needs to offer anything: it takes no part in receiving.
func (c *Conn) Receive() error {
	if _, err := c.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionRecvonly,
	}); err != nil {
		return fmt.Errorf("add transceiver: %w", err)
	}
	return nil
}

// Answer takes an offer, the first one or, once Checking is closed, one that
// restarts ICE, and returns this end's side of the ICE session with all candidates.
// It fails with ErrEnded, with ctx's error, or with pion's.
func (c *Conn) Answer(ctx context.Context, offer string) (ICE, error) {
	if c.pc.RemoteDescription() != nil {
		c.path.restart()
		defer c.path.settled(c.selected)
	}
	g := c.gather()
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return ICE{}, fmt.Errorf("set remote description: %w", err)
	}
	answer, err := c.pc.CreateAnswer(nil)
	if err != nil {
		return ICE{}, fmt.Errorf("create answer: %w", err)
	}
	if err := c.pc.SetLocalDescription(answer); err != nil {
		return ICE{}, fmt.Errorf("set local description: %w", err)
	}
	return c.await(ctx, g, answer.SDP)
}

// Offer begins an ICE session from this end, the first one or a restart, and
// returns and fails as Answer does. Accept completes it.
func (c *Conn) Offer(ctx context.Context, restart bool) (ICE, error) {
	if restart {
		c.path.restart()
		defer c.path.settled(c.selected)
	}
	g := c.gather()
	offer, err := c.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: restart})
	if err != nil {
		return ICE{}, fmt.Errorf("create offer: %w", err)
	}
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return ICE{}, fmt.Errorf("set local description: %w", err)
	}
	return c.await(ctx, g, offer.SDP)
}

// Accept takes the answer to what Offer began.
func (c *Conn) Accept(answer string) error {
	if err := c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("set remote description: %w", err)
	}
	return nil
}

// Add adds a candidate of the other end to the current ICE session (RFC 8838).
func (c *Conn) Add(candidate string) error {
	return c.pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: candidate})
}

// Fingerprint is that of the Conn's certificate as SDP writes it: "sha-256 AA:...".
func (c *Conn) Fingerprint() string { return c.fingerprint }

// Checking is closed when ICE has begun. What pion does first then would undo a
// restart before.
func (c *Conn) Checking() <-chan struct{} { return c.checking }

// State is that of the PeerConnection, which pion closes by itself when the other
// end closes DTLS.
func (c *Conn) State() webrtc.PeerConnectionState { return c.pc.ConnectionState() }

// ICEState is that of ICE.
func (c *Conn) ICEState() webrtc.ICEConnectionState { return c.pc.ICEConnectionState() }

// Closed says whether nothing can be negotiated any more. State may say so later.
func (c *Conn) Closed() bool { return c.pc.SignalingState() == webrtc.SignalingStateClosed }

// transport is the one that all sections are bundled on.
func (c *Conn) transport() *webrtc.DTLSTransport { return c.pc.SCTP().Transport() }

// selected says whether there is a selected pair. It does not wait for the agent.
func (c *Conn) selected() bool {
	pair, err := c.transport().ICETransport().GetSelectedCandidatePair()
	return err == nil && pair != nil
}

// Ready says whether a packet can leave at once, as Refresh has found. Before the
// first candidate pair is selected, and after a restart until the next one is, a
// write would wait for the ICE agent.
func (c *Conn) Ready() bool { return c.path.open.Load() }

// Refresh looks whether there is a selected candidate pair. It is for when Changed
// was called, once the Conn has been connected.
func (c *Conn) Refresh() { c.path.look(c.selected) }

// WriteRTCP sends one compound packet.
func (c *Conn) WriteRTCP(packets []rtcp.Packet) error {
	_, err := c.transport().WriteRTCP(packets)
	return err
}

// Dropped is why a packet did not leave: for err, or where pion returned none for
// the failure of a write since the last call; DropNotReady if there was none.
func (c *Conn) Dropped(err error) stream.DropReason {
	if err != nil {
		return dropReason(err)
	}
	return c.route.takeFailure()
}

// Answers is how many of our checks on the candidate pair in use were answered, by
// whom has the password; inUse is false where there is no such pair. It waits for
// the ICE agent.
func (c *Conn) Answers() (n uint64, inUse bool) {
	stats, ok := c.transport().ICETransport().GetSelectedCandidatePairStats()
	return stats.ResponsesReceived, ok
}

// RoundTrip is what ICE's checks say, 0 if not known.
func (c *Conn) RoundTrip() time.Duration {
	stats, ok := c.transport().ICETransport().GetSelectedCandidatePairStats()
	if !ok {
		return 0
	}
	return time.Duration(stats.CurrentRoundTripTime * float64(time.Second))
}

// Selected are the candidates in use, ours and the other end's, "udp 192.0.2.1:9
// host"; "" for none. It may be called once the Conn has been connected: pion's
// getter is not safe while its transport starts.
func (c *Conn) Selected() (names [2]string) {
	if pair, err := c.transport().ICETransport().GetSelectedCandidatePair(); err == nil && pair != nil {
		names = [2]string{candidateName(pair.Local), candidateName(pair.Remote)}
	}
	return names
}

func candidateName(c *webrtc.ICECandidate) string {
	addr, err := netip.ParseAddr(c.Address)
	if err != nil {
		return c.Protocol.String() + " " + c.Address + " " + c.Typ.String()
	}
	return c.Protocol.String() + " " + netip.AddrPortFrom(addr, c.Port).String() + " " + c.Typ.String()
}

// Settle gives back what is not needed to send to an end on this machine: the
// sockets on the other addresses than the one in use. An end elsewhere may come to
// need them, when one of the networks between fails.
func (c *Conn) Settle() {
	if !c.route.loopback || c.State() != webrtc.PeerConnectionStateConnected {
		return
	}
	pair, err := c.transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return
	}
	if addr, err := netip.ParseAddr(pair.Local.Address); err == nil {
		c.route.keepOnly(addr)
	}
}

// Drops counts by reason the datagrams of the other end that were dropped before the
// ICE agent: checks from more addresses than it may have, RTCP of more senders, and what
// found no room to wait in.
func (c *Conn) Drops() map[string]uint64 {
	drops := map[string]uint64{}
	for reason, n := range map[string]uint64{
		"too_many_addresses": c.route.drops.Sources.Load(),
		"too_many_senders":   c.route.senders.dropped.Load(),
		"unread":             c.route.drops.Unread.Load(),
	} {
		if n > 0 {
			drops[reason] = n
		}
	}
	return drops
}

// Sockets is how many of the shared sockets the Conn has a share of.
func (c *Conn) Sockets() int {
	c.route.mu.Lock()
	defer c.route.mu.Unlock()
	return len(c.route.conns)
}
