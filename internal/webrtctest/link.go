package webrtctest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/pion/webrtc/v4"
)

const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
)

// A Link is what players and publishers share: one PeerConnection and one
// session at a server. Its methods may be called from any goroutine, but Trickle,
// Restart and Delete one at a time.
type Link struct {
	// static after open
	way      way
	endpoint string
	client   *Client
	net      *cutNet
	pc       *webrtc.PeerConnection
	offer    string // as it was sent
	local    string // the offer with all candidates
	answer   string // as it came
	session  string // absolute URL
	created  *Reply // the 201

	wg   sync.WaitGroup // own goroutines
	stop chan struct{}  // closed by Close

	mu sync.Mutex
	// guarded by mu
	etag   string
	states []webrtc.PeerConnectionState // in order
	closed bool
}

// A way is how a session is made, see Options.
type way struct {
	trickle, hideCandidates, ignoreCandidates bool
	offer, answer                             func(sdp string) string
	fields                                    []string
}

func newLink(endpoint string, w way) *Link {
	return &Link{way: w, endpoint: endpoint, client: NewClient(), stop: make(chan struct{})}
}

// Refused is the error for a POST that was not answered with 201.
type Refused struct{ *Reply } //nolint:errname // what happened, as the package says it

// Error says the status and the body.
func (r *Refused) Error() string {
	return fmt.Sprintf("the offer was refused with %d: %s", r.Status, r.Body)
}

// open offers what the PeerConnection has, posts it and takes the answer.
func (l *Link) open(ctx context.Context) error {
	offer, err := l.gather(ctx, nil)
	if err != nil {
		return err
	}
	l.local, l.offer = offer, offer
	if l.way.trickle || l.way.hideCandidates {
		l.offer = WithoutCandidates(offer)
	}
	if l.way.offer != nil {
		l.offer = l.way.offer(l.offer)
	}
	fields := append([]string{"Content-Type", sdpType}, l.way.fields...)
	if l.created, err = l.client.Do(ctx, "POST", l.endpoint, l.offer, fields...); err != nil {
		return err
	}
	if l.created.Status != 201 {
		return &Refused{l.created}
	}
	base, err := url.Parse(l.endpoint)
	if err != nil {
		return fmt.Errorf("parse the endpoint's URL: %w", err)
	}
	session, err := base.Parse(l.created.Header.Get("Location"))
	if err != nil {
		return fmt.Errorf("parse Location: %w", err)
	}
	l.session, l.answer = session.String(), l.created.Body
	l.setETag(l.created.Header.Get("ETag"))
	answer := l.answer
	if l.way.answer != nil {
		answer = l.way.answer(answer)
	}
	if l.way.ignoreCandidates {
		answer = WithoutCandidates(answer)
	}
	if err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("set the answer: %w", err)
	}
	if l.way.trickle {
		return l.Trickle(ctx)
	}
	return nil
}

// gather makes an offer and returns it with all candidates.
func (l *Link) gather(ctx context.Context, o *webrtc.OfferOptions) (string, error) {
	offer, err := l.pc.CreateOffer(o)
	if err != nil {
		return "", fmt.Errorf("create an offer: %w", err)
	}
	done := webrtc.GatheringCompletePromise(l.pc)
	if err := l.pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("set the offer: %w", err)
	}
	select {
	case <-done:
		return l.pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", ctx.Err())
	}
}

func (l *Link) onState(state webrtc.PeerConnectionState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.states = append(l.states, state)
}

func (l *Link) setETag(etag string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.etag = etag
}

// Trickle sends all candidates by PATCH, as a client does that posted its offer
// without. Anything but 204 is an error.
func (l *Link) Trickle(ctx context.Context) error {
	reply, err := l.Patch(ctx, Fragment(l.local), l.ETag())
	if err != nil {
		return err
	}
	if reply.Status != 204 {
		return fmt.Errorf("the candidates were refused with %d: %s", reply.Status, reply.Body)
	}
	return nil
}

// Patch sends any fragment with any If-Match, "" for none.
func (l *Link) Patch(ctx context.Context, fragment, ifMatch string) (*Reply, error) {
	fields := append([]string{"Content-Type", fragmentType}, l.way.fields...)
	if ifMatch != "" {
		fields = append(fields, "If-Match", ifMatch)
	}
	return l.client.Do(ctx, "PATCH", l.session, fragment, fields...)
}

// Restart restarts ICE by PATCH and goes on with the new credentials. The reply
// is returned as it came; anything but 200 is an error too.
func (l *Link) Restart(ctx context.Context) (*Reply, error) {
	local, err := l.gather(ctx, &webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return nil, err
	}
	reply, err := l.Patch(ctx, Fragment(local), "*")
	if err != nil {
		return nil, err
	}
	if reply.Status != 200 {
		return reply, fmt.Errorf("the restart was refused with %d: %s", reply.Status, reply.Body)
	}
	l.setETag(reply.Header.Get("ETag"))
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: withICE(l.answer, reply.Body)}
	if err := l.pc.SetRemoteDescription(answer); err != nil {
		return reply, fmt.Errorf("set the answer to the restart: %w", err)
	}
	return reply, nil
}

// Delete ends the session by DELETE. The PeerConnection stays as it is.
func (l *Link) Delete(ctx context.Context) (*Reply, error) {
	return l.client.Do(ctx, "DELETE", l.session, "", l.way.fields...)
}

// Vanish cuts the client off: nothing goes out or comes in any more, without
// DTLS close, RTCP or DELETE. Close is still needed.
func (l *Link) Vanish() { l.net.cut.Store(true) }

// Close ends the client, with a DTLS close unless it has vanished, and waits for
// its goroutines. It sends no DELETE. It may be called again.
func (l *Link) Close() error {
	l.mu.Lock()
	first := !l.closed
	l.closed = true
	l.mu.Unlock()
	var err error
	if first {
		close(l.stop)
		if l.pc != nil {
			err = l.pc.GracefulClose()
		}
	}
	l.wg.Wait()
	l.client.Close()
	return err
}

// Offer is the offer as it was posted.
func (l *Link) Offer() string { return l.offer }

// Local is the offer with all candidates, whatever was posted.
func (l *Link) Local() string { return l.local }

// Answer is the answer as it came.
func (l *Link) Answer() string { return l.answer }

// Created is the whole reply to the POST.
func (l *Link) Created() *Reply { return l.created }

// Session is the absolute URL of the session.
func (l *Link) Session() string { return l.session }

// Client is the HTTP client, for requests of other kinds.
func (l *Link) Client() *Client { return l.client }

// PeerConnection is what plays or publishes.
func (l *Link) PeerConnection() *webrtc.PeerConnection { return l.pc }

// ETag is the newest entity-tag of the session, with its quotes.
func (l *Link) ETag() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.etag
}

// Saw says whether the PeerConnection was ever in one of these states.
func (l *Link) Saw(states ...webrtc.PeerConnectionState) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.states, func(s webrtc.PeerConnectionState) bool { return slices.Contains(states, s) })
}

// Path is the selected pair of addresses, the client's own first; "" for both
// while there is none, as after a restart.
func (l *Link) Path() (local, remote string) {
	pair, err := l.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "", ""
	}
	address := func(c *webrtc.ICECandidate) string { return net.JoinHostPort(c.Address, strconv.Itoa(int(c.Port))) }
	return address(pair.Local), address(pair.Remote)
}
