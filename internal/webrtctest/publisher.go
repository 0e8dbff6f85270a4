package webrtctest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// PublishOptions say how a Publisher publishes. The zero value offers H.264 and
// Opus, with all its candidates, all on 127.0.0.1.
type PublishOptions struct {
	NoAudio, NoVideo bool
	VideoFirst       bool     // otherwise audio is the first section
	AllInterfaces    bool     // use every IPv4 address of the machine, not 127.0.0.1
	Codecs           []string // of video in order of preference: "H264", "VP8"; the first is sent
	RIDs             []string // of a simulcast, the layers
	NoRTX            bool     // offer no retransmission streams: lost packets are sent again as they were
	Mute             bool     // answer no NACK
	NoReports        bool     // send no sender reports
	Wide             bool     // number packets transport-wide

	// Trickle posts the offer without candidates and PATCHes them at once;
	// HideCandidates does not even PATCH them, see Link.Trickle.
	Trickle, HideCandidates bool
	// IgnoreCandidates leaves the server's candidates out of the answer, so
	// that only the server can begin.
	IgnoreCandidates bool

	Offer  func(sdp string) string // changes the offer before it is sent
	Answer func(sdp string) string // changes the answer before it is taken
	Fields []string                // of every request: names and values in turn
}

// A Publisher is one WHIP client: one PeerConnection, one session. It sends what
// it is told to. Close must be called in the end.
type Publisher struct {
	*Link

	// static after Publish
	options PublishOptions
	audio   *webrtc.TrackLocalStaticRTP
	video   []*webrtc.TrackLocalStaticRTP // one a layer
	layers  *webrtc.RTPTransceiver        // of a simulcast

	keyFrames, nacks, reports, numbered atomic.Int64 // RTCP that came: PLI and FIR, NACK, RR blocks, transport-wide feedback
	fir, estimates                      atomic.Int64 // FIR, REMB
	lost                                atomic.Int64 // packets lost in all, by the newest RR
}

// Publish makes an offer, posts it to a WHIP endpoint and takes the answer. When
// it returns the session exists. Where the offer is refused the error is a
// *Refused.
func Publish(ctx context.Context, endpoint string, o PublishOptions) (*Publisher, error) {
	p := newPublisher(endpoint, o)
	err := p.connect()
	if err == nil {
		err = p.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func newPublisher(endpoint string, o PublishOptions) *Publisher {
	return &Publisher{
		Link: newLink(endpoint, way{
			trickle: o.Trickle, hideCandidates: o.HideCandidates, ignoreCandidates: o.IgnoreCandidates,
			offer: o.Offer, answer: o.Answer, fields: o.Fields,
		}),
		options: o,
	}
}

// MakePublishOffer returns the offer that Publish would post, of a publisher that
// is no more.
func MakePublishOffer(ctx context.Context, o PublishOptions) (string, error) {
	p := newPublisher("", o)
	err := p.connect()
	if err == nil {
		p.offer, err = p.gather(ctx, nil)
	}
	return p.offer, errors.Join(err, p.Close())
}

// connect makes the PeerConnection with its tracks.
func (p *Publisher) connect() error {
	o := Options{Codecs: p.options.Codecs, NoRTX: p.options.NoRTX}
	media, err := o.mediaEngine()
	if err != nil {
		return err
	}
	registry, err := p.interceptors(media)
	if err != nil {
		return err
	}
	if p.net, err = newCutNet(); err != nil {
		return err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(settings(p.net, p.options.AllInterfaces, false)))
	if p.pc, err = api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle}); err != nil {
		return fmt.Errorf("make a PeerConnection: %w", err)
	}
	p.pc.OnConnectionStateChange(p.onState)
	adds := []func() error{p.addAudio, p.addVideo}
	if p.options.VideoFirst {
		adds[0], adds[1] = adds[1], adds[0]
	}
	return errors.Join(adds[0](), adds[1]())
}

// interceptors are those of a browser's sender, as far as the options want them.
func (p *Publisher) interceptors(media *webrtc.MediaEngine) (*interceptor.Registry, error) {
	registry := &interceptor.Registry{}
	if !p.options.Mute {
		if err := webrtc.ConfigureNack(media, registry); err != nil {
			return nil, fmt.Errorf("configure NACK: %w", err)
		}
		media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBNACK}, webrtc.RTPCodecTypeAudio)
	}
	if !p.options.NoReports {
		if err := webrtc.ConfigureRTCPReports(registry); err != nil {
			return nil, fmt.Errorf("configure reports: %w", err)
		}
	}
	if p.options.Wide {
		if err := webrtc.ConfigureTWCCHeaderExtensionSender(media, registry); err != nil {
			return nil, fmt.Errorf("configure transport-wide numbers: %w", err)
		}
		media.RegisterFeedback(webrtc.RTCPFeedback{Type: webrtc.TypeRTCPFBTransportCC}, webrtc.RTPCodecTypeVideo)
	}
	if len(p.options.RIDs) > 0 {
		for _, uri := range []string{sdp.SDESMidURI, sdp.SDESRTPStreamIDURI, sdp.SDESRepairRTPStreamIDURI} {
			if err := media.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
				return nil, fmt.Errorf("register header extension: %w", err)
			}
		}
	}
	return registry, nil
}

