package webrtctest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// A Player is one WHEP player: one PeerConnection, one session. Its methods may
// be called from any goroutine, but Trickle, Restart and Delete one at a time.
// Close must be called in the end.
type Player struct {
	*Link

	// static after Play
	options Options

	audio, video *counter

	floodNACK, floodPLI atomic.Bool

	tracks []remote // guarded by mu
}

// A remote is one track that comes in.
type remote struct {
	counter  *counter
	receiver *webrtc.RTPReceiver
	track    *webrtc.TrackRemote
}

// Play makes an offer, posts it to a WHEP endpoint and takes the answer. When it
// returns the session exists; media come later, see WaitMedia. Where the offer
// is refused the error is a *Refused.
func Play(ctx context.Context, endpoint string, o Options) (*Player, error) {
	p := newPlayer(endpoint, o)
	err := p.connect()
	if err == nil {
		err = p.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	p.wg.Go(p.feedback)
	return p, nil
}

func newPlayer(endpoint string, o Options) *Player {
	return &Player{
		Link: newLink(endpoint, way{
			trickle: o.Trickle, hideCandidates: o.HideCandidates, ignoreCandidates: o.IgnoreCandidates,
			offer: o.Offer, answer: o.Answer, fields: o.Fields,
		}),
		options: o, audio: newCounter(), video: newCounter(),
	}
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
		c.report(packets, time.Now())
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

// Lose drops every nth RTP packet that comes in; 0 ends it.
func (p *Player) Lose(nth uint32) { p.net.loss.Store(nth) }

// FloodNACK asks for everything that came lately again, 50 times a second.
func (p *Player) FloodNACK(on bool) { p.floodNACK.Store(on) }

// FloodPLI asks for a key frame a thousand times a second.
func (p *Player) FloodPLI(on bool) { p.floodPLI.Store(on) }

// AskKeyFrame asks once for a key frame, if there is a picture.
func (p *Player) AskKeyFrame() error {
	for _, r := range p.remotes() {
		if r.counter != p.video {
			continue
		}
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(r.track.SSRC())}}); err != nil {
			return fmt.Errorf("ask for a key frame: %w", err)
		}
	}
	return nil
}

// Tell reports on everything that comes in: so much is lost of late, in 1/256,
// and in all, with this jitter in clock rate units. The answer to a sender report
// lets the other end know the round-trip time (RFC 3550 6.4.1).
func (p *Player) Tell(fraction uint8, lost, jitter uint32) error {
	for _, r := range p.remotes() {
		stats := r.counter.snapshot()
		report := rtcp.ReceptionReport{SSRC: stats.SSRC, FractionLost: fraction, TotalLost: lost, Jitter: jitter}
		if stats.Report != nil {
			report.LastSenderReport = uint32(stats.Report.NTPTime >> 16)
			report.Delay = uint32(time.Since(stats.ReportAt) << 16 / time.Second)
		}
		if err := p.pc.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{report}}}); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

// MakeOffer returns the offer that Play would post, of a player that is no more.
func MakeOffer(ctx context.Context, o Options) (string, error) {
	p := newPlayer("", o)
	err := p.connect()
	if err == nil {
		p.offer, err = p.gather(ctx, nil)
	}
	return p.offer, errors.Join(err, p.Close())
}
