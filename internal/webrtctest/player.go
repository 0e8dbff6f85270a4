package webrtctest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
)

// A Player is one WHEP player: one PeerConnection, one session. Its methods may
// be called from any goroutine, but Trickle, Restart and Delete one at a time.
// Close must be called in the end.
type Player struct {
	// static after Play
	options  Options
	endpoint string
	client   *Client
	net      *cutNet
	pc       *webrtc.PeerConnection
	offer    string // as it was sent
	local    string // the offer with all candidates
	answer   string // as it came
	session  string // absolute URL
	created  *Reply // the 201

	audio, video *counter

	wg   sync.WaitGroup // own goroutines
	stop chan struct{}  // closed by Close

	floodNACK, floodPLI atomic.Bool

	mu sync.Mutex
	// guarded by mu
	etag   string
	states []webrtc.PeerConnectionState // in order
	tracks []remote
	closed bool
}

// A remote is one track that comes in.
type remote struct {
	counter  *counter
	receiver *webrtc.RTPReceiver
	track    *webrtc.TrackRemote
}

// Refused is the error for a POST that was not answered with 201.
type Refused struct{ *Reply } //nolint:errname // what happened, as the package says it

// Error says the status and the body.
func (r *Refused) Error() string {
	return fmt.Sprintf("the offer was refused with %d: %s", r.Status, r.Body)
}

// Play makes an offer, posts it to a WHEP endpoint and takes the answer. When it
// returns the session exists; media come later, see WaitMedia. Where the offer
// is refused the error is a *Refused.
func Play(ctx context.Context, endpoint string, o Options) (*Player, error) {
	p := &Player{options: o, endpoint: endpoint, client: NewClient(), audio: newCounter(), video: newCounter(), stop: make(chan struct{})}
	if err := p.open(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.wg.Go(p.feedback)
	return p, nil
}

func (p *Player) open(ctx context.Context) error {
	if err := p.connect(); err != nil {
		return err
	}
	offer, err := p.gather(ctx, nil)
	if err != nil {
		return err
	}
	p.local, p.offer = offer, offer
	if p.options.Trickle || p.options.HideCandidates {
		p.offer = WithoutCandidates(offer)
	}
	if p.options.Offer != nil {
		p.offer = p.options.Offer(p.offer)
	}
	fields := append([]string{"Content-Type", sdpType}, p.options.Fields...)
	if p.created, err = p.client.Do(ctx, "POST", p.endpoint, p.offer, fields...); err != nil {
		return err
	}
	if p.created.Status != 201 {
		return &Refused{p.created}
	}
	base, err := url.Parse(p.endpoint)
	if err != nil {
		return fmt.Errorf("parse the endpoint's URL: %w", err)
	}
	session, err := base.Parse(p.created.Header.Get("Location"))
	if err != nil {
		return fmt.Errorf("parse Location: %w", err)
	}
	p.session, p.answer = session.String(), p.created.Body
	p.setETag(p.created.Header.Get("ETag"))
	answer := p.answer
	if p.options.Answer != nil {
		answer = p.options.Answer(answer)
	}
	if p.options.IgnoreCandidates {
		answer = WithoutCandidates(answer)
	}
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		return fmt.Errorf("set the answer: %w", err)
	}
	if p.options.Trickle {
		return p.Trickle(ctx)
	}
	return nil
}

// gather makes an offer and returns it with all candidates.
func (p *Player) gather(ctx context.Context, o *webrtc.OfferOptions) (string, error) {
	offer, err := p.pc.CreateOffer(o)
	if err != nil {
		return "", fmt.Errorf("create an offer: %w", err)
	}
	done := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return "", fmt.Errorf("set the offer: %w", err)
	}
	select {
	case <-done:
		return p.pc.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", fmt.Errorf("gather candidates: %w", ctx.Err())
	}
}

func (p *Player) onState(state webrtc.PeerConnectionState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = append(p.states, state)
}

func (p *Player) onTrack(track *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	counter := p.video
	if track.Kind() == webrtc.RTPCodecTypeAudio {
		counter = p.audio
	}
	_, codec, _ := cutMime(track.Codec().MimeType)
	counter.begin(codec, uint32(track.SSRC()), uint8(track.PayloadType()))
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.tracks = append(p.tracks, remote{counter: counter, receiver: receiver, track: track})
	p.wg.Go(func() { p.readRTP(track, counter) })
	p.wg.Go(func() { readRTCP(receiver, counter) })
}

func (p *Player) readRTP(track *webrtc.TrackRemote, c *counter) {
	const mtu = 1500
	buffer := make([]byte, mtu)
	var packet rtp.Packet
	for {
		n, _, err := track.Read(buffer)
		if err != nil {
			return // closed
		}
		if packet.Unmarshal(buffer[:n]) != nil {
			continue // not RTP: nothing to count
		}
		c.packet(&packet.Header, packet.Payload, time.Now())
		if p.options.OnPacket != nil {
			p.options.OnPacket(track.Kind().String(), &packet)
		}
	}
}