func (p *Publisher) addAudio() error {
	if p.options.NoAudio {
		return nil
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "stream")
	if err != nil {
		return fmt.Errorf("make the audio track: %w", err)
	}
	p.audio = track
	return p.add(track)
}

func (p *Publisher) addVideo() error {
	if p.options.NoVideo {
		return nil
	}
	name := "H264"
	if len(p.options.Codecs) > 0 {
		name = p.options.Codecs[0]
	}
	capability := webrtc.RTPCodecCapability{MimeType: "video/" + name, ClockRate: 90000}
	rids := p.options.RIDs
	if len(rids) == 0 {
		rids = []string{""}
	}
	for _, rid := range rids {
		var options []func(*webrtc.TrackLocalStaticRTP)
		if rid != "" {
			options = append(options, webrtc.WithRTPStreamID(rid))
		}
		track, err := webrtc.NewTrackLocalStaticRTP(capability, "video", "stream", options...)
		if err != nil {
			return fmt.Errorf("make the video track: %w", err)
		}
		p.video = append(p.video, track)
	}
	return p.add(p.video[0], p.video[1:]...)
}

// add adds a track, and its other layers.
func (p *Publisher) add(track webrtc.TrackLocal, layers ...*webrtc.TrackLocalStaticRTP) error {
	transceiver, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		return fmt.Errorf("add a transceiver: %w", err)
	}
	sender := transceiver.Sender()
	if len(layers) > 0 {
		p.layers = transceiver
	}
	for _, layer := range layers {
		if err := sender.AddEncoding(layer); err != nil {
			return fmt.Errorf("add a layer: %w", err)
		}
	}
	p.wg.Go(func() { p.readRTCP(sender.ReadRTCP) })
	for _, layer := range layers {
		p.wg.Go(func() {
			p.readRTCP(func() ([]rtcp.Packet, interceptor.Attributes, error) { return sender.ReadSimulcastRTCP(layer.RID()) })
		})
	}
	return nil
}

func (p *Publisher) readRTCP(read func() ([]rtcp.Packet, interceptor.Attributes, error)) {
	for {
		packets, _, err := read()
		if err != nil {
			return // closed
		}
		for _, packet := range packets {
			switch packet := packet.(type) {
			case *rtcp.PictureLossIndication:
				p.keyFrames.Add(1)
			case *rtcp.FullIntraRequest:
				p.fir.Add(1)
				p.keyFrames.Add(1)
			case *rtcp.ReceiverEstimatedMaximumBitrate:
				p.estimates.Add(1)
			case *rtcp.TransportLayerNack:
				p.nacks.Add(1)
			case *rtcp.TransportLayerCC:
				p.numbered.Add(1)
			case *rtcp.ReceiverReport:
				for _, r := range packet.Reports {
					p.reports.Add(1)
					p.lost.Store(int64(r.TotalLost))
				}
			}
		}
	}
}

// SendAudio sends one packet of sound. What is sent before the connection is
// there gets lost.
func (p *Publisher) SendAudio(packet *rtp.Packet) error {
	return wrapWrite(p.audio.WriteRTP(packet))
}

// SendVideo sends one packet of a layer of the picture, 0 where there is one.
func (p *Publisher) SendVideo(layer int, packet *rtp.Packet) error {
	if p.layers != nil {
		for _, e := range p.layers.Sender().GetParameters().HeaderExtensions {
			text := map[string]string{sdp.SDESMidURI: p.layers.Mid(), sdp.SDESRTPStreamIDURI: p.options.RIDs[layer]}[e.URI]
			if text == "" {
				continue
			}
			if err := packet.SetExtension(uint8(e.ID), []byte(text)); err != nil {
				return wrapWrite(err)
			}
		}
	}
	return wrapWrite(p.video[layer].WriteRTP(packet))
}

func wrapWrite(err error) error {
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// LoseOut drops every nth RTP packet that goes out; 0 ends it.
func (p *Publisher) LoseOut(nth uint32) { p.net.out.Store(nth) }

// Heard is what a publisher was told by RTCP.
type Heard struct {
	KeyFrames int64 // requests, PLI and FIR
	FIR       int64 // those of them that are FIR
	Estimates int64 // REMB
	NACKs     int64 // RTCP packets
	Reports   int64 // reception reports
	Lost      int64 // packets, by the newest report
	Numbered  int64 // reports on transport-wide numbers
}

// Heard returns what came so far.
func (p *Publisher) Heard() Heard {
	return Heard{
		KeyFrames: p.keyFrames.Load(), FIR: p.fir.Load(), Estimates: p.estimates.Load(), NACKs: p.nacks.Load(), Reports: p.reports.Load(),
		Lost: p.lost.Load(), Numbered: p.numbered.Load(),
	}
}

// Connected waits until media can flow.
func (p *Publisher) Connected(ctx context.Context) error {
	return Wait(ctx, func() string {
		if state := p.pc.ConnectionState(); state != webrtc.PeerConnectionStateConnected {
			return "a connection, which is " + state.String()
		}
		return ""
	})
}