func readRTCP(receiver *webrtc.RTPReceiver, c *counter) {
	for {
		packets, _, err := receiver.ReadRTCP()
		if err != nil {
			return // closed
		}
		c.report(packets)
	}
}

// feedback sends NACKs, and what the floods add, until Close.
func (p *Player) feedback() {
	const period = 20 * time.Millisecond
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-ticker.C:
			for _, r := range p.remotes() {
				p.sendFeedback(r, now)
			}
		}
	}
}

func (p *Player) sendFeedback(r remote, now time.Time) {
	const plis = 20 // a period, in a flood
	ssrc := uint32(r.track.SSRC())
	var packets []rtcp.Packet
	nack := func(numbers []uint16) {
		slices.Sort(numbers)
		if len(numbers) > 0 {
			packets = append(packets, &rtcp.TransportLayerNack{MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(numbers)})
		}
	}
	if !p.options.NoNACK {
		nack(r.counter.nacks(now))
	}
	if p.floodNACK.Load() {
		nack(r.counter.received())
	}
	if p.floodPLI.Load() && r.counter == p.video {
		for range plis {
			packets = append(packets, &rtcp.PictureLossIndication{MediaSSRC: ssrc})
		}
	}
	for _, packet := range packets {
		if p.pc.WriteRTCP([]rtcp.Packet{packet}) != nil {
			return // not connected, or no longer
		}
	}
}

func (p *Player) remotes() []remote {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.tracks)
}

func (p *Player) setETag(etag string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.etag = etag
}

// Trickle sends all candidates by PATCH, as a player does that posted its offer
// without. Anything but 204 is an error.
func (p *Player) Trickle(ctx context.Context) error {
	reply, err := p.Patch(ctx, Fragment(p.local), p.ETag())
	if err != nil {
		return err
	}
	if reply.Status != 204 {
		return fmt.Errorf("the candidates were refused with %d: %s", reply.Status, reply.Body)
	}
	return nil
}

// Patch sends any fragment with any If-Match, "" for none.
func (p *Player) Patch(ctx context.Context, fragment, ifMatch string) (*Reply, error) {
	fields := append([]string{"Content-Type", fragmentType}, p.options.Fields...)
	if ifMatch != "" {
		fields = append(fields, "If-Match", ifMatch)
	}
	return p.client.Do(ctx, "PATCH", p.session, fragment, fields...)
}

// Restart restarts ICE by PATCH and goes on with the new credentials. The reply
// is returned as it came; anything but 200 is an error too.
func (p *Player) Restart(ctx context.Context) (*Reply, error) {
	local, err := p.gather(ctx, &webrtc.OfferOptions{ICERestart: true})
	if err != nil {
		return nil, err
	}
	reply, err := p.Patch(ctx, Fragment(local), "*")
	if err != nil {
		return nil, err
	}
	if reply.Status != 200 {
		return reply, fmt.Errorf("the restart was refused with %d: %s", reply.Status, reply.Body)
	}
	p.setETag(reply.Header.Get("ETag"))
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: withICE(p.answer, reply.Body)}
	if err := p.pc.SetRemoteDescription(answer); err != nil {
		return reply, fmt.Errorf("set the answer to the restart: %w", err)
	}
	return reply, nil
}

// Delete ends the session by DELETE. The PeerConnection stays as it is.
func (p *Player) Delete(ctx context.Context) (*Reply, error) {
	return p.client.Do(ctx, "DELETE", p.session, "", p.options.Fields...)
}

// Vanish cuts the player off: nothing goes out or comes in any more, without
// DTLS close, RTCP or DELETE. Close is still needed.
func (p *Player) Vanish() { p.net.cut.Store(true) }

// Lose drops every nth RTP packet that comes in; 0 ends it.
func (p *Player) Lose(nth uint32) { p.net.loss.Store(nth) }

// FloodNACK asks for everything that came lately again, 50 times a second.
func (p *Player) FloodNACK(on bool) { p.floodNACK.Store(on) }

// FloodPLI asks for a key frame a thousand times a second.
func (p *Player) FloodPLI(on bool) { p.floodPLI.Store(on) }

// Close ends the player, with a DTLS close unless it has vanished, and waits for
// its goroutines. It sends no DELETE. It may be called again.
func (p *Player) Close() error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	var err error
	if first {
		close(p.stop)
		if p.pc != nil {
			err = p.pc.GracefulClose()
		}
	}
	p.wg.Wait()
	p.client.Close()
	return err
}

// MakeOffer returns the offer that Play would post, of a player that is no more.
func MakeOffer(ctx context.Context, o Options) (string, error) {
	p := &Player{options: o, client: NewClient(), audio: newCounter(), video: newCounter(), stop: make(chan struct{})}
	err := p.connect()
	if err == nil {
		p.offer, err = p.gather(ctx, nil)
	}
	return p.offer, errors.Join(err, p.Close())
}
